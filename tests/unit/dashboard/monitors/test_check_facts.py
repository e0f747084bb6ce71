"""What a page says of a check, for each kind."""

from __future__ import annotations

import pytest

from control_plane.dashboard.monitors.check_facts import check_facts
from control_plane.domain.checks.target_text import target_text
from shared.checks import (
    CHECKS,
    Check,
    DnsCheck,
    DomainExpiryCheck,
    HttpCheck,
    PingCheck,
    TcpCheck,
    TlsCertCheck,
    kind_of,
)

CASES: list[tuple[Check, str, dict[str, str]]] = [
    (
        HttpCheck(url="https://a.example.com/", verify_tls=False, follow_redirects=False, bearer_token="***"),
        "https://a.example.com/",
        {
            "Request": "GET https://a.example.com/",
            "Expects": "status 200 within 10 s",
            "Follows": "no redirects",
            "Signs in": "with a bearer token",
            "Certificate": "not verified; degraded from 14 days before it expires",
        },
    ),
    (
        HttpCheck(url="http://a.example.com/", method="HEAD", max_redirects=1, degraded_above_ms=250),
        "http://a.example.com/",
        {
            "Request": "HEAD http://a.example.com/",
            "Expects": "status 200 within 10 s",
            "Follows": "up to 1 redirect",
            "Degraded above": "250 ms",
        },
    ),
    (
        TcpCheck(host="db.example.com", port=5432),
        "tcp db.example.com:5432",
        {"Connects to": "db.example.com:5432", "Expects": "a connection within 10 s"},
    ),
    (
        TcpCheck(host="2001:db8::1", port=6379, send="PING\r\n", expect="+PONG", timeout=2500),
        "tcp [2001:db8::1]:6379",
        {"Connects to": "[2001:db8::1]:6379", "Sends": "PING\r\n", "Expects": "'+PONG' within 2500 ms"},
    ),
    (
        DnsCheck(name="example.com", record_type="MX"),
        "dns MX example.com",
        {
            "Asks": "for the MX records of example.com",
            "Of": "the agent's own resolvers",
            "Expects": "an answer within 10 s",
        },
    ),
    (
        DnsCheck(name="example.com", expected=("192.0.2.1", "192.0.2.2"), exact=True, resolver="9.9.9.9:53"),
        "dns A example.com",
        {
            "Asks": "for the A records of example.com",
            "Of": "9.9.9.9:53",
            "Expects": "exactly 192.0.2.1, 192.0.2.2 within 10 s",
        },
    ),
    (
        PingCheck(host="example.com", degraded_above_ms=100),
        "ping example.com",
        {
            "Pings": "example.com",
            "Sends": "3 echo requests within 10 s",
            "A check fails when": "more than 50 % are lost",
            "Degraded above": "100 ms",
        },
    ),
    (
        PingCheck(host="example.com", count=1, max_loss_pct=0),
        "ping example.com",
        {"Pings": "example.com", "Sends": "1 echo request within 10 s", "A check fails when": "any is lost"},
    ),
    (
        TlsCertCheck(host="example.com", server_name="www.example.com"),
        "certificate example.com:443",
        {
            "Certificate of": "example.com:443",
            "For the name": "www.example.com",
            "Expects": "a handshake within 10 s",
            "Degraded": "from 14 days before it expires",
            "A check fails": "from 7 days before it expires",
        },
    ),
    (
        DomainExpiryCheck(domain="example.com", warn_days=1, critical_days=0),
        "domain example.com",
        {
            "Registration of": "example.com",
            "Expects": "an answer within 10 s",
            "Degraded": "from 1 day before it expires",
            "A check fails": "once it has expired",
        },
    ),
]


@pytest.mark.parametrize(("check", "target", "facts"), CASES)
def test_a_check_is_told_in_plain_words(check: Check, target: str, facts: dict[str, str]) -> None:
    assert target_text(check) == target
    assert {fact.name: fact.value for fact in check_facts(check)} == facts


def test_every_kind_has_its_words() -> None:
    assert {kind_of(check) for check, _, _ in CASES} == set(CHECKS)
