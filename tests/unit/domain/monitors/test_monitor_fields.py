"""SLA, dependencies and back-off: what a body may say of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from control_plane.domain.monitors.monitor_fields import MAX_UPSTREAMS, Sla, named_monitors, read_depends_on, read_sla
from control_plane.domain.monitors.monitor_rules import MonitorConfig, Surroundings, read_monitor
from control_plane.domain.monitors.region_choice import RegionChoice
from control_plane.errors import FarwatchError

ONE = UUID("0192a1ce-0000-7000-8000-000000000001")
TWO = UUID("0192a1ce-0000-7000-8000-000000000002")
KNOWN = {str(ONE): ONE, str(TWO): TWO, "db": TWO}
AROUND = Surroundings((RegionChoice(id=1, slug="eu", private=False),), monitors=KNOWN)
BODY: dict[str, Any] = {"name": "API", "check": "https://a.example.com/"}


def read(stored: MonitorConfig | None = None, **body: Any) -> MonitorConfig:
    return read_monitor(body if stored else {**BODY, **body}, stored=stored, surroundings=AROUND)


def refused(stored: MonitorConfig | None = None, **body: Any) -> tuple[int, str, str | None]:
    with pytest.raises(FarwatchError) as caught:
        read(stored, **body)
    return caught.value.status, caught.value.code, caught.value.field


def test_a_monitor_has_no_sla_no_upstreams_and_no_back_off_of_itself() -> None:
    config = read()
    assert (config.sla, config.depends_on, config.backoff_when_down) == (None, (), False)


def test_an_sla_is_a_target_over_30_days_unless_it_says_otherwise() -> None:
    assert read(sla={"target": 99.9}).sla == Sla(99.9, 30)
    assert read(sla={"target": 100, "period_days": 7}).sla == Sla(100.0, 7)


def test_null_takes_the_sla_away_and_absent_keeps_it() -> None:
    stored = read(sla={"target": 99.9}, backoff_when_down=True)
    assert read(stored, name="B").sla == Sla(99.9, 30)
    assert read(stored, sla=None).sla is None
    assert read(stored, backoff_when_down=None).backoff_when_down is False


@pytest.mark.parametrize(
    ("sla", "code", "field"),
    [
        (99.9, "INVALID_TYPE", "/sla"),
        ({}, "INVALID_TYPE", "/sla/target"),
        ({"target": True}, "INVALID_TYPE", "/sla/target"),
        ({"target": "99.9"}, "INVALID_TYPE", "/sla/target"),
        ({"target": 100.001}, "INVALID_SLA", "/sla/target"),
        ({"target": 49.9}, "INVALID_SLA", "/sla/target"),
        ({"target": float("nan")}, "INVALID_SLA", "/sla/target"),
        ({"target": 99, "period_days": 0}, "INVALID_SLA", "/sla/period_days"),
        ({"target": 99, "period_days": 367}, "INVALID_SLA", "/sla/period_days"),
        ({"target": 99, "period_days": None}, "INVALID_TYPE", "/sla/period_days"),
        ({"target": 99, "budget": 3}, "UNKNOWN_FIELD", "/sla/budget"),
    ],
)
def test_an_sla_that_cannot_be_kept_track_of_is_refused(sla: object, code: str, field: str) -> None:
    with pytest.raises(FarwatchError) as caught:
        read_sla(sla, "/sla")
    assert (caught.value.code, caught.value.field) == (code, field)


def test_upstreams_are_named_by_id_or_key_and_kept_once_in_order_of_id() -> None:
    assert read(depends_on=["db", str(ONE).upper(), str(TWO)]).depends_on == (ONE, TWO)
    assert read(read(depends_on=["db"]), depends_on=None).depends_on == ()
    assert read(read(depends_on=["db"]), name="B").depends_on == (TWO,)


def test_an_upstream_that_is_not_there_is_refused_by_its_place() -> None:
    assert refused(depends_on=["db", "nothing"]) == (400, "INVALID_DEPENDENCY", "/depends_on/1")
    assert refused(depends_on="db") == (400, "INVALID_TYPE", "/depends_on")
    assert refused(depends_on=[7]) == (400, "INVALID_TYPE", "/depends_on")


def test_a_monitor_depends_on_at_most_fifty() -> None:
    with pytest.raises(FarwatchError) as caught:
        read_depends_on([str(ONE)] * (MAX_UPSTREAMS + 1), "/depends_on", monitors=KNOWN)
    assert caught.value.code == "INVALID_DEPENDENCY"


def test_only_names_that_could_be_stored_are_looked_up() -> None:
    body = {"depends_on": ["db", 7, "a\x00b", "x" * 101, None], "check": {"of": {"monitors": ["api", []]}}}
    assert named_monitors(body) == ["db", "api"]
    assert named_monitors({"depends_on": {"a": 1}, "check": "https://a.example.com/"}) == []
