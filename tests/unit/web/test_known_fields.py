"""Whoever names a field that is not there is told which are, however deep in the body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pytest
from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.errors import BadRequest
from control_plane.web.body import convert_object


class Leaf(Struct, frozen=True, forbid_unknown_fields=True):
    colour: str = ""
    size: int = 0


class Tree(Struct, frozen=True, forbid_unknown_fields=True):
    leaf: Leaf | UnsetType | None = UNSET
    leaves: Annotated[list[Leaf], Meta(max_length=9)] = []
    others: Sequence[Leaf] = ()
    named: Mapping[str, Leaf] = {}


class Wood(Struct, frozen=True, forbid_unknown_fields=True):
    tree: Tree | None = None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"tree": {"leaf": {"x": 1}}}, "/tree/leaf/x"),
        ({"tree": {"leaves": [{}, {"x": 1}]}}, "/tree/leaves/1/x"),
        ({"tree": {"others": [{"x": 1}]}}, "/tree/others/0/x"),
    ],
)
def test_an_unknown_field_of_an_object_inside_the_body_names_those_that_are_known(
    body: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadRequest, match="known here: colour, size") as refused:
        convert_object(body, Wood)
    assert (refused.value.code, refused.value.field) == ("UNKNOWN_FIELD", field)


def test_an_object_under_a_name_of_any_kind_is_told_of_likewise() -> None:
    with pytest.raises(BadRequest, match="known here: colour, size"):
        convert_object({"tree": {"named": {"a": {"x": 1}}}}, Wood)


def test_the_object_itself_names_its_own() -> None:
    with pytest.raises(BadRequest, match="known here: leaf, leaves, named, others"):
        convert_object({"tree": {"x": 1}}, Wood)
