"""Our own DNS client: what a name means is asked on each check, and every answer is seen before any is used.

It speaks to the system's resolvers (RFC 1035 over UDP, TCP when truncated, EDNS of RFC 6891 so that it seldom is). The
hosts file counts only where the operator allows local addresses, because a shared region must not learn local names.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from secrets import token_hex
from time import perf_counter
from typing import TypeVar

from agent.dns.exchange import LAGGARD_S, NoAnswer, StreamTimes, Way, ask_all, connected_datagram
from agent.dns.stream import DnsStream
from agent.dns.values import address_of
from agent.dns.wire import (
    AAAA,
    NOERROR,
    NS,
    NXDOMAIN,
    A,
    Query,
    Reply,
    Unanswered,
    WireError,
    follow,
    name_text,
    query,
    rcode_text,
)
from shared.netpolicy import Address

Server = tuple[str, int]

ATTEMPT_TIMEOUTS_S = (1.0, 2.0, 3.0)
"""Each round asks every server in turn and waits this long for it; the check's own deadline cuts all short."""

_TYPES = (A, AAAA)
_SILENCE = "no DNS resolver answered in time"

T = TypeVar("T")


class ResolutionFailed(OSError):
    """The name has no usable answer, and why, in plain words. `aliases`: the names it led to all the same."""

    def __init__(self, message: str, *, aliases: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.aliases = tuple(aliases)


class NoResolver(ResolutionFailed):
    """No resolver gave an answer that settles it: the name may be broken, or all of them, or our way to them."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Addresses in the order given, IPv6 and IPv4 alternating, and every name that the answer went through."""

    addresses: tuple[Address, ...]
    aliases: tuple[str, ...] = ()


class Resolver:
    """Resolves names for checks. `servers` is asked anew on each use, so a changed resolv.conf is noticed."""

    def __init__(
        self,
        *,
        servers: Callable[[], Sequence[Server]],
        hosts: Callable[[str], Sequence[Address]],
        heard: dict[Server, float] | None = None,
    ) -> None:
        """`heard` collects the servers that have answered, and when they last did (perf_counter)."""
        self._servers = servers
        self._hosts = hosts
        self._heard = {} if heard is None else heard

    async def resolve(self, name: str) -> Answers:
        """A and AAAA of `name`. Raises ResolutionFailed, NoResolver where nobody gave a final answer."""
        local = self._hosts(name)
        if local:
            return Answers(tuple(local))
        return await self._settle(name, lambda server, seconds: self._resolve(server, name, seconds))

    async def ask(self, name: str, kind: int, *, times: StreamTimes) -> tuple[Query, Reply, Server]:
        """One question, its final answer (NOERROR or NXDOMAIN) and who gave it. Raises NoResolver."""
        return await self._settle(name, lambda server, seconds: self._ask(server, name, kind, seconds, times))

    async def _settle(self, name: str, ask: Callable[[Server, float], Awaitable[T]]) -> T:
        """What the first server says that has a final answer. Raises ResolutionFailed, NoResolver."""
        servers = self._servers()
        if not servers:
            raise NoResolver("no DNS resolver is configured")
        trouble = _SILENCE
        for seconds in ATTEMPT_TIMEOUTS_S:
            for server in servers:
                try:
                    return await ask(server, seconds)
                except _TryNext as error:
                    trouble = str(error) or trouble
        raise NoResolver(f"{name}: {trouble}")

    async def _resolve(self, server: Server, name: str, seconds: float) -> Answers:
        queries = [query(name, kind) for kind in _TYPES]
        replies = await _replies(server, queries, seconds)
        try:
            answers = _read(name, queries, replies)
        except ResolutionFailed:
            self._heard[server] = perf_counter()  # "there is no such name" is an answer too
            raise
        self._heard[server] = perf_counter()
        return answers

    async def _ask(
        self, server: Server, name: str, kind: int, seconds: float, times: StreamTimes
    ) -> tuple[Query, Reply, Server]:
        question = query(name, kind)
        (reply,) = await _replies(server, (question,), seconds, times)
        if reply is None:
            raise _TryNext
        if reply.rcode not in (NOERROR, NXDOMAIN):
            raise _TryNext(f"the resolver answered {rcode_text(reply.rcode)}")
        self._heard[server] = perf_counter()
        return question, reply, server


class _TryNext(Exception):
    """This server is no help; another may be."""


async def _replies(
    server: Server, queries: Sequence[Query], seconds: float, times: StreamTimes | None = None
) -> list[Reply | None]:
    try:
        return await ask_all(_way_to(server), queries, seconds, times or StreamTimes())
    except NoAnswer:
        raise _TryNext from None
    except Unanswered as error:
        raise _TryNext(f"the resolver {server[0]} is of no use: {error}") from None
    except OSError as error:
        raise _TryNext(f"the resolver {server[0]} cannot be reached ({error.strerror or error})") from None


def _way_to(server: Server) -> Way:
    """The operator's own resolvers are no targets, so no guard stands in between."""

    async def stream() -> DnsStream:
        _transport, protocol = await asyncio.get_running_loop().create_connection(DnsStream, *server)
        return protocol

    return Way(lambda: connected_datagram(*server), stream)


async def ask_anew(server: Server) -> None:
    """Raise ResolutionFailed unless the server answers something that it cannot know by heart: is it of any use now?

    It is asked about a top-level domain that does not exist, another one each time. A forwarder that is cut off from
    its own resolvers still has the root's name servers in its cache.
    """
    try:
        (reply,) = await ask_all(_way_to(server), (query(token_hex(8), NS),), LAGGARD_S * 2, StreamTimes())
    except Unanswered as error:
        raise ResolutionFailed(str(error)) from None
    if reply is None or reply.rcode not in (NOERROR, NXDOMAIN):
        raise ResolutionFailed("no answer" if reply is None else rcode_text(reply.rcode))


def _read(name: str, queries: Sequence[Query], replies: Sequence[Reply | None]) -> Answers:
    """The addresses in all replies. Raises _TryNext or, where the answer is final, ResolutionFailed."""
    families: list[list[Address]] = []
    aliases: dict[str, None] = {}
    codes = [reply.rcode for reply in replies if reply is not None]
    for question, reply in zip(queries, replies, strict=True):
        if reply is not None and reply.rcode in (NOERROR, NXDOMAIN):
            found, through = _addresses(question, reply)
            aliases.update(dict.fromkeys(through))
            if reply.rcode == NOERROR:
                families.append(found)
    addresses = _alternate(families)
    if addresses:
        return Answers(addresses, tuple(aliases))
    if NXDOMAIN in codes:
        raise ResolutionFailed(f"{name} does not exist (NXDOMAIN)", aliases=aliases)
    if codes == [NOERROR] * len(_TYPES):
        raise ResolutionFailed(f"{name} has no address records", aliases=aliases)
    worst = max(codes, default=NOERROR)
    raise _TryNext(f"the resolver answered {rcode_text(worst)}" if worst else "")


def _addresses(question: Query, reply: Reply) -> tuple[list[Address], list[str]]:
    length = 4 if question.kind == A else 16
    try:
        records, aliases = follow(question, reply)
        if any(record.end - record.start != length for record in records):
            raise WireError("an address of the wrong length")
    except WireError as error:
        raise _TryNext(f"the resolver's answer is broken: {error}") from None
    found: list[Address] = [address_of(reply.data[record.start : record.end]) for record in records]
    return found, [name_text(alias) for alias in aliases]


def _alternate(families: Sequence[list[Address]]) -> tuple[Address, ...]:
    """IPv6 first, then one of each family in turn (RFC 8305 section 4)."""
    every = dict.fromkeys(address for family in families for address in family)
    sixes: list[Address] = [address for address in every if address.version == 6]
    fours: list[Address] = [address for address in every if address.version == 4]
    mixed: list[Address] = []
    for position in range(max(len(sixes), len(fours))):
        mixed += sixes[position : position + 1] + fours[position : position + 1]
    return tuple(mixed)


def system_servers(path: Path = Path("/etc/resolv.conf")) -> list[Server]:
    """The nameservers of resolv.conf(5), at most three as glibc has it; 127.0.0.1 when it names none."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    words = [line.split() for line in lines]
    named = [(line[1], 53) for line in words if len(line) > 1 and line[0] == "nameserver"]
    return named[:3] or [("127.0.0.1", 53)]


def no_hosts(_name: str) -> tuple[Address, ...]:
    """The hosts file of a shared region: empty."""
    return ()


def local_hosts(name: str, path: Path = Path("/etc/hosts")) -> tuple[Address, ...]:
    """localhost (RFC 6761) and the names of hosts(5)."""
    if name == "localhost" or name.endswith(".localhost"):
        return (ip_address("127.0.0.1"), ip_address("::1")) if socket.has_ipv6 else (ip_address("127.0.0.1"),)
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return ()
    found: list[Address] = []
    for line in lines:
        words = line.partition("#")[0].lower().split()
        if name in words[1:] and "%" not in words[0]:
            with contextlib.suppress(ValueError):  # a line that is none, as glibc has it
                found.append(ip_address(words[0]))
    return tuple(dict.fromkeys(found))
