"""Failed authentications per address: a token bucket in this process, bounded in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

Network = IPv4Network | IPv6Network

_MAX_ADDRESSES = 10_000
_WINDOW_S = 60.0


class FailureLimit:
    """`per_minute` failures at once, and as many again over a minute. Times are of a monotonic clock, in seconds."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, address: str, now: float) -> int:
        """Seconds until this address may fail again; 0 when it may now."""
        missing = 1 - self._tokens(address, now)
        return 0 if missing <= 0 else int(missing * _WINDOW_S / self.per_minute) + 1

    def failed(self, address: str, now: float) -> None:
        """Take a token from the address."""
        self._buckets[address] = (self._tokens(address, now) - 1, now)
        self._buckets.move_to_end(address)
        if len(self._buckets) > _MAX_ADDRESSES:
            self._buckets.popitem(last=False)

    def _tokens(self, address: str, now: float) -> float:
        tokens, since = self._buckets.get(address, (float(self.per_minute), now))
        return min(self.per_minute, tokens + (now - since) * self.per_minute / _WINDOW_S)


def parse_networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks of settings that were checked at start."""
    return tuple(ip_network(text) for text in texts)


def caller_address(request: web.Request, trusted: Sequence[Network]) -> str:
    """Who a failure is counted against: the caller, an IPv6 one by its /64."""
    return _counted(caller_hop(request, trusted))


def caller_hop(request: web.Request, trusted: Sequence[Network]) -> str:
    """The caller's address as it is told: the socket's.

    Only if the socket is a trusted proxy, it is the right-most forwarded hop that is not itself one.
    """
    hop = request.remote or ""
    if trusted and _is_in(hop, trusted):
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
        hops = [part.strip() for part in forwarded if part.strip()]
        hop = next((part for part in reversed(hops) if not _is_in(part, trusted)), hop)
    return hop


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks if network.version == parsed.version)


def _counted(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed)
