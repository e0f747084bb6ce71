"""`farwatch-agent check` as a table for people, and what it takes for a check."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agent.checks.check import CheckOutcome
from agent.commands.single_check import parse_spec, render
from shared.checks.http import HttpCheck
from shared.checks.ping import PingCheck
from shared.results import Detail, DomainFacts, Outcome, PingFacts, Reason
from tests.support.certificates import facts, fingerprint


def _table(detail: Detail, *, took_ms: float | None = None) -> list[str]:
    return render(
        CheckOutcome(outcome=Outcome.UP, detail=detail, ttfb=took_ms, total=took_ms), as_json=False
    ).splitlines()


def _said(detail: Detail) -> dict[str, str]:
    return {name: value.strip() for name, value in (line.split("  ", 1) for line in _table(detail))}


def test_the_answers_of_a_dns_server_are_a_line_each() -> None:
    detail = Detail(answers=("10 mail.a.example", "20 mx.a.example"))
    assert _table(detail, took_ms=1.5) == [
        "outcome  up",
        "answer   10 mail.a.example",
        "answer   20 mx.a.example",
        "ttfb     1.500 ms",
        "total    1.500 ms",
    ]


def test_echoes_are_counted_and_their_round_trips_told() -> None:
    said = _said(Detail(ping=PingFacts(sent=3, received=2, min=1.0, avg=1.5, max=2.0, stddev=0.5)))
    assert said["answered"] == "2 of 3"
    assert said["round trips"] == "min 1.000 ms, avg 1.500 ms, max 2.000 ms, stddev 0.500 ms"
    assert _said(Detail(ping=PingFacts(sent=3, received=0))) == {"outcome": "up", "answered": "0 of 3"}


def test_a_certificate_tells_its_end_its_trust_and_its_host() -> None:
    said = _said(Detail(certificate=facts("www", not_after=1_900_000_000)))
    assert said["expires"] == "2030-03-17 17:46:40 UTC"
    assert (said["trusted"], said["for host"], said["SHA-256"]) == ("yes", "yes", fingerprint("www"))


def test_a_bad_certificate_tells_what_is_wrong_with_it() -> None:
    names = tuple(f"{number}.example" for number in range(12))
    bad = replace(
        facts("www", not_after=2**53),
        is_trusted=False,
        host_matches=False,
        trust_problem="self-signed certificate",
        names=names,
        names_total=250,
    )
    said = _said(Detail(certificate=bad))
    assert said["expires"] == "beyond all calendars"
    assert said["trusted"] == "no: self-signed certificate"
    assert said["for host"].startswith("no: ")
    assert said["names"].endswith(", 9.example and 240 more")


def test_an_http_check_over_tls_tells_when_the_first_certificate_ends() -> None:
    assert _said(Detail(cert_expires_at=1_900_000_000))["expires"] == "2030-03-17 17:46:40 UTC"


def test_a_domain_tells_when_it_expires_and_who_said_so() -> None:
    domain = DomainFacts(
        expires_at=1_900_000_000, registrar="Good Names", status=("active", "locked"), server="https://rdap.test"
    )
    assert _said(Detail(domain=domain)) == {
        "outcome": "up",
        "expires": "2030-03-17 17:46:40 UTC",
        "registrar": "Good Names",
        "states": "active, locked",
        "server": "https://rdap.test",
    }


def test_no_control_character_of_a_target_reaches_the_terminal() -> None:
    outcome = CheckOutcome(outcome=Outcome.DOWN, reason=Reason.ASSERTION, detail=Detail(message="got \x1b[2J\x07"))
    assert render(outcome, as_json=False) == "outcome  down (assertion)\nmessage  got  [2J "


def test_a_url_alone_is_an_http_check_as_in_the_api() -> None:
    assert parse_spec('{"url": "https://a.example/"}') == HttpCheck(url="https://a.example/")
    assert parse_spec(" ping://a.example ") == PingCheck(host="a.example")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("{", "This is not a check: Input data was truncated"),
        ('{"type": "tcp"}', "missing required field `host`"),
        ('{"type": "nope"}', "Invalid value 'nope'"),
        ('{"url": "https://a.example/", "foo": 1}', "unknown field `foo`"),
        ("tcp://a.example", "tcp://db.example.com:5432"),
    ],
)
def test_what_is_no_check_is_refused_in_words(spec: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_spec(spec)
