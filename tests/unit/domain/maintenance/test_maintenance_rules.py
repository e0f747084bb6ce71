"""What a window may be, and how a refusal says what it may not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from control_plane.domain.maintenance.maintenance import first_of
from control_plane.domain.maintenance.maintenance_rules import read_rule, read_window, written
from control_plane.errors import BadRequest

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ONCE: dict[str, Any] = {
    "title": "Upkeep",
    "all": True,
    "starts_at": "2026-05-02T00:00:00Z",
    "ends_at": "2026-05-02T01:00:00+00:00",
}
CRON: dict[str, Any] = {"title": "Upkeep", "tags": ["db"], "cron": "0 2 * * *", "duration": 3600}
ID = "0197c4d2-0000-7000-8000-000000000001"


def test_one_that_is_once() -> None:
    config = read_window(ONCE, stored=None, now=NOW)
    assert (config.title, config.description, config.public, config.targets.all) == ("Upkeep", "", False, True)
    assert config.schedule.ends_at == datetime(2026, 5, 2, 1, tzinfo=UTC)


def test_one_that_recurs_counts_from_now_on() -> None:
    config = read_window({**CRON, "timezone": "Europe/Berlin"}, stored=None, now=NOW)
    assert (config.schedule.starts_at, config.schedule.duration_s) == (NOW, 3600)


@pytest.mark.parametrize(
    "body", [ONCE, CRON, {**CRON, "cron": None, "rrule": "FREQ=DAILY", "starts_at": "2026-05-02T00:00:00Z"}]
)
def test_what_is_written_reads_back_as_the_same(body: dict[str, Any]) -> None:
    config = read_window(body, stored=None, now=NOW)
    assert read_window(written(config), stored=None, now=NOW) == config
    assert read_window({}, stored=config, now=NOW) == config


def test_a_patch_keeps_what_it_leaves_out_and_clears_what_is_null() -> None:
    config = read_window({**CRON, "until": "2026-06-01T00:00:00Z"}, stored=None, now=NOW)
    changed = read_window({"until": None, "title": "Later"}, stored=config, now=NOW)
    assert (changed.title, changed.schedule.until, changed.schedule.cron) == ("Later", None, "0 2 * * *")
    once = {"cron": None, "duration": None, "starts_at": ONCE["starts_at"], "ends_at": ONCE["ends_at"]}
    assert not read_window({**once, "until": None}, stored=config, now=NOW).schedule.recurring


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"title": None}, "INVALID_TITLE", "/title"),
        ({"title": " "}, "INVALID_TITLE", "/title"),
        ({"title": "x" * 201}, "INVALID_TITLE", "/title"),
        ({"title": "a\nb"}, "INVALID_TITLE", "/title"),
        ({"title": 5}, "INVALID_TYPE", "/title"),
        ({"description": "x" * 2001}, "INVALID_DESCRIPTION", "/description"),
        ({"public": "yes"}, "INVALID_TYPE", "/public"),
        ({"all": False}, "INVALID_TARGETS", "/monitors"),
        ({"tags": ["db"]}, "INVALID_TARGETS", "/all"),
        ({"all": None, "monitors": ["nonsense"]}, "INVALID_TARGETS", "/monitors/0"),
        ({"all": None, "monitors": [ID, 5]}, "INVALID_TYPE", "/monitors/1"),
        ({"all": None, "monitors": [ID] * 1001}, "INVALID_TARGETS", "/monitors"),
        ({"starts_at": "2026-05-02T00:00:00"}, "INVALID_TIME", "/starts_at"),
        ({"starts_at": "tomorrow"}, "INVALID_TIME", "/starts_at"),
        ({"starts_at": 1_777_000_000}, "INVALID_TIME", "/starts_at"),
        ({"ends_at": "0001-01-01T00:00:00+23:59"}, "INVALID_TIME", "/ends_at"),
        ({"ends_at": "9999-12-31T23:59:59-23:59"}, "INVALID_TIME", "/ends_at"),
        ({"starts_at": None}, "MISSING_FIELD", "/starts_at"),
        ({"ends_at": ONCE["starts_at"]}, "INVALID_DURATION", "/ends_at"),
        ({"ends_at": "2026-05-01T23:00:00Z"}, "INVALID_DURATION", "/ends_at"),
        ({"ends_at": "2026-06-02T00:00:01Z"}, "INVALID_DURATION", "/ends_at"),
        ({"duration": 60}, "INVALID_SCHEDULE", "/duration"),
        ({"until": "2026-06-02T00:00:00Z"}, "INVALID_SCHEDULE", "/until"),
        ({"timezone": "Mars/Olympus"}, "INVALID_TIMEZONE", "/timezone"),
        ({"color": "red"}, "UNKNOWN_FIELD", "/color"),
        ({"cron": "0 2 * * *"}, "INVALID_SCHEDULE", "/ends_at"),
    ],
)
def test_what_a_window_may_not_be(change: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_window({**ONCE, **change}, stored=None, now=NOW)
    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"cron": "61 * * * *"}, "INVALID_CRON", "/cron"),
        ({"duration": None}, "INVALID_TYPE", "/duration"),
        ({"duration": 59}, "INVALID_DURATION", "/duration"),
        ({"duration": 2_592_001}, "INVALID_DURATION", "/duration"),
        ({"rrule": "FREQ=DAILY"}, "INVALID_SCHEDULE", "/rrule"),
        ({"cron": None, "rrule": "FREQ=DAILY"}, "MISSING_FIELD", "/starts_at"),
        ({"timezone": "europe/berlin"}, "INVALID_TIMEZONE", "/timezone"),
        ({"until": "soon"}, "INVALID_TIME", "/until"),
    ],
)
def test_what_a_recurring_window_may_not_be(change: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_window({**CRON, **change}, stored=None, now=NOW)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_every_bad_field_is_named() -> None:
    with pytest.raises(BadRequest) as refused:
        read_window({"title": "", "tags": "db", "cron": "x", "color": 1}, stored=None, now=NOW)
    assert refused.value.details is not None
    fields = {refused.value.field, *(also["field"] for also in refused.value.details["also"])}
    assert fields >= {"/color", "/title", "/tags"}


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("FREQ=DAILY", "FREQ=DAILY"),
        ("rrule:freq=weekly;byday=mo,we;", "FREQ=WEEKLY;BYDAY=MO,WE"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYDAY=-1FR"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1;COUNT=12", "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1;COUNT=12"),
    ],
)
def test_a_rule_is_kept_in_one_form(rule: str, kept: str) -> None:
    assert read_rule(rule, "/rrule") == kept


@pytest.mark.parametrize(
    "rule",
    [
        *("FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=HOURLY", "", ";", "INTERVAL=2", "FREQ=DAILY;FREQ=DAILY"),
        *("FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=1000", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=99999"),
        *("FREQ=DAILY;UNTIL=20260101", "FREQ=DAILY;BYSECOND=1", "FREQ=DAILY;BYEASTER=0", "FREQ=DAILY;X=Y"),
        *("FREQ=DAILY;BYHOUR=24", "FREQ=DAILY;BYMONTH=13", "FREQ=DAILY;BYMONTHDAY=0", "FREQ=DAILY;BYHOUR=1,,2"),
        "FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=0,30",
        *("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=WEEKLY;BYWEEKNO=1;BYMONTH=6", "FREQ=DAILY;BYDAY=MO;BYSETPOS=5"),
        *("FREQ=WEEKLY;BYDAY=2MO", "FREQ=MONTHLY;BYDAY=0MO", "FREQ=DAILY;BYSETPOS=1", "FREQ=DAILY;BYDAY=XX"),
        *("FREQ=DAILY\nDTSTART:20200101T000000", "FREQ=DAILY\nRRULE:FREQ=SECONDLY", "EXRULE:FREQ=DAILY"),
        *("FREQ=DAILY;BYHOUR=\u0663", "FREQ=DAILY;INTERVAL=" + "9" * 400, "FREQ=DAILY;" * 100, "\x00"),
    ],
)
def test_a_hostile_or_broken_rule_is_refused(rule: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_rule(rule, "/rrule")
    assert refused.value.code in {"INVALID_RRULE", "INVALID_STRING"}


@pytest.mark.parametrize(
    "rule",
    ["FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31", "FREQ=DAILY;INTERVAL=7;BYDAY=SU"],
)
def test_a_rule_that_nothing_meets_ends_and_is_found_out(rule: str) -> None:
    body = {"title": "T", "all": True, "rrule": rule, "duration": 60, "starts_at": "2026-05-02T00:00:00Z"}
    config = read_window(body, stored=None, now=NOW)
    assert first_of(config.schedule, now=NOW) is None
