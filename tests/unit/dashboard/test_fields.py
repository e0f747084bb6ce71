"""Fields of forms, and what a refusal says of each."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from control_plane.dashboard.fields import Field, Group, instant, lines, local, told, zone_of
from control_plane.dashboard.maintenance.maintenance_views import Month, month_of
from control_plane.dashboard.words import lasting
from control_plane.errors import BadRequest

GROUPS = [
    Group((Field(name="name", label="Name", at="/name"), Field(name="tags", label="Tags", at="/match/tags"))),
    Group((Field(name="why", label="Why", at="/reason"),), title="More"),
]
BERLIN = ZoneInfo("Europe/Berlin")


def test_each_refusal_stands_below_its_field_and_the_rest_above_all() -> None:
    also = [
        {"field": "/match/tags/3", "code": "X", "message": "too long"},
        {"field": "/match/kinds", "code": "X", "message": "unknown kind"},
        {"field": None, "code": "X", "message": "not today"},
    ]
    shown, above = told(GROUPS, BadRequest("no name", field="/name", details={"also": also}))
    assert [each.problem for each in shown[0].fields] == ["No name.", "Too long."]
    assert above == "Unknown kind. Not today."
    assert not shown[1].open


def test_a_folded_group_opens_for_what_it_says() -> None:
    shown, above = told(GROUPS, BadRequest("too long", field="/reason"))
    assert (shown[1].open, shown[1].fields[0].problem, above) == (True, "Too long.", "")
    assert told(GROUPS, None) == (GROUPS, "")


def test_a_time_is_read_by_the_clocks_of_its_zone_and_nonsense_is_left_to_the_rules() -> None:
    summer = datetime(2026, 7, 1, 10, 30, tzinfo=UTC)
    assert instant("2026-07-01T12:30", BERLIN) == summer
    assert local(summer, BERLIN) == "2026-07-01T12:30"
    assert instant("soon", BERLIN) == "soon"
    assert instant("", BERLIN) is None
    assert zone_of("Mars/Olympus") == zone_of("../x") == ZoneInfo("UTC")
    assert lines(" a, b\n\n c ,") == ["a", "b", "c"]


def test_months_follow_one_another_over_the_turn_of_the_year() -> None:
    now = datetime(2026, 5, 12, tzinfo=UTC)
    assert month_of("2026-12", now).moved(1) == Month(2027, 1)
    assert month_of("2027-01", now).moved(-1).value == "2026-12"
    assert month_of("2026-13", now) == month_of("", now) == month_of("9999-01", now) == Month(2026, 5)


def test_a_span_has_two_units_at_most() -> None:
    spans = (None, 0.4, 42, 200, 3600, 7500, 273_600)
    assert [lasting(each) for each in spans] == ["–", "0 s", "42 s", "3 min 20 s", "1 h", "2 h 5 min", "3 d 4 h"]
