"""What the self-test asks: the resolvers and the operator's canaries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agent.resolver import Resolver, Server, ask_root
from agent.self_test import Probe


def resolver_probes(servers: Sequence[Server]) -> list[Probe]:
    """One probe per server: it has to answer a question about the root zone."""
    return [Probe(f"{host}:{port}", lambda server=(host, port): ask_root(server)) for host, port in servers]  # type: ignore[misc]


def canary_probes(canaries: Sequence[str], resolver: Resolver) -> list[Probe]:
    """`host:port` is connected to; a plain name is resolved. Canaries are the operator's, so the guard has no say."""
    return [Probe(canary, lambda canary=canary: _reach(canary, resolver)) for canary in canaries]  # type: ignore[misc]


async def _reach(canary: str, resolver: Resolver) -> None:
    host, colon, port = canary.rpartition(":")
    if not colon or not port.isdigit():
        await resolver.resolve(canary)
        return
    _reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.close()


def parse_server(text: str) -> Server:
    """`192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:53` or `2001:db8::1`."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, int(rest.lstrip(":") or 53)
    host, colon, port = text.rpartition(":")
    if colon and ":" not in host:
        return host, int(port)
    return text, 53
