from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from control_plane.errors import BadRequest
from control_plane.web.body import convert_object, decode_object, pointer_of


class Inner(Struct, forbid_unknown_fields=True):
    url: str


class Outer(Struct, forbid_unknown_fields=True):
    name: str
    inner: Inner | None = None
    tags: list[str] = []


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("$", ""),
        ("$.check.url", "/check/url"),
        ("$.items[3].id", "/items/3/id"),
        ("$.headers[...]", "/headers"),
        ("$.a/b", "/a~1b"),
        ("$.a~b", "/a~0b"),
    ],
)
def test_a_path_of_the_decoder_becomes_a_json_pointer(path: str, pointer: str) -> None:
    assert pointer_of(path) == pointer


@pytest.mark.parametrize(
    ("document", "code", "pointer"),
    [
        ({}, "MISSING_FIELD", "/name"),
        ({"name": "x", "inner": {}}, "MISSING_FIELD", "/inner/url"),
        ({"name": "x", "inner": {"url": "u", "extra": 1}}, "UNKNOWN_FIELD", "/inner/extra"),
        ({"name": "x", "tags": ["a", 1]}, "INVALID_TYPE", "/tags/1"),
        ({"name": "x", "tags": None}, "INVALID_TYPE", "/tags"),
    ],
)
def test_a_problem_within_is_named_by_its_whole_pointer(document: dict[str, object], code: str, pointer: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        convert_object(document, Outer)
    assert (refusal.value.code, refusal.value.field) == (code, pointer)


@given(st.binary(max_size=200))
def test_whatever_comes_is_an_object_or_a_refusal(raw: bytes) -> None:
    code = None
    try:
        decoded: object = decode_object(raw)
    except BadRequest as error:
        decoded, code = None, error.code
    assert isinstance(decoded, dict) or code in ("INVALID_JSON", "INVALID_STRING")


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), _json))
def test_every_storable_object_comes_through_unchanged(document: dict[str, object]) -> None:
    import json

    assert decode_object(json.dumps(document).encode()) == document
