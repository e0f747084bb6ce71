"""What a port scan is told by: the ports that one tenant names on one host, and the hosts on one port. Pure."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from control_plane.domain.checks.kinds import MonitorCheck
from control_plane.domain.safety.safety import target_of, target_of_url
from shared.checks.http import HttpCheck
from shared.checks.tcp import TcpCheck
from shared.checks.tls_cert import TlsCertCheck
from shared.netpolicy import UrlRefused, parse_http_url

WEB_PORTS = frozenset({80, 443})
"""Thousands of hosts on these are what monitoring is."""


class Touch(Struct, frozen=True):
    """A port of a host that a check names."""

    host: str
    port: int


def touch_of(check: MonitorCheck) -> Touch | None:
    """The port that the check would connect to; None for those of the web and for kinds without ports."""
    match check:
        case HttpCheck():
            try:
                url = parse_http_url(check.url)
            except UrlRefused:
                return None
            found = Touch(target_of_url(check.url).hosts[0], url.port)
        case TcpCheck() | TlsCertCheck():
            found = Touch(target_of(msgspec.to_builtins(check)).hosts[0], check.port)
        case _:
            return None
    return None if found.port in WEB_PORTS else found
