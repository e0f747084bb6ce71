"""A client that costs little and is never counted: HTTP/1.1 on one kept connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_NOT_MODIFIED = 304
"""Has no body, whatever its headers say (RFC 9110 section 15.4.5)."""

_LIMIT = 4 * 1024 * 1024


class HttpClient:
    """One request after another. Answers have a Content-Length or are chunked."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host
        self.tag = ""
        """The entity tag of the last answer."""

    async def get(self, path: str, *, key: str | None = None) -> tuple[int, bytes]:
        credential = "" if key is None else f"Authorization: Bearer {key}\r\n"
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n{credential}\r\n".encode())
        return await self._answer()

    async def ask(self, path: str, *, key: str, known: str = "") -> tuple[int, str, bytes]:
        """Status, entity tag and body; `known` is the tag of an answer that one has (If-None-Match)."""
        condition = f"If-None-Match: {known}\r\n" if known else ""
        head = f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {key}\r\n{condition}\r\n"
        self._writer.write(head.encode())
        status, body = await self._answer()
        return status, self.tag, body

    async def post(self, path: str, body: bytes, *, key: str, gzip: bool) -> tuple[int, bytes]:
        """JSON, as an agent sends it."""
        encoding = "Content-Encoding: gzip\r\n" if gzip else ""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\n{encoding}Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        return await self._answer()

    async def _answer(self) -> tuple[int, bytes]:
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head[9:12])
        self.tag = head.partition(b"etag: ")[2].split(b"\r\n", 1)[0].decode()
        if status == _NOT_MODIFIED:
            return status, b""
        if b"transfer-encoding: chunked" in head:
            return status, await self._chunks()
        _, _, rest = head.partition(b"content-length:")
        return status, await self._reader.readexactly(int(rest.split(b"\r\n", 1)[0]))

    async def _chunks(self) -> bytes:
        """RFC 9112, 7.1, without trailers."""
        parts = []
        while size := int(await self._reader.readline(), 16):
            parts.append(await self._reader.readexactly(size))
            await self._reader.readexactly(2)
        await self._reader.readexactly(2)
        return b"".join(parts)


@asynccontextmanager
async def http_client(port: int) -> AsyncIterator[HttpClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_LIMIT)
    try:
        yield HttpClient(reader, writer, f"127.0.0.1:{port}")
    finally:
        writer.close()
