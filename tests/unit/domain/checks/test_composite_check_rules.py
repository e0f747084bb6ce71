"""What a composite may be made of."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from control_plane.domain.checks.composite_check import CompositeCheck, Members
from control_plane.domain.checks.composite_check_rules import at_least, members, refuse_conflicts
from control_plane.errors import BadRequest

ONE, TWO = UUID(int=1), UUID(int=2)
AT = "/check/of"


def test_members_are_a_tag_or_a_list_of_ids_each_once() -> None:
    assert members({"tag": "edge"}, AT) == Members(tag="edge")
    assert members({"tag": None, "monitors": [str(TWO), str(ONE), str(TWO)]}, AT) == Members(monitors=(ONE, TWO))


@pytest.mark.parametrize(
    ("of", "code", "field"),
    [
        ("edge", "INVALID_TYPE", AT),
        ({}, "INVALID_COMPOSITE_PARAMS", AT),
        ({"tag": "edge", "monitors": [str(ONE)]}, "INVALID_COMPOSITE_PARAMS", AT),
        ({"tag": ",,"}, "INVALID_TAGS", f"{AT}/tag"),
        ({"monitors": []}, "INVALID_COMPOSITE_PARAMS", f"{AT}/monitors"),
        ({"monitors": "all"}, "INVALID_TYPE", f"{AT}/monitors"),
        ({"monitors": [7]}, "INVALID_TYPE", f"{AT}/monitors/0"),
        ({"monitors": ["db"]}, "INVALID_COMPOSITE_PARAMS", f"{AT}/monitors/0"),
        ({"monitors": [ONE.hex]}, "INVALID_COMPOSITE_PARAMS", f"{AT}/monitors/0"),
        ({"monitors": [str(ONE)] * 201}, "INVALID_COMPOSITE_PARAMS", f"{AT}/monitors"),
        ({"group": "edge"}, "UNKNOWN_FIELD", f"{AT}/group"),
    ],
)
def test_anything_else_is_refused_by_its_place(of: object, code: str, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        members(of, AT)
    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize("value", [0, -1, 10_001, True, "2", 1.0, None])
def test_at_least_is_a_number_of_monitors(value: object) -> None:
    with pytest.raises(BadRequest):
        at_least(value, "/check/at_least")


def test_no_more_are_asked_for_than_are_listed() -> None:
    refuse_conflicts(CompositeCheck(at_least=2, of=Members(monitors=(ONE, TWO))), "/check")
    refuse_conflicts(CompositeCheck(at_least=9, of=Members(tag="edge")), "/check")
    with pytest.raises(BadRequest) as refused:
        refuse_conflicts(CompositeCheck(at_least=3, of=Members(monitors=(ONE, TWO))), "/check")
    assert (refused.value.code, refused.value.field) == ("INVALID_COMPOSITE_PARAMS", "/check/at_least")


def test_it_is_stored_as_it_is_written() -> None:
    check = CompositeCheck(at_least=1, of=Members(monitors=(ONE,)))
    stored = {"type": "composite", "at_least": 1, "of": {"monitors": [str(ONE)]}}
    assert msgspec.json.decode(msgspec.json.encode(check)) == stored
    assert msgspec.convert(stored, type=CompositeCheck) == check
