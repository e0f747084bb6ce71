"""Servers on loopback that mean harm, for every kind of check, in a process of their own.

Their work and their memory are not the agent's then. `HOSTILE` says what there is; `spawned` starts all of it.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import ssl
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rrset

from agent import event_loop
from tests.support import targets, tls_servers
from tests.support.rdap_server import rdap, registration, registry
from tests.support.targets import Reader, Target, Writer, raw, serving
from tests.support.tls_servers import Authority, server_context

MIB = 1 << 20
PAUSE_S = 0.02
"""Between two bytes of a drip."""

Datagrams = Callable[[bytes], Iterable[bytes]]
"""From a question to the datagrams that come back."""


@dataclass(frozen=True)
class Hostile:
    """`expected`: how a check of it may come out, "outcome/reason". `options`: of the check."""

    kind: str
    name: str
    expected: tuple[str, ...]
    target: Target = targets.silent
    tls: Callable[[], ssl.SSLContext] | None = None
    datagrams: Datagrams | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.kind}: {self.name}"


HOSTILE: list[Hostile] = []
TIMEOUT, PROTOCOL, ASSERTION = "down/timeout", "down/protocol", "down/assertion"
CUT = ("up/none", TIMEOUT)
"""Read up to the limit and judged by that, unless the server cannot send so much in the time."""


# -- bytes


def dripping(answer: bytes, *, after: bytes = b"") -> Target:
    """`after` at once, then a byte at a time, and once more from the start when all is said."""

    async def target(reader: Reader, writer: Writer) -> None:
        await reader.read(1)
        writer.write(after)
        while True:
            for number in range(len(answer)):
                writer.write(answer[number : number + 1])
                await writer.drain()
                await asyncio.sleep(PAUSE_S)

    return target


def without_end(start: bytes, again: bytes) -> Target:
    """`start`, then `again` as fast as it is taken."""
    block = again * max(1, 65_536 // len(again))

    async def target(reader: Reader, writer: Writer) -> None:
        await reader.read(1)
        writer.write(start)
        while True:
            writer.write(block)
            await targets.taken(writer)

    return target


async def before_asked(reader: Reader, writer: Writer) -> None:
    """The answer comes before the question."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    await reader.read()


async def dripping_handshake(reader: Reader, writer: Writer) -> None:
    """A real handshake, a byte at a time."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = _tls().wrap_bio(incoming, outgoing, server_side=True)
    while data := await reader.read(16_384):
        incoming.write(data)
        with suppress(ssl.SSLWantReadError):
            connection.do_handshake()
        for byte in outgoing.read():
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(PAUSE_S)


# -- http

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def http(
    name: str, target: Target, *expected: str, tls: Callable[[], ssl.SSLContext] | None = None, **options: Any
) -> None:
    HOSTILE.append(Hostile("http", name, expected or (PROTOCOL,), target, tls, options=options))


def coded(coding: str, body: bytes) -> Target:
    return targets.ok(body, headers={"Content-Encoding": coding})


def bomb(compress: Callable[[bytes], bytes]) -> bytes:
    return compress(b"\0" * (64 * MIB))


READ: dict[str, Any] = {"expected_body_contains": "something that does not come"}

http("drip of the status line", dripping(b"HTTP/1.1 200 OK and so on "), TIMEOUT)
http("drip of headers", dripping(b"X-Drip: y\r\n", after=OK), TIMEOUT)
http("drip of the body", targets.drip, TIMEOUT)
http("drip of chunks", dripping(b"1\r\nx\r\n", after=CHUNKED), TIMEOUT)
http("drip of trailers", dripping(b"X-Drip: y\r\n", after=CHUNKED + b"0\r\n"), TIMEOUT)
http("drip of interim responses", dripping(b"HTTP/1.1 100 Continue\r\n\r\n"), TIMEOUT, PROTOCOL)
http("silence", targets.silent, TIMEOUT)
http("endless body", targets.endless, *CUT)
http("endless body that is searched", targets.endless, ASSERTION, TIMEOUT, **READ)
http("endless chunks of a byte", without_end(CHUNKED, b"1\r\nx\r\n"), *CUT)
http("endless chunk extension", without_end(CHUNKED + b"1;", b"x"), *CUT, PROTOCOL)
http("endless chunk extensions", targets.endless_chunks, *CUT, PROTOCOL)
http("endless chunk size", without_end(CHUNKED, b"0"), *CUT, PROTOCOL)
http("endless trailers", without_end(CHUNKED + b"0\r\n", b"X-Flood: y\r\n"))
http("endless headers", without_end(OK, b"X: y\r\n"))
http("endless header", targets.endless_header)
http("endless header name", without_end(OK, b"x"))
http("endless status line", without_end(b"HTTP/1.1 200 ", b"x"))
http("endless empty lines", without_end(b"", b"\r\n"), PROTOCOL, TIMEOUT)
http("header flood", targets.header_flood)
http("interim storm", targets.interim_storm)
http("storm of 100", without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n"))
http("gzip bomb", coded("gzip", bomb(gzip.compress)), ASSERTION, **READ)
http("deflate bomb", coded("deflate", bomb(zlib.compress)), ASSERTION, **READ)
http("gzip bomb for a pattern", coded("gzip", bomb(gzip.compress)), ASSERTION, body_regex="(a|aa)+$")
http("gzip that is none", coded("gzip", b"plain"), **READ)
http("br, which nobody asked for", coded("br", b"\x0b\x02\x80plain\x03"), **READ)
http("a coding upon a coding", coded("gzip, gzip", gzip.compress(gzip.compress(b"x"))), **READ)
http("length and chunks", raw(OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
http("negative length", raw(OK + b"Content-Length: -1\r\n\r\n"))
http("length that is none", raw(OK + b"Content-Length: 0x10\r\n\r\n"))
http("length beyond 64 bits", raw(OK + b"Content-Length: 36893488147419103232\r\n\r\n"))
http("length of petabytes", without_end(OK + b"Content-Length: 9007199254740993\r\n\r\n", b"x"), *CUT)
http("two lengths", raw(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"))
http("body shorter than its length", raw(OK + b"Content-Length: 10\r\n\r\nshort"))
http("body longer than its length", raw(OK + b"Content-Length: 2\r\n\r\n" + b"long" * 9999), "up/none", PROTOCOL)
http("second response", raw((OK + b"Content-Length: 0\r\n\r\n") * 500), "up/none", PROTOCOL)
http("chunk size that is none", raw(CHUNKED + b"zz\r\nabc\r\n"))
http("chunk size beyond 64 bits", raw(CHUNKED + b"fffffffffffffffff\r\nabc\r\n"))
http("negative chunk size", raw(CHUNKED + b"-1\r\nabc\r\n"))
http("chunk without its end", raw(CHUNKED + b"3\r\nabcdef"))
http("chunks that stop", raw(CHUNKED + b"3\r\nabc\r\n"))
http("header without a colon", raw(OK + b"nonsense\r\n\r\n"))
http("header without a name", raw(OK + b": nonsense\r\n\r\n"))
http("space before the colon", raw(OK + b"Content-Length : 3\r\n\r\nabc"))
http("NUL in a header", raw(OK + b"X: a\0b\r\n\r\n"))
http("NUL in a header's name", raw(OK + b"X\0: a\r\n\r\n"))
http("NULs for an answer", raw(b"\0" * 5000))
http("lone CR in a header", raw(OK + b"X: a\rSet-Cookie: b\r\n\r\n"), PROTOCOL, "up/none")
http("status 000", raw(b"HTTP/1.1 000 Nothing\r\n\r\n"))
http("status 999", targets.ok(status="999 Denied"), "down/status")
http("status 1000", raw(b"HTTP/1.1 1000 Too much\r\nContent-Length: 0\r\n\r\n"))
http("status of two digits", raw(b"HTTP/1.1 20 OK\r\n\r\n"))
http("status that is negative", raw(b"HTTP/1.1 -20 OK\r\n\r\n"))
http("status of letters", raw(b"HTTP/1.1 abc OK\r\n\r\n"))
http("status 101", raw(b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"), "down/status", PROTOCOL)
http("interim response and no other", raw(b"HTTP/1.1 103 Early Hints\r\n\r\n"))
http("no status line", raw(b"Content-Length: 0\r\n\r\n"))
http("HTTP/0.9", raw(b"<html>hello</html>"))
http("HTTP/9.9", raw(b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n"))
http("ICY", raw(b"ICY 200 OK\r\nicy-name: radio\r\n\r\n"), PROTOCOL, "up/none")
http("HTTP/2 preface", raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
http("HTTP/2 settings", raw(b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0d\0\x04\0\x01\0\0\0\x05\0\xff\xff\xff"))
http("SSH", raw(b"SSH-2.0-OpenSSH_9.9\r\n"))
http("answer before the question", before_asked, PROTOCOL, "up/none")
http("reset", targets.reset, "down/connect")
http("reset at once", targets.reset_at_once, "down/connect")
http("close without a word", targets.hang_up)
http("redirect to itself", targets.redirect("/"), "down/redirect")
http("redirect that is split", targets.redirect("/\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), "down/redirect", PROTOCOL)
http("redirect with a lone CR", targets.redirect("/a\rSet-Cookie: b"), "down/redirect", PROTOCOL)
http("redirect with a NUL", targets.redirect("http://127.0.0.1\0.example/"), "down/redirect", PROTOCOL)
http("redirect of 60 KB", targets.redirect("/" + "x" * 60_000), "down/redirect")
http("redirect to a file", targets.redirect("file:///etc/passwd"), "down/redirect")
http("redirect to a blocked address", targets.redirect("http://169.254.169.254/"), "error/blocked")
http("JSON too deep", targets.ok(b"[" * MIB), ASSERTION, expected_json=("$.a", 1))
http("JSON too wide", targets.ok(b'{"b":1' + b',"c":[{}]' * 100_000 + b"}"), ASSERTION, expected_json=("$.a", 1))
http("JSON of one number", targets.ok(b'{"a":' + b"9" * 900_000 + b"}"), ASSERTION, expected_json=("$.a", 1))
http(
    "charset that is slow",
    targets.ok(b"x-" * 500_000, headers={"Content-Type": "text/html; charset=punycode"}),
    ASSERTION,
    **READ,
)


def over_tls(name: str, target: Target, *expected: str, tls: Callable[[], ssl.SSLContext] | None = None) -> None:
    """For https, and for tls_cert where another outcome is given after a bar: "down/tls|up/none"."""
    both = [each.partition("|") for each in expected]
    for kind, options in (("http", {"over_tls": True}), ("tls_cert", {})):
        outcomes = tuple((second or first) if kind == "tls_cert" else first for first, _, second in both)
        HOSTILE.append(Hostile(kind, f"TLS, {name}", outcomes, target, tls, options=options))


def _tls() -> ssl.SSLContext:
    return server_context(Authority("Stranger").leaf("127.0.0.1"))


def with_many_tickets() -> ssl.SSLContext:
    context = _tls()
    context.num_tickets = 200
    return context


over_tls("silence", targets.silent, TIMEOUT)
over_tls("half a record", tls_servers.half_a_record, TIMEOUT)
over_tls("handshake flood", tls_servers.flood, "down/tls")
over_tls(
    "flood of handshake records",
    without_end(b"", b"\x16\x03\x03\x40\x00" + b"\x02\x00\xff\xff" + b"\0" * 16_380),
    "down/tls",
)
over_tls("flood of warnings", without_end(b"", b"\x15\x03\x03\x00\x02\x01\x5a"), "down/tls", TIMEOUT)
over_tls("flood of empty records", without_end(b"", b"\x16\x03\x03\x00\x00"), "down/tls", TIMEOUT)
over_tls("fatal alert", raw_at_once := without_end(b"\x15\x03\x03\x00\x02\x02\x28", b"\0"), "down/tls")
over_tls("plain text", tls_servers.plain_text, "down/tls")
over_tls("garbage", targets.garbage_in_handshake, "down/tls")
over_tls("close", targets.hang_up_in_handshake, "down/tls")
over_tls("reset", targets.reset_at_once, "down/connect")
over_tls("certificate of 1 MB", tls_servers.quiet, "down/tls", tls=tls_servers.huge_certificate)
over_tls("long chain", tls_servers.quiet, "down/timeout|up/none", tls=tls_servers.long_chain)
over_tls("drip of the handshake", dripping_handshake, TIMEOUT)
over_tls("many tickets", targets.endless, "up/none|up/none", TIMEOUT, tls=with_many_tickets)
http("TLS, endless headers", without_end(OK, b"X: y\r\n"), tls=_tls, over_tls=True)
http("TLS, drip of the body", targets.drip, TIMEOUT, tls=_tls, over_tls=True)
http("TLS, status 000", raw(b"HTTP/1.1 000 Nothing\r\n\r\n"), tls=_tls, over_tls=True)
http("TLS, gzip bomb", coded("gzip", bomb(gzip.compress)), ASSERTION, tls=_tls, over_tls=True, **READ)


# -- tcp


def tcp(name: str, target: Target, *expected: str, **options: Any) -> None:
    HOSTILE.append(Hostile("tcp", name, expected, target, options={"send": "hello\r\n", "expect": "aaab", **options}))


tcp("flood", without_end(b"", b"\0"), ASSERTION)
tcp("flood of what nearly fits", without_end(b"", b"a"), ASSERTION, expect="a" * 1000 + "b")
tcp("drip", dripping(b"a"), TIMEOUT)
tcp("silence", targets.silent, TIMEOUT)
tcp("reset", targets.reset_at_once, "down/connect")
tcp("flood that nobody waits for", without_end(b"", b"x"), "up/none", expect=None)
tcp("no UTF-8", raw_at_once, ASSERTION)


# -- dns


def storm(change: Callable[[bytes], bytes], count: int = 10_000) -> Datagrams:
    return lambda wire: (change(wire) for _ in range(count))


def another_id(wire: bytes) -> bytes:
    return bytes((wire[0] ^ 1,)) + wire[1:2] + b"\x81\x80" + wire[4:]


def answer(*lines: str) -> Callable[[bytes], bytes]:
    """Owner, type and data of each record."""

    def make(wire: bytes) -> bytes:
        message = dns.message.make_response(dns.message.from_wire(wire), recursion_available=True)
        for line in lines:
            owner, kind, data = line.split(" ", 2)
            message.answer.append(dns.rrset.from_text(owner, 60, "IN", kind, data))
        return message.to_wire(max_size=65_535)

    return make


def truncated(wire: bytes) -> list[bytes]:
    message = dns.message.make_response(dns.message.from_wire(wire))
    message.flags |= dns.flags.TC
    return [message.to_wire()]


def records(count: int, rest: bytes) -> Callable[[bytes], bytes]:
    """As many are announced, and this stands where they should be."""

    def make(wire: bytes) -> bytes:
        end = wire.index(b"\0", 12) + 5
        return wire[:2] + b"\x81\x80\0\1" + count.to_bytes(2, "big") + bytes(4) + wire[12:end] + rest

    return make


def over_tcp(change: Callable[[bytes], bytes], after: bytes = b"") -> Target:
    """`after`, without end, follows the answer."""

    async def target(reader: Reader, writer: Writer) -> None:
        wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
        message = change(wire)
        writer.write(len(message).to_bytes(2, "big") + message)
        await writer.drain()
        while after:
            writer.write(after * 4096)
            await targets.taken(writer)

    return target


def question(name: str, datagrams: Datagrams, *expected: str, target: Target = targets.hang_up, **options: Any) -> None:
    HOSTILE.append(Hostile("dns", name, expected, target, datagrams=datagrams, options=options))


A_RECORD = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\2\1"
LOOPING = tuple(f"{'example.com.' if n == 0 else f'n{n}.example.'} CNAME n{n + 1}.example." for n in range(300))

question("storm of other ids", storm(another_id), PROTOCOL)
question("storm of queries", storm(lambda wire: wire), PROTOCOL)
question("storm of single bytes", storm(lambda _wire: b"x"), PROTOCOL)
question("storm of empty datagrams", storm(lambda _wire: b""), PROTOCOL)
question("storm of pointers that loop", storm(records(1000, b"\xc0\x1d" * 40)), PROTOCOL)
question("a few other ids", storm(another_id, 5), TIMEOUT)
question("silence", lambda _wire: (), TIMEOUT)
question("pointers that loop", lambda wire: [records(9, b"\xc0\x1d" * 40)(wire)], TIMEOUT, PROTOCOL)
question("a name without end", lambda wire: [records(9, b"\x01a" * 900)(wire)], TIMEOUT, PROTOCOL)
question("aliases without end", lambda wire: [answer(*LOOPING)(wire)], "down/dns", TIMEOUT, PROTOCOL)
question("an alias of itself", lambda wire: [answer("example.com. CNAME example.com.")(wire)], "down/dns", PROTOCOL)
question("more records than there are", lambda wire: [records(65_535, A_RECORD)(wire)], TIMEOUT, PROTOCOL)
question("TCP, close", truncated, "down/connect", target=targets.hang_up_in_handshake)
question("TCP, silence", truncated, TIMEOUT, target=targets.silent)
question("TCP, drip", truncated, TIMEOUT, target=dripping(b"\x01", after=b"\xff\xff"))
question("TCP, an endless answer", truncated, PROTOCOL, target=without_end(b"\xff\xff", b"x"))
question("TCP, empty answers", truncated, PROTOCOL, target=without_end(b"", b"\0\0"))
question("TCP, what follows the answer", truncated, "up/none", target=over_tcp(records(1, A_RECORD), b"x"))
question("TCP, thousands of records", truncated, "up/none", target=over_tcp(records(4000, A_RECORD * 4000)))
question("TCP, aliases without end", truncated, "down/dns", PROTOCOL, target=over_tcp(answer(*LOOPING)))
question("TCP, another id", truncated, PROTOCOL, target=over_tcp(another_id))
question("TCP, truncated again", truncated, "down/dns", PROTOCOL, target=over_tcp(lambda wire: truncated(wire)[0]))
for own, said in (
    ("storm of other ids", storm(another_id)),
    ("silence", lambda _wire: ()),
    ("aliases without end", lambda wire: [answer(*LOOPING)(wire)]),
):
    question(f"of the agent's own resolver, {own}", said, "error/unhealthy", "down/dns", own=True)
    HOSTILE.append(
        Hostile("http", f"name, {own}", ("error/unhealthy", "down/dns"), datagrams=said, options={"is_named": True})
    )


# -- domain_expiry


def registered(name: str, target: Target, *expected: str) -> None:
    HOSTILE.append(Hostile("domain_expiry", name, expected or ("error/upstream",), target))


registered("silence", targets.silent)
registered("drip of headers", dripping(b"X-Drip: y\r\n", after=OK))
registered("drip of the body", targets.drip)
registered("endless body", targets.endless)
registered("endless chunks", targets.endless_chunks)
registered("endless headers", without_end(OK, b"X: y\r\n"))
registered("interim storm", targets.interim_storm)
registered("gzip bomb", rdap(bomb(gzip.compress), headers={"Content-Encoding": "gzip"}))
registered("JSON too deep", rdap(b"[" * 250_000))
registered("JSON of one number", rdap(b'{"objectClassName":' + b"9" * 250_000 + b"}"))
registered(
    "thousands of events",
    rdap(registration("thousands-of-events.test", events=[{"eventAction": "expiration"}] * 6000)),
    "error/upstream",
    "error/incapable",
)
registered("status 000", raw(b"HTTP/1.1 000 Nothing\r\n\r\n"))
registered("reset", targets.reset)
registered("redirect to itself", targets.redirect("/rdap/domain/redirect-to-itself.test"))
registered("redirect to a blocked address", targets.redirect("http://169.254.169.254/"), "error/blocked")


def domain_of(name: str) -> str:
    return f"{name.lower().replace(' ', '-')}.test"


# -- the process


def _answering(port: int, said: Datagrams) -> socket.socket:
    """Answers each datagram at this port; what the system has no room for is lost. Raises OSError.

    A socket of its own, because asyncio's transports send no empty datagrams.
    """
    ears = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    ears.bind(("127.0.0.1", port))

    def answer_one() -> None:
        with suppress(BlockingIOError, ConnectionError):
            data, peer = ears.recvfrom(4096)
            for wire in said(data):
                ears.sendto(wire, peer)

    asyncio.get_running_loop().add_reader(ears, answer_one)
    return ears


async def _serve(stack: AsyncExitStack, hostile: Hostile) -> int:
    tls = None if hostile.tls is None else hostile.tls()
    said = hostile.datagrams
    if said is None:
        return await stack.enter_async_context(serving(hostile.target, tls=tls))
    for _ in range(100):  # a port that is free for both
        port = await stack.enter_async_context(serving(hostile.target))
        with suppress(OSError):
            stack.callback(_answering(port, said).close)
            return port
    raise OSError("no port is free for both UDP and TCP")


async def _serve_until_told() -> None:
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # clients hang up, which is no news
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(registry())
        ports = []
        for hostile in HOSTILE:
            if hostile.kind == "domain_expiry":
                served.domains[domain_of(hostile.name)] = hostile.target
                ports.append(0)
            else:
                ports.append(await _serve(stack, hostile))
        print(json.dumps({"ports": ports, "list_url": served.list_url}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


@asynccontextmanager
async def spawned() -> AsyncIterator[dict[str, Any]]:
    """All of it, in a process; gives `ports`, in the order of HOSTILE, and `list_url`, of the RDAP servers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.hostile_targets",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield json.loads(await asyncio.wait_for(process.stdout.readline(), 120))
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    event_loop.run(_serve_until_told())
