"""The fields of a `tls_cert` check."""

from __future__ import annotations

from functools import partial

from control_plane.domain.checks.check_field_rules import (
    critical_days,
    dns_name,
    host,
    port,
    refuse_blocked_host,
    refuse_blocked_port,
    refuse_late_warning,
    timeout,
    warn_days,
)
from control_plane.domain.checks.kind_rules import KindRules, Place
from shared.checks.tls_cert import TlsCertCheck
from shared.netpolicy import Policy

CODE = "INVALID_TLS_CERT_PARAMS"


def refuse_blocked(check: TlsCertCheck, policy: Policy, at: Place) -> None:
    """Raise BadRequest SSRF_BLOCKED or PORT_BLOCKED."""
    refuse_blocked_host(check.host, policy, at("host"))
    refuse_blocked_port(check.port, policy, at("port"))


def refuse_conflicts(check: TlsCertCheck, pointer: str) -> None:
    """Raise BadRequest when the warning would not come before the alarm."""
    refuse_late_warning(warn=check.warn_days, critical=check.critical_days, pointer=pointer, code=CODE)


RULES = KindRules(
    fields={
        "host": partial(host, code=CODE),
        "port": partial(port, code=CODE),
        "server_name": partial(dns_name, code=CODE),  # SNI carries names only (RFC 6066 section 3)
        "warn_days": partial(warn_days, code=CODE),
        "critical_days": partial(critical_days, code=CODE),
        "timeout": timeout,
    },
    required=("host",),
    target=("host", "port", "server_name"),
    refuse_blocked=refuse_blocked,
    refuse_conflicts=refuse_conflicts,
    interval_floor_s=3_600,
    default_interval_s=86_400,
    default_alert_on="degraded",
)
