"""The way to a target that every kind of check goes: judge its text, resolve its name, connect, each step timed."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from time import perf_counter
from typing import TypeVar

from agent import classify
from agent.checks.check import Crowd, Phases
from agent.dialer import Connection, Dialer, address_text
from shared.netpolicy import Host, UrlRefused, judge_port, parse_host_text

MAX_RESOLVED = 32
"""Addresses of a name that evidence keeps."""

C = TypeVar("C", bound=Connection)


class Approach:
    """What is known of the way stays here when it fails, so that a failure still tells how far it came.

    `doing`: what is under way, in words. `address`: the one that was reached; while it is tried, only if it is the only
    one. `resolved`: what the name stood for. Instants are perf_counter seconds. Each phase begins where the one before
    it ended, so that a busy loop is in one of them and in no gap; those of several connections add up.
    """

    __slots__ = ("_dialer", "address", "doing", "phases", "resolved", "since", "started")

    def __init__(self, dialer: Dialer) -> None:
        self.address: str | None = None
        self.doing = classify.RESOLVING
        self.phases = Phases()
        self.resolved: tuple[str, ...] = ()
        self.started = self.since = perf_counter()
        """`since`: when the last phase ended. Who goes on from a connection moves it."""
        self._dialer = dialer

    async def addresses_of(self, host: Host) -> tuple[str, ...]:
        """Those worth trying, best first; a literal is its own. Raises ResolutionFailed or UrlRefused."""
        if host.is_literal:
            return (host.name,)
        self.doing = classify.RESOLVING
        answers = await self._dialer.resolve(host.name)
        now = perf_counter()
        self.phases.dns = (self.phases.dns or 0.0) + now - self.since
        self.since = now
        self.resolved = tuple(map(address_text, answers.addresses))
        return self.resolved

    async def connect(self, host: Host, port: int, factory: Callable[[], C]) -> C:
        """A connection to one of the host's addresses. Raises what classify knows."""
        addresses = await self.addresses_of(host)
        self.doing = "connecting"
        self.address = addresses[0] if len(addresses) == 1 else None
        made, self.address = await self._dialer.connect(addresses, port=port, literal=host.is_literal, factory=factory)
        self.phases.connect = (self.phases.connect or 0.0) + made.connected_at - self.since
        self.since = made.connected_at
        return made


def judged_host(text: str, port: int, dialer: Dialer) -> Host:
    """A host that this region may connect to at `port`, as far as their text tells. Raises UrlRefused."""
    host = dialer.host(text)
    if not 1 <= port <= 0xFFFF:
        raise UrlRefused("INVALID_URL_FORMAT", "a port is a number from 1 to 65535")
    judge_port(port, dialer.policy)
    return host


@lru_cache(maxsize=16_384)
def crowd_at(host: str, port: int | None = None) -> Crowd:
    """Of the checks at one host and port, however the host is written; without a port, at the host as such."""
    try:
        name = parse_host_text(host).name
    except UrlRefused:
        name = host
    return Crowd(name if port is None else f"{name}:{port}")
