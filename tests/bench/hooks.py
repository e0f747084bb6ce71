"""A webhook receiver that notes when each notice arrived; its CPU counts for nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

import orjson


@dataclass(slots=True)
class Hooks:
    """Arrivals by (event, monitor), in Unix seconds; what came twice under one delivery id is told apart."""

    port: int = 0
    arrived: dict[tuple[str, UUID], float] = field(default_factory=dict)
    repeated: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def count(self, event: str) -> int:
        return sum(key[0] == event for key in self.arrived)

    def note(self, body: bytes, at: float) -> None:
        told = orjson.loads(body)
        key = (told["event"], UUID(told["monitor"]["id"]))
        self.repeated += key in self.arrived
        self.arrived.setdefault(key, at)


class _Receiver(asyncio.Protocol):
    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        at = time.time()
        self._data += data
        head, found, rest = self._data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if found and len(rest) >= length:
            self._data = rest[length:]
            self._hooks.note(rest[:length], at)
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


@asynccontextmanager
async def hooks() -> AsyncIterator[Hooks]:
    receiver = Hooks()
    server = await asyncio.get_running_loop().create_server(lambda: _Receiver(receiver), "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
