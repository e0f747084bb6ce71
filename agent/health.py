"""What the self-test asks: the resolvers and the operator's canaries."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Sequence

from agent.resolver import Resolver, Server, ask_root
from agent.self_test import Probe


def resolver_probes(servers: Sequence[Server], heard: Container[Server] | None = None) -> list[Probe]:
    """One probe per server: it has to answer a question about the root zone.

    With `heard`, a server is asked only once it has answered a check's question: nobody is asked for our sake alone.
    """
    return [_resolver_probe(server, heard) for server in servers]


def _resolver_probe(server: Server, heard: Container[Server] | None) -> Probe:
    def is_due() -> bool:
        return heard is None or server in heard

    return Probe(f"{server[0]}:{server[1]}", lambda: ask_root(server), is_due=is_due)


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
