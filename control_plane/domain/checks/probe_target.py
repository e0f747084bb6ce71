"""What a prober such as blackbox_exporter would be given to look at the same thing."""

from __future__ import annotations

from control_plane.domain.checks.kinds import MonitorCheck
from control_plane.domain.checks.target_text import with_port
from shared.checks.dns import DnsCheck
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.checks.http import HttpCheck
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.checks.tls_cert import TlsCertCheck


def probe_target(check: MonitorCheck) -> str | None:
    """A URL, host:port, a host or a name to ask about. None for what waits or counts instead of looking."""
    match check:
        case HttpCheck():
            return check.url
        case TcpCheck() | TlsCertCheck():
            return with_port(check.host, check.port)
        case PingCheck():
            return check.host
        case DnsCheck():
            return check.name
        case DomainExpiryCheck():
            return check.domain
        case _:
            return None
