"""A webhook receiver on loopback that reads as our documentation says, and misbehaves as its script says."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Received:
    """One request, as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def verify(self, secret: str) -> None:
        """The documented rules: both signatures over the exact bytes, with one key."""
        key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
        timestamp = self.headers["x-farwatch-timestamp"]
        ours = hmac.new(key, timestamp.encode() + b"." + self.body, hashlib.sha256).hexdigest()
        assert hmac.compare_digest(self.headers["x-farwatch-signature"], f"sha256={ours}")
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        standard = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert f"v1,{standard}" in self.headers["webhook-signature"].split(" ")

    @property
    def delivery_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def attempt(self) -> int:
        return int(self.headers["x-farwatch-attempt"])


def answer(status: int = 200, body: bytes = b"ok", **headers: str) -> Behaviour:
    """A whole answer. Header names are written with _ for -."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return behave


def answer_after(release: asyncio.Event, status: int = 200) -> Behaviour:
    """An answer that waits until the test lets it go."""

    async def behave(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        await answer(status)(writer)

    return behave


async def hang(writer: asyncio.StreamWriter) -> None:
    """Take the request and say nothing, until the other side has had enough."""
    await writer.wait_closed()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection with a RST."""
    peer: socket.socket = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A head that never ends, a byte at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while not writer.is_closing():
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drip_body(writer: asyncio.StreamWriter) -> None:
    """An accepting head, and a body that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)


async def huge(writer: asyncio.StreamWriter) -> None:
    """An answer of 100 MB."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
    for _ in range(100):
        writer.write(b"x" * 1_000_000)
        await writer.drain()


async def not_http(writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()


@dataclass
class Receiver:
    """What came, and what to do next: the script first, then `otherwise`, or what `paths` says of a path."""

    port: int
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    script: deque[Behaviour] = field(default_factory=deque)
    otherwise: Behaviour = field(default_factory=answer)
    paths: dict[str, Behaviour] = field(default_factory=dict)
    connections: int = 0
    """That were accepted, whatever came over them."""
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    def url(self, path: str = "/hook") -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    async def wait_for(self, count: int, *, deadline_s: float = 10) -> list[Received]:
        """The requests so far, once there are `count`."""
        async with asyncio.timeout(deadline_s), self._came:
            await self._came.wait_for(lambda: len(self.received) >= count)
        return list(self.received)

    async def note(self, request: Received) -> None:
        async with self._came:
            self.received.append(request)
            self._came.notify_all()

    def behaviour(self, path: str) -> Behaviour:
        if path in self.paths:
            return self.paths[path]
        return self.script.popleft() if self.script else self.otherwise


@asynccontextmanager
async def a_receiver(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver that lives as long as the block."""
    receiver = Receiver(port=0, scheme="https" if tls else "http")
    handlers: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        receiver.connections += 1
        handlers.add(task)
        try:
            await _serve(receiver, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            handlers.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tuple(handlers):
            task.cancel()
        if handlers:
            await asyncio.wait(tuple(handlers), timeout=2)


async def _serve(receiver: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    behave = receiver.behaviour(path)
    await receiver.note(Received(method, path, headers, body))
    await behave(writer)
