"""What each kind of check reads, as a page shows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from control_plane.dashboard.monitors.kind_facts import Reading, brief, newest_reading, phase_words
from control_plane.store.results_read import ResultRow
from shared.clock import to_unix_ms
from shared.results import Detail, DomainFacts, PingFacts
from tests.support.certificates import facts, fingerprint

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def _seconds(days: float) -> int:
    return to_unix_ms(NOW + timedelta(days=days)) // 1000


def _row(detail: Detail | None, *, region: str = "eu", minutes_ago: int = 1) -> ResultRow:
    return ResultRow(
        slot=to_unix_ms(NOW - timedelta(minutes=minutes_ago)),
        region_id=1,
        region=region,
        agent_number=1,
        check_version=1,
        outcome=0,
        reason=0,
        http_status=None,
        dns_us=None,
        connect_us=None,
        tls_us=None,
        ttfb_us=None,
        download_us=None,
        total_us=None,
        detail=None if detail is None else msgspec.json.encode(detail).decode(),
    )


def _read(detail: Detail) -> Reading:
    reading = newest_reading([_row(detail)], now=NOW)
    assert reading is not None
    return reading


def test_a_certificate_says_until_when_and_whether_it_is_to_be_trusted() -> None:
    reading = _read(Detail(certificate=facts("www", not_after=_seconds(40.5))))
    lines = dict(reading.lines)
    assert (reading.title, reading.region, reading.at.relative) == ("The certificate", "eu", "1 min ago")
    assert lines["Ends"] == "2027-01-01 00:00:00 UTC, in 40 days"
    assert (lines["Trusted"], lines["Names its host"]) == ("yes", "yes")
    assert lines["SHA-256"] == fingerprint("www")
    assert lines["Chain"] == "CN=www.example\nCN=Test authority"


def test_a_bad_certificate_says_what_is_wrong_with_it() -> None:
    bad = replace(
        facts("www", not_after=_seconds(-2.5)),
        is_trusted=False,
        trust_problem="self-signed certificate",
        host_matches=False,
        names=tuple(f"{n}.example" for n in range(12)),
        names_total=250,
        chain=(),
    )
    lines = dict(_read(Detail(certificate=bad)).lines)
    assert lines["Ends"].endswith("UTC, 2 days ago")
    assert (lines["Trusted"], lines["Names its host"]) == ("no: self-signed certificate", "no")
    assert lines["Names"].endswith("9.example and 240 more")
    assert "Chain" not in lines


def test_the_newest_result_that_read_something_is_shown() -> None:
    older = Detail(certificate=facts("old"))
    rows = [_row(None), _row(Detail(message="no route")), _row(older, region="us", minutes_ago=5)]
    reading = newest_reading(rows, now=NOW)
    assert reading is not None
    assert (reading.region, dict(reading.lines)["Subject"]) == ("us", "CN=old.example")
    assert newest_reading(rows[:2], now=NOW) is None
    assert newest_reading([], now=NOW) is None


def test_a_domain_the_echoes_and_the_answers_are_told() -> None:
    domain = DomainFacts(expires_at=_seconds(200.5), registrar="Registrar", status=("active", "locked"))
    assert dict(_read(Detail(domain=domain)).lines)["Status"] == "active, locked"
    ping = PingFacts(sent=3, received=2, min=1.0, avg=2.0, max=3.0)
    assert _read(Detail(ping=ping)).lines == (
        ("Came back", "2 of 3"),
        ("Round trip", "shortest 1.0 ms, mean 2.0 ms, longest 3.0 ms"),
    )
    assert _read(Detail(answers=("192.0.2.1", "192.0.2.2"))).lines == (("Answered", "192.0.2.1\n192.0.2.2"),)


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        (Detail(certificate=facts("www", not_after=_seconds(40.5))), "the certificate ends in 40 days"),
        (Detail(certificate=facts("www", not_after=2**53)), "the certificate ends beyond all calendars"),
        (Detail(domain=DomainFacts(expires_at=_seconds(-3.5))), "the registration ended 3 days ago"),
        (Detail(ping=PingFacts(sent=3, received=3, avg=12.0)), "3 of 3 came back, mean 12 ms"),
        (Detail(ping=PingFacts(sent=3, received=0)), "0 of 3 came back"),
        (Detail(answers=("192.0.2.1", "192.0.2.2")), "192.0.2.1, 192.0.2.2"),
        (Detail(), ""),
    ],
)
def test_the_gist_fits_one_line(detail: Detail, said: str) -> None:
    assert brief(detail, now=NOW) == said


def test_what_is_waited_for_has_the_word_of_its_kind() -> None:
    assert [phase_words(kind)["ttfb"] for kind in ("http", "tcp", "dns", "ping")] == [
        "first byte",
        "expected text",
        "answer",
        "round trip",
    ]
