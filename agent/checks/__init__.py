"""The kinds of check that this agent can run: one file a kind, one line here."""

from __future__ import annotations

from agent.checks import dns, domain_expiry, http, ping, tcp, tls_cert
from agent.checks.check import Crowd, Kind
from shared.checks import CHECKS as PARAMETERS
from shared.checks import Check

CHECKS: dict[str, Kind] = {
    "http": Kind(http.run, http.crowd),
    "tcp": Kind(tcp.run, tcp.crowd),
    "dns": Kind(dns.run, dns.crowd),
    "ping": Kind(ping.run, ping.crowd),
    "domain_expiry": Kind(domain_expiry.run, domain_expiry.crowd),
    "tls_cert": Kind(tls_cert.run, tls_cert.crowd),
}
"""By the `type` of the check's parameters (see shared.checks.CHECKS)."""

_CROWDS = {PARAMETERS[name]: kind.crowd for name, kind in CHECKS.items()}


def crowd_of(check: Check) -> Crowd:
    """Whom a check of any kind burdens."""
    return _CROWDS[type(check)](check)
