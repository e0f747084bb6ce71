"""Cron expressions and zones: what is refused and how, and what happens when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from control_plane.domain.checks.cron import next_after, read_cron, read_zone
from control_plane.errors import BadRequest


def instants(expression: str, zone: str, *, after: str, count: int) -> list[str]:
    at, found = datetime.fromisoformat(after), []
    for _ in range(count):
        at = next_after(expression, zone, at)
        assert at.tzinfo is UTC
        found.append(at.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M %z"))
    return found


@pytest.mark.parametrize(
    "expression",
    ["* * * * *", "*/5 0-6 1,15 JAN MON-FRI", "0 4 L * *", "0 4 LW * *", "0 4 * * 5L", "0 4 * * MON#1", "0 0 29 2 *"],
)
def test_an_expression_of_five_fields_is_taken(expression: str) -> None:
    assert read_cron(expression, "/cron") == expression


def test_blanks_are_made_single() -> None:
    assert read_cron(" 0\t4  * * *\n", "/cron") == "0 4 * * *"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("61 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of month"),
        ("* * 31 2 *", "day of month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day of week"),
        ("* * * *", "five fields"),
        ("0 * * * * *", "this has 6"),
        ("@daily", "five fields"),
        ("٣ * * * *", "plain ASCII"),
        ("0 0 * 2 MON#5 ", None),
        ("*/0 * * * *", "minute"),
        ("5-1 * * * *", "minute"),
        ("1,,2 * * * *", "minute"),
        ("* * * * 5#3/2", "day of week"),
        ("9" * 200 + " * * * *", "characters"),
        ("", "characters"),
        ("\x00 * * * *", "NUL"),
    ],
)
def test_a_refusal_names_what_is_wrong(expression: str, said: str | None) -> None:
    if said is None:  # rare, and meant
        assert read_cron(expression, "/cron") == expression.strip()
        return
    with pytest.raises(BadRequest, match=said) as refused:
        read_cron(expression, "/check/cron")
    assert refused.value.code in {"INVALID_CRON", "INVALID_STRING"}
    assert refused.value.field == "/check/cron"


@pytest.mark.parametrize("value", [None, 5, True, ["* * * * *"], {"cron": 1}])
def test_an_expression_is_a_string(value: object) -> None:
    with pytest.raises(BadRequest, match="string"):
        read_cron(value, "/cron")


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "UTC", "Asia/Kathmandu", "America/Argentina/Buenos_Aires", "Etc/GMT+5"]
)
def test_a_zone_of_the_database_is_taken(zone: str) -> None:
    assert read_zone(zone, "/timezone") == zone


@pytest.mark.parametrize(
    "zone",
    [
        *(
            "europe/berlin",
            "Europe",
            "Europe/",
            "../etc/passwd",
            "/etc/localtime",
            "localtime",
            "posixrules",
            "Factory",
        ),
        *("right/UTC", "Mars/Olympus", "+02:00", "UTC\x00", "", "x" * 65, 5, None),
    ],
)
def test_what_is_no_zone_is_refused(zone: object) -> None:
    with pytest.raises(BadRequest) as refused:
        read_zone(zone, "/timezone")
    assert refused.value.code in {"INVALID_TIMEZONE", "INVALID_STRING", "INVALID_TYPE"}


@pytest.mark.parametrize(
    ("expression", "zone", "after", "found"),
    [
        # A fixed time that is skipped: once, at the end of the gap.
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["03-29 03:00 +0200", "03-30 02:30 +0200"]),
        ("10,40 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["03-29 03:00 +0200", "03-30 02:10 +0200"]),
        ("0 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["03-29 03:00 +0200", "03-30 02:00 +0200"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", ["10-04 02:30 +1100", "10-05 02:15 +1100"]),
        ("15 0 * * *", "Africa/Cairo", "2026-04-23T12:00Z", ["04-24 01:00 +0300", "04-25 00:15 +0300"]),
        # A fixed time that comes twice: the first.
        ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", ["10-25 02:30 +0200", "10-26 02:30 +0100"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10Z", ["10-26 02:30 +0100"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00Z", ["04-05 01:45 +1100", "04-06 01:45 +1030"]),
        # Every half hour goes on through both.
        ("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:20Z", ["03-29 01:30 +0100", "03-29 03:00 +0200"]),
        ("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", ["03-30 02:00 +0200"]),
        (
            "*/30 2 * * *",
            "Europe/Berlin",
            "2026-10-25T00:20Z",
            ["10-25 02:30 +0200", "10-25 02:00 +0100", "10-25 02:30 +0100", "10-26 02:00 +0100"],
        ),
        ("*/20 3 * * *", "Australia/Lord_Howe", "2026-10-03T15:00Z", ["10-04 03:00 +1100", "10-04 03:20 +1100"]),
        ("*/20 0 * * *", "Africa/Cairo", "2026-04-23T21:30Z", ["04-25 00:00 +0300"]),
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00Z", ["02-29 00:00 +0000"]),
        ("0 0 1 1 *", "Pacific/Apia", "2026-06-01T00:00Z", ["01-01 00:00 +1300"]),
        # A whole day skipped, as Samoa did at the end of 2011.
        ("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00Z", ["12-31 00:00 +1400", "12-30 12:00 +1400"]),
    ],
)
def test_clocks_that_change(expression: str, zone: str, after: str, found: list[str]) -> None:
    assert instants(expression, zone, after=after, count=len(found)) == found


def test_the_instant_itself_is_not_after_itself() -> None:
    at = datetime(2026, 5, 1, 4, tzinfo=UTC)
    assert next_after("0 4 * * *", "UTC", at) == at + timedelta(days=1)
    assert next_after("0 4 * * *", "UTC", at - timedelta(microseconds=1)) == at
