"""A reader of server-sent events as WHATWG HTML 9.2.6 describes it, on a plain connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from tests.support.door import Served


class SseEvent(NamedTuple):
    event: str
    data: str
    last_event_id: str


class Stream:
    """What a browser would make of the bytes. `last_event_id` is what it would send when it comes back."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._lines = b""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.last_event_id = ""
        self.retry: int | None = None
        self.comments = 0

    async def read_head(self) -> None:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(head[0].split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}

    async def next(self, timeout: float = 10) -> SseEvent | None:
        """The next event, or None at the end of the stream. Raises TimeoutError."""
        async with asyncio.timeout(timeout):
            return await self._next()

    async def _next(self) -> SseEvent | None:
        event, data, seen_id = "", list[str](), self.last_event_id
        while (line := await self._line()) is not None:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match name:
                case "" if line == "":
                    self.last_event_id = seen_id
                    if data:
                        return SseEvent(event or "message", "\n".join(data), seen_id)
                    event = ""
                case "":
                    self.comments += 1
                case "event":
                    event = value
                case "data":
                    data.append(value)
                case "id":
                    seen_id = value
                case "retry":
                    self.retry = int(value)
        return None

    async def _line(self) -> str | None:
        while b"\n" not in self._lines:
            chunk = await self._chunk()
            if not chunk:
                return None
            self._lines += chunk
        line, _, self._lines = self._lines.partition(b"\n")
        return line.decode()

    async def _chunk(self) -> bytes:
        """One chunk of RFC 9112, 7.1; nothing at the end, however it comes."""
        try:
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            chunk = await self._reader.readexactly(size + 2)
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        assert chunk.endswith(b"\r\n")
        return chunk[:-2]


@asynccontextmanager
async def streaming(
    served: Served, path: str, key: str, *, last_event_id: str | None = None, receive_buffer: int | None = None
) -> AsyncIterator[Stream]:
    """An open stream. `receive_buffer`: bytes that the kernel takes for a client that does not read."""
    sock = socket.socket()
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (served.host, served.port))
    limit = 2**20 if receive_buffer is None else receive_buffer
    reader, writer = await asyncio.open_connection(sock=sock, limit=limit)
    resume = "" if last_event_id is None else f"Last-Event-ID: {last_event_id}\r\n"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{resume}\r\n".encode())
    stream = Stream(reader)
    try:
        await stream.read_head()
        yield stream
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)
