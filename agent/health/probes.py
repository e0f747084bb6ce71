"""What the self-test asks: the resolvers and the operator's canaries."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from agent.dns.resolver import Resolver, Server, ask_anew
from agent.health.capabilities import look_for_route
from agent.health.self_test import Probe


class ResolverProbes:
    """One probe for each server in use now: it has to answer a question that is new to it.

    `servers` is asked on each look, as checks ask it, so that a server which nobody uses any more does not count. A
    server is asked once it has answered a check's question (`heard`), or when a failed lookup asks for proof: nobody is
    asked for our sake alone.
    """

    def __init__(self, servers: Callable[[], Sequence[Server]], heard: Mapping[Server, float]) -> None:
        self._servers = servers
        self._heard = heard
        self._known: dict[Server, Probe] = {}

    def __iter__(self) -> Iterator[Probe]:
        servers = self._servers()
        self._known = {server: self._known.get(server) or self._probe(server) for server in servers}
        return iter(self._known.values())

    def _probe(self, server: Server) -> Probe:
        return resolver_probe(
            server, is_due=lambda: server in self._heard, heard_at=lambda: self._heard.get(server, float("-inf"))
        )


def resolver_probe(
    server: Server,
    *,
    is_due: Callable[[], bool] = lambda: True,
    heard_at: Callable[[], float] = lambda: float("-inf"),
) -> Probe:
    return Probe(f"{server[0]}:{server[1]}", lambda: ask_anew(server), is_due=is_due, heard_at=heard_at)


def canary_probes(canaries: Sequence[str], resolver: Resolver) -> list[Probe]:
    """`host:port` is connected to; a plain name is resolved. Canaries are the operator's, so the guard has no say."""
    return [Probe(canary, functools.partial(_reach, canary, resolver)) for canary in canaries]


async def _reach(canary: str, resolver: Resolver) -> None:
    host, colon, port = canary.rpartition(":")
    if not colon or not port.isdigit():
        await resolver.resolve(canary)
        return
    _reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.close()


def route_probes() -> list[Probe]:
    """Whether this machine has a route to public addresses, of either family; a route once there has to stay."""

    async def look(version: int) -> None:
        if not look_for_route(version):
            raise OSError("gone")

    return [Probe(f"IPv{version}", functools.partial(look, version)) for version in (4, 6)]


def way_out_probe(url: str, *, heard_at: Callable[[], float]) -> Probe:
    """Is there a way out of this machine at all? The host of `url`, the control plane's, answers; so does any target.

    A refused connection is an answer: the host is there, and the way to it. `heard_at`: when a check last succeeded
    (perf_counter), so that an outage of the control plane alone does not silence what this agent can still see.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    async def connect() -> None:
        try:
            _reader, writer = await asyncio.open_connection(host, port)
        except ConnectionRefusedError:
            return
        writer.close()

    return Probe(f"{host}:{port}", connect, heard_at=heard_at)


def parse_server(text: str) -> Server:
    """`192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:53` or `2001:db8::1`."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, int(rest.lstrip(":") or 53)
    host, colon, port = text.rpartition(":")
    if colon and ":" not in host:
        return host, int(port)
    return text, 53
