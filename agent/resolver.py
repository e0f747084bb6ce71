"""Our own DNS client: what a name means is asked on each check, and every answer is seen before any is used.

It speaks to the system's resolvers (RFC 1035 over UDP, TCP when truncated, EDNS of RFC 6891 so that it seldom is). The
hosts file counts only where the operator allows local addresses, because a shared region must not learn local names.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from time import perf_counter

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from shared.netpolicy import Address

Server = tuple[str, int]

ATTEMPT_TIMEOUTS_S = (1.0, 2.0, 3.0)
"""Each round asks every server in turn and waits this long for it; the check's own deadline cuts all short."""

LAGGARD_S = 1.0
"""How long one address family may keep the other one, already answered, waiting."""

MAX_STRAYS = 16
"""Datagrams that answer nothing we asked before the exchange is given up."""

_EDNS_PAYLOAD = 1232  # DNS flag day 2020
_TYPES = (dns.rdatatype.A, dns.rdatatype.AAAA)


class ResolutionFailed(OSError):
    """The name has no usable answer; the message says why in plain words."""


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
        servers = self._servers()
        if not servers:
            raise NoResolver("no DNS resolver is configured")
        trouble = "no DNS resolver answered in time"
        for seconds in ATTEMPT_TIMEOUTS_S:
            for server in servers:
                try:
                    return await self._ask(server, name, seconds)
                except _TryNext as error:
                    trouble = str(error) or trouble
        raise NoResolver(f"{name}: {trouble}")

    async def _ask(self, server: Server, name: str, seconds: float) -> Answers:
        messages = await _ask(server, name, seconds)
        try:
            answers = _read(name, messages)
        except ResolutionFailed:
            self._heard[server] = perf_counter()  # "there is no such name" is an answer too
            raise
        self._heard[server] = perf_counter()
        return answers


class _TryNext(Exception):
    """This server is no help; another may be."""


async def _ask(server: Server, name: str, seconds: float) -> list[dns.message.Message]:
    loop = asyncio.get_running_loop()
    queries = [_query(name, kind) for kind in _TYPES]
    try:
        transport, waiting = await loop.create_datagram_endpoint(lambda: _Exchange(queries), remote_addr=server)
    except OSError as error:
        raise _TryNext(f"the resolver {server[0]} cannot be reached ({error.strerror or error})") from None
    try:
        messages = await _collect(waiting, seconds)
    finally:
        transport.close()
    for index, message in enumerate(messages):
        if message is not None and message.flags & dns.flags.TC:
            messages[index] = await _ask_by_tcp(server, queries[index], seconds)
    return [message for message in messages if message is not None]


async def _collect(exchange: _Exchange, seconds: float) -> list[dns.message.Message | None]:
    """Both responses; only one when the other lags far behind."""
    done, pending = await asyncio.wait(exchange.replies, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if done and pending:
        more, pending = await asyncio.wait(pending, timeout=min(LAGGARD_S, seconds))
        done |= more
    for future in pending:
        future.cancel()
    return [future.result() if future in done else None for future in exchange.replies]


class _Exchange(asyncio.DatagramProtocol):
    """Two questions on one connected socket; whatever does not answer them exactly is ignored (RFC 5452)."""

    def __init__(self, queries: Sequence[bytes]) -> None:
        loop = asyncio.get_running_loop()
        self.replies: list[asyncio.Future[dns.message.Message | None]] = [loop.create_future() for _ in queries]
        self._queries = queries
        self._strays = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        for query in self._queries:
            transport.sendto(query)

    def datagram_received(self, data: bytes, _addr: object) -> None:
        for query, reply in zip(self._queries, self.replies, strict=True):
            if data[:2] == query[:2] and not reply.done():
                message = _parse(query, data)
                if message is not None:
                    reply.set_result(message)
                    return
        self._strays += 1
        if self._strays > MAX_STRAYS:
            self._give_up()

    def error_received(self, _exc: Exception) -> None:
        self._give_up()

    def _give_up(self) -> None:
        for reply in self.replies:
            if not reply.done():
                reply.set_result(None)


async def _ask_by_tcp(server: Server, query: bytes, seconds: float) -> dns.message.Message | None:
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(*server)
            try:
                writer.write(len(query).to_bytes(2, "big") + query)
                size = int.from_bytes(await reader.readexactly(2), "big")
                return _parse(query, await reader.readexactly(size))
            finally:
                writer.close()
    except (OSError, EOFError) as error:
        raise _TryNext(f"the resolver {server[0]} did not answer over TCP ({error})") from None


async def ask_root(server: Server) -> None:
    """Raise ResolutionFailed unless the server gives an answer about the root zone: is it of any use at all?"""
    query = _query("", dns.rdatatype.NS)
    loop = asyncio.get_running_loop()
    transport, exchange = await loop.create_datagram_endpoint(lambda: _Exchange([query]), remote_addr=server)
    try:
        (message,) = await _collect(exchange, LAGGARD_S * 2)
    finally:
        transport.close()
    if message is None or message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise ResolutionFailed("no answer" if message is None else dns.rcode.to_text(message.rcode()))


def _query(name: str, kind: dns.rdatatype.RdataType) -> bytes:
    """One question with a random id, recursion desired, and an OPT record that allows larger answers."""
    labels = b"".join(len(label).to_bytes(1, "big") + label for label in name.encode("ascii").split(b".") if label)
    header = os.urandom(2) + b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
    option = b"\x00\x00\x29" + _EDNS_PAYLOAD.to_bytes(2, "big") + b"\x00\x00\x00\x00\x00\x00"
    return header + labels + b"\x00" + int(kind).to_bytes(2, "big") + b"\x00\x01" + option


def _parse(query: bytes, data: bytes) -> dns.message.Message | None:
    """The response, or None when it is malformed or to another question than ours."""
    try:
        message = dns.message.from_wire(data, ignore_trailing=True, raise_on_truncation=False)
        asked = dns.message.from_wire(query)
    except (dns.exception.DNSException, ValueError):
        return None
    is_reply = bool(message.flags & dns.flags.QR) and message.id == asked.id
    return message if is_reply and (message.question == asked.question or not message.question) else None


def _read(name: str, messages: Sequence[dns.message.Message]) -> Answers:
    """The addresses in all responses. Raises _TryNext or, where the answer is final, ResolutionFailed."""
    if not messages:
        raise _TryNext("no DNS resolver answered in time")
    families: list[list[Address]] = []
    aliases: dict[str, None] = {}
    for message in messages:
        if message.rcode() == dns.rcode.NOERROR and message.question:
            found, through = _addresses(message)
            families.append(found)
            aliases.update(dict.fromkeys(through))
    addresses = _alternate(families)
    if addresses:
        return Answers(addresses, tuple(aliases))
    codes = {message.rcode() for message in messages}
    if dns.rcode.NXDOMAIN in codes:
        raise ResolutionFailed(f"{name} does not exist (NXDOMAIN)")
    if codes == {dns.rcode.NOERROR} and len(messages) == len(_TYPES):
        raise ResolutionFailed(f"{name} has no address records")
    worst = max(codes)
    raise _TryNext(f"the resolver answered {dns.rcode.to_text(worst)}" if worst else "")


def _addresses(message: dns.message.Message) -> tuple[list[Address], list[str]]:
    try:
        chain = message.resolve_chaining()  # type: ignore[attr-defined]
    except dns.exception.DNSException:
        return [], []
    through = [str(rdata.target).rstrip(".").lower() for rrset in chain.cnames for rdata in rrset]
    found = [ip_address(rdata.address) for rdata in chain.answer] if chain.answer is not None else []
    return found, through


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
            found.append(ip_address(words[0]))
    return tuple(dict.fromkeys(found))
