"""What this machine can do: which kinds of check, which address families.

An agent that lacks what a check needs says so (`error`, `incapable`); it never calls the target down for it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from time import monotonic
from typing import Literal

from agent.icmp.sockets import open_socket

_KEPT_S = 10.0
_PUBLIC = {4: ("192.0.2.1", 9), 6: ("2001:db8::1", 9)}
"""Documentation addresses: connecting a datagram socket asks for a route and sends nothing."""

_known: dict[int, tuple[float, bool]] = {}


def capabilities(kinds: Iterable[str], *, family: Literal["any", "4", "6"] = "any") -> tuple[str, ...]:
    """What the agent tells about itself: the kinds of check that run here, "ipv4" and "ipv6" where it has a route.

    `family`: the only address family that it may use.
    """
    versions = [version for version in (4, 6) if family in ("any", str(version))]
    can = {f"ipv{version}" for version in versions if has_route(version)}
    can |= {kind for kind in kinds if kind != "ping" or any(map(may_ping, versions))}
    return tuple(sorted(can))


def may_ping(version: int) -> bool:
    """Whether this process may open an ICMP socket of IPv4 or IPv6."""
    try:
        open_socket(version).socket.close()
    except OSError:
        return False
    return True


def has_route(version: int) -> bool:
    """Whether this machine has a route for public addresses of IPv4 or IPv6; remembered for ten seconds."""
    asked_at, answer = _known.get(version, (float("-inf"), False))
    now = monotonic()
    if now - asked_at > _KEPT_S:
        answer = look_for_route(version)
        _known[version] = now, answer
    return answer


def look_for_route(version: int) -> bool:
    """As has_route, asking the kernel now."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(_PUBLIC[version])
    except OSError:
        return False
    return True
