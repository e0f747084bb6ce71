"""The fields of a `tcp` check."""

from __future__ import annotations

from functools import partial

from control_plane.domain.checks.check_field_rules import (
    degraded_above,
    host,
    port,
    refuse_blocked_host,
    refuse_blocked_port,
    timeout,
)
from control_plane.domain.checks.kind_rules import KindRules, Place
from control_plane.domain.field_rules import refuse, text
from shared.checks.tcp import TcpCheck
from shared.netpolicy import Policy

SEND_LIMIT = 16_384
"""Bytes that may be sent, as UTF-8."""

EXPECT_LIMIT = 1024
"""Characters that may be waited for."""


def send(value: object, pointer: str) -> str:
    written = text(value, pointer, code="INVALID_TCP_PARAMS", low=1, high=SEND_LIMIT)
    if len(written.encode("utf-8")) > SEND_LIMIT:
        refuse("INVALID_TCP_PARAMS", f"this has more than {SEND_LIMIT} bytes as UTF-8; send less", pointer)
    return written


def expect(value: object, pointer: str) -> str:
    return text(value, pointer, code="INVALID_TCP_PARAMS", low=1, high=EXPECT_LIMIT)


def refuse_blocked(check: TcpCheck, policy: Policy, at: Place) -> None:
    """Raise BadRequest SSRF_BLOCKED or PORT_BLOCKED."""
    refuse_blocked_host(check.host, policy, at("host"))
    refuse_blocked_port(check.port, policy, at("port"))


RULES = KindRules(
    fields={
        "host": partial(host, code="INVALID_TCP_HOST"),
        "port": partial(port, code="INVALID_TCP_PORT"),
        "timeout": timeout,
        "send": send,
        "expect": expect,
        "degraded_above_ms": degraded_above,
    },
    required=("host", "port"),
    target=("host", "port"),
    refuse_blocked=refuse_blocked,
)
