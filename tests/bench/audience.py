"""Readers of one tenant's live events, by the thousand, in a process of their own whose CPU counts for nobody.

python -m tests.bench.audience reads an Ask from a line of its standard input and says "ready" once all streams are
open. After each further line it says what was heard since the line before, as JSON. Every event must arrive at every
reader, once and in order, and says when it was written: by that clock, which is the machine's, its way took so long.

Some may be stalled: they stop reading once their stream has begun, with as small a buffer as the kernel gives, and are
watched for the moment at which the server has reset them.
"""

from __future__ import annotations

import asyncio
import gc
import re
import select
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import msgspec
import uvloop

from tests.bench.rotation import percentile

_EVENT = re.compile(rb'id: (\d+)\nevent: [^\n]+\ndata: \{"sent_ns": ?(\d+)')
_SMALLEST = 1
"""Bytes asked for as the receive buffer: the kernel gives its least instead (socket(7))."""
_LOOK_MS = 5


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """How many readers, of them how many stalled, and the keys that they use by turns."""

    port: int
    keys: Sequence[str]
    readers: int
    stalled: int = 0


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """Since the last look. `wrong`: events that came out of order, twice, or after a gap. Times in ms.

    `gone`: when each stalled reader was reset, in ns of the machine's clock.
    """

    events: int
    wrong: int
    p50: float = 0
    p99: float = 0
    most: float = 0
    gone: Sequence[int] = ()


@dataclass(slots=True)
class Ears:
    """What all readers heard."""

    events: int = 0
    wrong: int = 0
    took_ms: list[float] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)

    def tell(self) -> Heard:
        took, events, wrong = self.took_ms, self.events, self.wrong
        self.took_ms, self.events, self.wrong = [], 0, 0
        if not took:
            return Heard(events=events, wrong=wrong, gone=self.gone)
        p50, p99 = percentile(took, 0.5), percentile(took, 0.99)
        return Heard(events=events, wrong=wrong, p50=p50, p99=p99, most=max(took), gone=self.gone)


class Listener(asyncio.Protocol):
    """One stream. `open` is set by its first id, which comes before any event."""

    def __init__(self, ears: Ears, request: bytes) -> None:
        self._ears = ears
        self._request = request
        self._rest = b""
        self._last = 0
        self.open = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.WriteTransport", transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.open.is_set() and b"\nid: " in data:
            self.open.set()
        now_ns, data, end = time.time_ns(), self._rest + data, 0
        for found in _EVENT.finditer(data):
            number, sent_ns = int(found[1]), int(found[2])
            self._ears.events += 1
            self._ears.wrong += bool(self._last) and number != self._last + 1
            self._ears.took_ms.append((now_ns - sent_ns) / 1e6)
            self._last, end = number, found.end()
        self._rest = data[max(end, len(data) - 200) :]  # an event that is in two pieces

    def connection_lost(self, exc: Exception | None) -> None:
        self._ears.wrong += 1
        self.open.set()


async def _stall(port: int, request: bytes) -> socket.socket:
    """A stream that is open, and that nobody reads."""
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALLEST)
    sock.setblocking(False)
    await loop.sock_connect(sock, ("127.0.0.1", port))
    await loop.sock_sendall(sock, request)
    heard = b""
    while b"\nid: " not in heard:
        heard += await loop.sock_recv(sock, 512)
    return sock


async def _watch(stalled: Sequence[socket.socket], ears: Ears) -> None:
    """When each is reset: poll(2) tells errors though nothing is asked for."""
    poll = select.poll()
    waiting = {sock.fileno() for sock in stalled}
    for number in waiting:
        poll.register(number, 0)
    while waiting:
        for number, _ in poll.poll(0):
            poll.unregister(number)
            waiting.discard(number)
            ears.gone.append(time.time_ns())
        await asyncio.sleep(_LOOK_MS / 1000)


async def _listen(ask: Ask) -> None:
    loop, ears = asyncio.get_running_loop(), Ears()
    requests = [_request(key) for key in ask.keys]
    stalled = [await _stall(ask.port, requests[n % len(requests)]) for n in range(ask.stalled)]
    for n in range(ask.stalled, ask.readers):
        request = requests[n % len(requests)]
        _, listener = await loop.create_connection(lambda: Listener(ears, request), "127.0.0.1", ask.port)  # noqa: B023
        await listener.open.wait()
    gc.freeze()
    watching = asyncio.create_task(_watch(stalled, ears))
    _say(b"ready")
    while await asyncio.to_thread(sys.stdin.buffer.readline):
        _say(msgspec.json.encode(ears.tell()))
    watching.cancel()


def _request(key: str) -> bytes:
    return f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


class Audience:
    """The process, from outside."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def heard(self) -> Heard:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"\n")
        return msgspec.json.decode(await self._process.stdout.readline(), type=Heard)


@asynccontextmanager
async def audience(ask: Ask) -> AsyncIterator[Audience]:
    """All streams open, until the block ends."""
    command = (sys.executable, "-m", "tests.bench.audience")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=2**20)
    assert process.stdin is not None
    assert process.stdout is not None
    async with AsyncExitStack() as stack:
        stack.push_async_callback(process.wait)
        stack.callback(process.stdin.close)
        process.stdin.write(msgspec.json.encode(ask) + b"\n")
        told = await process.stdout.readline()
        assert told == b"ready\n", told
        yield Audience(process)


if __name__ == "__main__":
    uvloop.run(_listen(msgspec.json.decode(sys.stdin.buffer.readline(), type=Ask)))
