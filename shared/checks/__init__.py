"""The kinds of check and their parameters: one file a kind, one union, one table.

To add a kind: `shared/checks/<kind>.py` (its parameters), a line in `Check` and `CHECKS` here, and
`agent/checks/<kind>.py` (its work) with its line in the agent's table.
"""

from __future__ import annotations

from shared.checks.dns import DnsCheck
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.checks.http import HttpCheck
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.checks.texts import CheckTextRefused, expand
from shared.checks.tls_cert import TlsCertCheck

Check = HttpCheck | TcpCheck | DnsCheck | PingCheck | TlsCertCheck | DomainExpiryCheck
"""The union of all kinds, told apart by `type`."""

CHECKS: dict[str, type[Check]] = {
    "http": HttpCheck,
    "tcp": TcpCheck,
    "dns": DnsCheck,
    "ping": PingCheck,
    "tls_cert": TlsCertCheck,
    "domain_expiry": DomainExpiryCheck,
}

_NAMES = {spec: name for name, spec in CHECKS.items()}


def kind_of(check: Check) -> str:
    """The `type` of a check."""
    return _NAMES[type(check)]


__all__ = [
    "CHECKS",
    "Check",
    "CheckTextRefused",
    "DnsCheck",
    "DomainExpiryCheck",
    "HttpCheck",
    "PingCheck",
    "TcpCheck",
    "TlsCertCheck",
    "expand",
    "kind_of",
]
