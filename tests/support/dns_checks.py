"""Running the dns check against a scripted server, and the zone that the tests ask about."""

from __future__ import annotations

from typing import Any

from agent.checks import CHECKS
from agent.checks.check import CheckContext, CheckOutcome
from shared.checks.dns import DnsCheck
from shared.results import Outcome, Reason
from tests.support.scripted_dns import Server

ZONE = {
    "example.com": [
        "A 192.0.2.1",
        "A 192.0.2.2",
        "AAAA 2001:db8::1",
        "MX 10 Mail.Example.com.",
        "MX 20 mail2.example.com.",
        'TXT "v=spf1 -all"',
        'TXT "k=rsa; p=" "MIGf"',
        "NS ns1.example.com.",
        "SOA ns1.example.com. host.example.com. 2024010101 7200 3600 1209600 300",
        'CAA 0 issue "ca.example"',
    ],
    "www.example.com": ["CNAME edge.example.net."],
    "edge.example.net": ["A 192.0.2.7"],
    "nowhere.example.com": ["CNAME gone.example.net."],
    "_sip._tcp.example.com": ["SRV 10 60 5060 sip.example.com."],
    "_dmarc.example.com": ['TXT "v=DMARC1; p=none"'],
    "1.0.0.127.in-addr.arpa": ["PTR localhost."],
    "inside.example.com": ["A 10.0.0.1"],
    "none.example.com": ["MX 0 ."],
    "xn--mnchen-3ya.example": ["A 192.0.2.9"],
}


async def ask(name: str, record_type: str = "A", *, using: CheckContext, **options: Any) -> CheckOutcome:
    check = DnsCheck(name=name, record_type=record_type, **{"timeout": 5000, **options})  # type: ignore[arg-type]
    outcome = await CHECKS["dns"].run(check, using)
    phases = [phase for phase in (outcome.dns, outcome.connect, outcome.tls, outcome.ttfb) if phase is not None]
    assert outcome.total is not None
    assert outcome.ttfb is None or abs(sum(phases) - outcome.total) <= 1
    return outcome


def at(server: Server) -> str:
    return f"{server[0]}:{server[1]}"


def seen(outcome: CheckOutcome) -> tuple[Outcome, Reason]:
    return outcome.outcome, outcome.reason


ANSWERS = [
    ("example.com", "A", ("192.0.2.1", "192.0.2.2")),
    ("EXAMPLE.com.", "AAAA", ("2001:db8::1",)),
    ("www.example.com", "CNAME", ("edge.example.net",)),
    ("www.example.com", "A", ("192.0.2.7",)),
    ("example.com", "MX", ("10 mail.example.com", "20 mail2.example.com")),
    ("none.example.com", "MX", ("0 .",)),
    ("example.com", "TXT", ("v=spf1 -all", "k=rsa; p=MIGf")),
    ("_dmarc.example.com", "TXT", ("v=DMARC1; p=none",)),
    ("example.com", "NS", ("ns1.example.com",)),
    ("example.com", "SOA", ("ns1.example.com host.example.com 2024010101 7200 3600 1209600 300",)),
    ("1.0.0.127.in-addr.arpa", "PTR", ("localhost",)),
    ("127.0.0.1", "PTR", ("localhost",)),
    ("_sip._tcp.example.com", "SRV", ("10 60 5060 sip.example.com",)),
    ("example.com", "CAA", ('0 issue "ca.example"',)),
    ("inside.example.com", "A", ("10.0.0.1",)),
    ("münchen.example", "A", ("192.0.2.9",)),
]
