"""What a check looks at, in a few words for lists and headings. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from control_plane.domain.checks.composite_check import CompositeCheck
from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.checks.kinds import MonitorCheck
from control_plane.domain.span_words import span
from shared.checks.dns import DnsCheck
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.checks.http import HttpCheck
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.checks.tls_cert import TlsCertCheck


def target_text(check: MonitorCheck) -> str:
    """The URL of an http check; otherwise the kind and its target: "tcp db.example.com:5432", "dns MX example.com"."""
    match check:
        case HttpCheck():
            return check.url
        case TcpCheck():
            return f"tcp {with_port(check.host, check.port)}"
        case DnsCheck():
            return f"dns {check.record_type} {check.name}"
        case PingCheck():
            return f"ping {check.host}"
        case TlsCertCheck():
            return f"certificate {with_port(check.host, check.port)}"
        case DomainExpiryCheck():
            return f"domain {check.domain}"
        case HeartbeatCheck():
            every = f"ping every {span(timedelta(seconds=check.period or 0))}"
            return every if check.cron is None else f"ping at {check.cron} ({check.timezone})"
        case CompositeCheck():
            listed = f"of {len(check.of.monitors or ())} monitors"
            whom = listed if check.of.tag is None else f"with tag {check.of.tag}"
            return f"at least {check.at_least} {whom}"
        case _:
            assert_never(check)


def with_port(host: str, port: int) -> str:
    """host:port, with brackets around an IPv6 literal (RFC 3986 section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"
