"""What a route or a silence is about."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from control_plane.domain.alerting.notice_match import Match, Traits, covers, matches, named_ids, read_match
from control_plane.errors import BadRequest

ONE, OTHER = UUID(int=1), UUID(int=2)
API = Traits(id=ONE, kind="http", tags=("prod", "web"), group="Shop")
JOB = Traits(id=OTHER, kind="heartbeat")


@pytest.mark.parametrize(
    ("match", "api", "job", "nothing"),
    [
        (Match(), True, True, True),
        (Match(severities=("minor", "major")), True, True, True),
        (Match(severities=("critical",)), False, False, False),
        (Match(tags=("web", "other")), True, False, False),
        (Match(tags=("Web",)), False, False, False),
        (Match(groups=("Shop",)), True, False, False),
        (Match(kinds=("heartbeat", "dns")), False, True, False),
        (Match(monitor_ids=(ONE,)), True, False, False),
        (Match(tags=("prod",), groups=("Shop",), kinds=("http",), monitor_ids=(ONE,)), True, False, False),
        (Match(tags=("prod",), kinds=("dns",)), False, False, False),
        (Match(severities=("critical",), tags=("prod",)), False, False, False),
    ],
)
def test_any_of_each_field_and_all_of_the_fields(match: Match, api: bool, job: bool, nothing: bool) -> None:
    assert [matches(match, severity="major", monitor=one) for one in (API, JOB, None)] == [api, job, nothing]


def test_a_notice_without_severity_is_meant_by_no_severity() -> None:
    assert not matches(Match(severities=("minor", "major", "critical")), severity=None, monitor=API)
    assert matches(Match(tags=("prod",)), severity=None, monitor=API)


def test_an_incident_of_several_monitors_is_meant_when_all_of_them_are() -> None:
    prod = Match(tags=("prod",))
    assert covers(prod, severity="major", monitors=[API])
    assert not covers(prod, severity="major", monitors=[API, JOB])
    assert covers(Match(), severity="major", monitors=[API, JOB])
    assert covers(Match(), severity="major", monitors=[])
    assert not covers(prod, severity="major", monitors=[])


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ("prod", "INVALID_TYPE", "/match"),
        ({"tag": ["prod"]}, "UNKNOWN_FIELD", "/match/tag"),
        ({"severities": "major"}, "INVALID_TYPE", "/match/severities"),
        ({"severities": ["major", "huge"]}, "INVALID_MATCH", "/match/severities/1"),
        ({"tags": ["a,b"]}, "INVALID_TAGS", "/match/tags/0"),
        ({"groups": [""]}, "INVALID_GROUP", "/match/groups/0"),
        ({"groups": ["g"] * 51}, "INVALID_MATCH", "/match/groups"),
        ({"kinds": ["carrier-pigeon"]}, "INVALID_MATCH", "/match/kinds/0"),
        ({"monitor_ids": [str(ONE), str(OTHER)]}, "INVALID_MATCH", "/match/monitor_ids/1"),
        ({"monitor_ids": ["1"]}, "INVALID_MATCH", "/match/monitor_ids/0"),
        ({"monitor_ids": [str(ONE)] * 1001}, "INVALID_MATCH", "/match/monitor_ids"),
    ],
)
def test_what_a_match_may_not_be(given: Any, code: str, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_match(given, "/match", monitors=[ONE])
    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_match_merges_onto_the_stored_one() -> None:
    stored = Match(severities=("major",), tags=("prod",), monitor_ids=(OTHER,))
    merged = read_match({"tags": None, "kinds": ["tcp", "http", "tcp"]}, "/match", stored=stored)
    assert merged == Match(severities=("major",), kinds=merged.kinds, monitor_ids=(OTHER,))
    assert set(merged.kinds) == {"http", "tcp"}
    assert len(merged.kinds) == 2


def test_a_monitor_that_is_gone_may_stay_named() -> None:
    stored = Match(monitor_ids=(OTHER,))
    assert read_match({"monitor_ids": [str(OTHER)]}, "/match", stored=stored).monitor_ids == (OTHER,)


def test_ids_are_found_in_any_body() -> None:
    assert named_ids([str(ONE), 5, "x", None, str(OTHER)]) == [ONE, OTHER]
    assert named_ids("x") == []
