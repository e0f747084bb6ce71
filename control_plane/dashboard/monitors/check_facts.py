"""A check's parameters as a page tells them: one line each, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import msgspec
from msgspec import Struct

from control_plane.dashboard.words import count, interval
from control_plane.domain.checks.composite_check import CompositeCheck
from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.checks.kinds import MonitorCheck
from control_plane.domain.checks.target_text import target_text, with_port
from shared.checks.dns import DnsCheck
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.checks.http import ExactStatus, ExpectedStatus, HttpCheck, StatusOneOf, StatusRange
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.checks.tls_cert import TlsCertCheck


class Fact(Struct, frozen=True):
    """One line of a configuration."""

    name: str
    value: str


def check_facts(check: MonitorCheck) -> list[Fact]:
    """Every parameter that says something; secrets are masked as they are stored."""
    told = _told(check)
    return [Fact(name, str(value)) for name, value in told.items() if value]


def _told(check: MonitorCheck) -> Mapping[str, object]:
    match check:
        case HttpCheck():
            return _http(check)
        case TcpCheck():
            return _tcp(check)
        case DnsCheck():
            return _dns(check)
        case PingCheck():
            return _ping(check)
        case TlsCertCheck():
            return _tls_cert(check)
        case DomainExpiryCheck():
            return _domain_expiry(check)
        case HeartbeatCheck() | CompositeCheck():
            return {"Watches": target_text(check)}
        case _:
            assert_never(check)


def _http(check: HttpCheck) -> Mapping[str, object]:
    return {
        "Request": f"{check.method} {check.url}",
        "Expects": f"status {_status(check.expected_status)} within {interval_ms(check.timeout)}",
        "Follows": f"up to {count(check.max_redirects, 'redirect')}" if check.follow_redirects else "no redirects",
        "Body contains": check.expected_body_contains,
        "Body does not contain": check.expected_body_not_contains,
        "Body matches": check.body_regex,
        "JSON": _json_path(check),
        "Answers with": "\n".join(f"{name}: {value}" for name, value in check.expected_headers.items()),
        "Sends": "\n".join(f"{name}: {value}" for name, value in check.headers.items()),
        "Body": check.body,
        "Signs in": _credential(check),
        "Degraded above": _above(check.degraded_above_ms),
        "Certificate": _certificate(check),
    }


def _tcp(check: TcpCheck) -> Mapping[str, object]:
    return {
        "Connects to": with_port(check.host, check.port),
        "Sends": check.send,
        "Expects": f"{check.expect!r} within {interval_ms(check.timeout)}"
        if check.expect
        else f"a connection within {interval_ms(check.timeout)}",
        "Degraded above": _above(check.degraded_above_ms),
    }


def _dns(check: DnsCheck) -> Mapping[str, object]:
    return {
        "Asks": f"for the {check.record_type} records of {check.name}",
        "Of": check.resolver or "the agent's own resolvers",
        "Expects": _answers(check),
        "Degraded above": _above(check.degraded_above_ms),
    }


def _ping(check: PingCheck) -> Mapping[str, object]:
    return {
        "Pings": check.host,
        "Sends": f"{count(check.count, 'echo request')} within {interval_ms(check.timeout)}",
        "A check fails when": f"more than {check.max_loss_pct} % are lost" if check.max_loss_pct else "any is lost",
        "Degraded above": _above(check.degraded_above_ms),
    }


def _tls_cert(check: TlsCertCheck) -> Mapping[str, object]:
    return {
        "Certificate of": with_port(check.host, check.port),
        "For the name": check.server_name,
        "Expects": f"a handshake within {interval_ms(check.timeout)}",
        **_days(check.warn_days, check.critical_days),
    }


def _domain_expiry(check: DomainExpiryCheck) -> Mapping[str, object]:
    return {
        "Registration of": check.domain,
        "Expects": f"an answer within {interval_ms(check.timeout)}",
        **_days(check.warn_days, check.critical_days),
    }


def _days(warn: int, critical: int) -> Mapping[str, object]:
    failing = f"{count(critical, 'day')} before it expires" if critical else "it has expired"
    return {
        "Degraded": f"from {count(warn, 'day')} before it expires",
        "A check fails": f"from {failing}" if critical else f"once {failing}",
    }


def _answers(check: DnsCheck) -> str:
    within = f"within {interval_ms(check.timeout)}"
    if not check.expected:
        return f"an answer {within}"
    values = ", ".join(check.expected)
    return f"exactly {values} {within}" if check.exact else f"{values} among the answers {within}"


def _certificate(check: HttpCheck) -> str | None:
    parts = [
        None if check.verify_tls else "not verified",
        None
        if check.cert_warn_days is None
        else f"degraded from {count(check.cert_warn_days, 'day')} before it expires",
    ]
    return "; ".join(part for part in parts if part) if check.url[:6].lower() == "https:" else None


def _json_path(check: HttpCheck) -> str | None:
    wanted = check.expected_json
    return None if wanted is None else f"{wanted.path} is {msgspec.json.encode(wanted.value).decode()}"


def _credential(check: HttpCheck) -> str | None:
    if check.basic_auth is not None:
        return f"as {check.basic_auth[0]} with a password"
    return None if check.bearer_token is None else "with a bearer token"


def _above(limit_ms: int | None) -> str | None:
    return None if limit_ms is None else interval_ms(limit_ms)


def interval_ms(value: int) -> str:
    """A time of the configuration, exactly."""
    return interval(value // 1000) if value % 1000 == 0 else f"{value} ms"


def _status(expected: ExpectedStatus) -> str:
    match expected:
        case ExactStatus(value):
            return str(value)
        case StatusRange(bounds):
            return f"{bounds.min} to {bounds.max}"
        case StatusOneOf(values):
            return " or ".join(str(value) for value in values)
