"""A DNS server on loopback that says what it is told: real UDP and TCP, messages by dnspython."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Server = tuple[str, int]
Reply = bytes | None


class ScriptedDns(asyncio.DatagramProtocol):
    """`records`: name to zone lines ("A 192.0.2.1", "CNAME other.example."). Others are NXDOMAIN."""

    def __init__(self, records: dict[str, list[str]]) -> None:
        self.records = records
        self.rcodes: dict[str, dns.rcode.Rcode] = {}
        self.rcodes_after: dict[str, dns.rcode.Rcode] = {}
        """Of names whose records are given with it: an alias may lead to a name that does not exist."""
        self.truncate = False
        self.silent = False
        self.silent_about: set[str] = set()
        self.rcode_of_all: dns.rcode.Rcode | None = None
        self.mangle: Callable[[bytes], list[bytes]] = lambda wire: [wire]
        self.mangle_tcp: Callable[[bytes], bytes] = lambda wire: wire
        self.also: Callable[[bytes, Server], object] = lambda _wire, _peer: None
        self.refuses_edns = False
        self.asked: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        response = self.answer(data)
        if self.silent or self.asked[-1] in self.silent_about or self._transport is None:
            return
        if self.truncate:
            response.flags |= dns.flags.TC
            response.answer.clear()
        self.also(response.to_wire(), addr)
        for wire in self.mangle(response.to_wire()):
            self._transport.sendto(wire, addr)

    def send(self, wire: bytes, peer: Server) -> None:
        """A datagram out of the blue."""
        assert self._transport is not None
        self._transport.sendto(wire, peer)

    def answer(self, data: bytes) -> dns.message.Message:
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query, recursion_available=True)
        question = query.question[0]
        name = str(question.name).rstrip(".").lower()
        self.asked.append(name)
        if self.refuses_edns and query.edns >= 0:
            response.set_rcode(dns.rcode.FORMERR)
        elif self.rcode_of_all is not None:
            response.set_rcode(self.rcode_of_all)
        elif name in self.rcodes:
            response.set_rcode(self.rcodes[name])
        elif name and name not in self.records:
            response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            self._fill(response, name, question.rdtype.name)
            response.set_rcode(self.rcodes_after.get(name, dns.rcode.NOERROR))
        return response

    def _fill(self, response: dns.message.Message, name: str, wanted: str) -> None:
        for line in self.records.get(name, ()):
            kind, data = line.split(" ", 1)
            if kind in (wanted, "CNAME"):
                response.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, data))
            if kind == "CNAME":
                self._fill(response, data.rstrip("."), wanted)

    async def over_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        wire = self.mangle_tcp(self.answer(await reader.readexactly(size)).to_wire(max_size=65535))
        writer.write(len(wire).to_bytes(2, "big") + wire)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def answering_dns(records: dict[str, list[str]], sock: socket.socket) -> AsyncIterator[ScriptedDns]:
    """Over UDP alone, on a socket that is bound already."""
    script = ScriptedDns(records)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: script, sock=sock)
    try:
        yield script
    finally:
        transport.close()


@asynccontextmanager
async def serving_dns(records: dict[str, list[str]]) -> AsyncIterator[tuple[ScriptedDns, Server]]:
    loop = asyncio.get_running_loop()
    script = ScriptedDns(records)
    tcp = await asyncio.start_server(script.over_tcp, "127.0.0.1", 0)
    server: Server = tcp.sockets[0].getsockname()
    transport, _ = await loop.create_datagram_endpoint(lambda: script, local_addr=server)
    try:
        yield script, server
    finally:
        transport.close()
        tcp.close()
        await tcp.wait_closed()
