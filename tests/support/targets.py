"""Targets on loopback, one for each misbehaviour that the field has seen. A target is an asyncio stream handler."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from socket import SO_LINGER, SOL_SOCKET

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Target = Callable[[Reader, Writer], Awaitable[None]]


@asynccontextmanager
async def serving(target: Target, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """A server for the target; gives its port. Ends whatever is still under way."""
    running: set[asyncio.Task[None]] = set()

    async def handle(reader: Reader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            await target(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            running.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(handle, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def request_of(reader: Reader) -> bytes:
    """The request's head."""
    return await reader.readuntil(b"\r\n\r\n")


async def _end(writer: Writer) -> None:
    with contextlib.suppress(ConnectionError):
        await writer.drain()
        writer.close()
        await writer.wait_closed()


def raw(answer: bytes, *, seen: list[bytes] | None = None) -> Target:
    """Sends these bytes and closes."""

    async def target(reader: Reader, writer: Writer) -> None:
        head = await request_of(reader)
        if seen is not None:
            seen.append(head)
        writer.write(answer)
        await _end(writer)

    return target


def ok(
    body: bytes = b"all is well",
    *,
    status: str = "200 OK",
    headers: dict[str, str] | None = None,
    seen: list[bytes] | None = None,
) -> Target:
    fields = {"Content-Type": "text/plain", "Content-Length": str(len(body)), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return raw(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body, seen=seen)


def redirect(location: str, status: int = 302, *, seen: list[bytes] | None = None) -> Target:
    return raw(f"HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode(), seen=seen)


def slow(seconds: float) -> Target:
    """Thinks for a while before its first byte."""

    async def target(reader: Reader, writer: Writer) -> None:
        await request_of(reader)
        await asyncio.sleep(seconds)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await _end(writer)

    return target


async def taken(writer: Writer) -> None:
    """Wait until the peer has taken what was written. Gives way to others even where nothing has to be waited for:
    a connection over TLS that has broken swallows whatever is written, and a flood would never hear of it.
    """
    await writer.drain()
    await asyncio.sleep(0)


async def silent(reader: Reader, _writer: Writer) -> None:
    """Accepts and says nothing."""
    await reader.read()


async def drip(reader: Reader, writer: Writer) -> None:
    """A byte every 50 ms, for ever."""
    await request_of(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def endless(reader: Reader, writer: Writer) -> None:
    """A body without end."""
    await request_of(reader)
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await taken(writer)


async def endless_chunks(reader: Reader, writer: Writer) -> None:
    """Chunks of one byte, whose framing outweighs the body."""
    await request_of(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1;pad=" + b"p" * 100 + b"\r\nx\r\n" * 1)
        await taken(writer)


async def header_flood(reader: Reader, writer: Writer) -> None:
    await request_of(reader)
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Flood: " + b"y" * 1000 + b"\r\n")
        await taken(writer)


async def endless_header(reader: Reader, writer: Writer) -> None:
    """One header value without end."""
    await request_of(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nX-Flood: ")
    while True:
        writer.write(b"y" * 4096)
        await taken(writer)


async def interim_storm(reader: Reader, writer: Writer) -> None:
    await request_of(reader)
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        await taken(writer)


async def gzip_bomb(reader: Reader, writer: Writer) -> None:
    """64 MiB of zeros in 64 KiB."""
    await request_of(reader)
    body = gzip.compress(b"\0" * (64 << 20), 9)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await _end(writer)


async def reset(reader: Reader, writer: Writer) -> None:
    """Resets the connection once asked."""
    await request_of(reader)
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def reset_at_once(reader: Reader, writer: Writer) -> None:
    """Resets the connection at the first byte, whatever that belongs to."""
    await reader.read(1)
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hang_up(reader: Reader, writer: Writer) -> None:
    """Closes without a word."""
    await request_of(reader)
    await _end(writer)


async def hang_up_in_handshake(reader: Reader, writer: Writer) -> None:
    await reader.read(10)
    await _end(writer)


async def garbage_in_handshake(reader: Reader, writer: Writer) -> None:
    await reader.read(10)
    writer.write(b"SSH-2.0-OpenSSH_9.9\r\n")
    await _end(writer)
