"""Server-sent events (WHATWG HTML, 9.2): frames, and one reader of a stream.

A frame is encoded once, and so is what goes out together; it is written to each reader's transport without waiting, so
a slow reader costs nobody else anything. One with more than QUEUE_LIMIT bytes unsent, or that takes nothing of what
waits for it for STALLED_S, is cut off. aiohttp does not cancel a handler when its client goes away: a reader whose
transport is closing is dropped by whoever meets it first.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from asyncio import WriteTransport
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from aiohttp import HttpVersion11, web

RETRY_MS = 3_000
COMMENT_S = 15.0
QUEUE_LIMIT = 256 * 1024
"""Bytes waiting for one reader."""
STALLED_S = 1.0
"""Seconds without a byte taken by a reader for whom some wait."""

_UNSENT = 4096
"""Bytes that the kernel takes beyond what the network has room for. Its buffers hold megabytes otherwise, and a reader
that stopped would look like one that reads for minutes (TCP_NOTSENT_LOWAT, tcp(7))."""
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: what is unsent when the connection is closed is dropped, and the other side is told so."""

_BACKLOG_TIMEOUT_S = 10.0
_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}


class Frame(NamedTuple):
    """One event as bytes. `number` is None for what is never replayed."""

    number: int | None
    event: str
    monitor_id: UUID | None
    data: bytes


def encode_frame(*, event: str, data: str, number: int | None = None, monitor_id: UUID | None = None) -> Frame:
    """`data` is one line of JSON: JSON has no raw line breaks, so it needs no further framing."""
    head = f"event: {event}\ndata: {data}\n\n"
    text = head if number is None else f"id: {number}\n{head}"
    return Frame(number, event, monitor_id, text.encode())


def mark(number: int) -> bytes:
    """Moves the reader's Last-Event-ID on without an event, past those that its filter left out."""
    return f": \nid: {number}\n\n".encode()


class Filter(NamedTuple):
    """Which events a reader wants; None: all."""

    events: frozenset[str] | None = None
    monitor_id: UUID | None = None

    def admits(self, event: str, monitor_id: UUID | None) -> bool:
        if self.events is not None and event not in self.events:
            return False
        return self.monitor_id is None or self.monitor_id == monitor_id


class Parcel:
    """Frames that go out together, in order: put together once for all readers that want the same of them."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        numbers = [frame.number for frame in frames if frame.number is not None]
        self.frames = frames
        self.first = numbers[0] if numbers else None
        self.last = numbers[-1] if numbers else None
        self._forms: dict[tuple[Filter, bool], bytes] = {}

    def form(self, wants: Filter, *, chunked: bool) -> bytes:
        """All of it that this filter admits, as it goes on the wire; empty: nothing."""
        known = self._forms.get((wants, chunked))
        if known is None:
            data = b"".join(frame.data for frame in self.frames if wants.admits(frame.event, frame.monitor_id))
            known = self._forms[wants, chunked] = _chunk(data) if chunked and data else data
        return known


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Reader:
    """One open stream. `after` is the number of the last live event that it got or passed over.

    `clock` gives seconds and stands still while the event loop is busy, as its own time does: what could not be sent
    meanwhile is not held against a reader.
    """

    def __init__(
        self, transport: WriteTransport, *, wants: Filter, after: int, chunked: bool, clock: Callable[[], float]
    ) -> None:
        self._transport = transport
        self._chunked = chunked
        self._waiting: list[bytes] | None = []  # while the backlog is being sent
        self._waiting_bytes = 0
        self.wants = wants
        self.after = after
        self.backlog_after = after
        self.cut_off = False
        self.ended = asyncio.Event()
        self._clock = clock
        self._written = 0
        self._taken = 0
        self._taken_at = clock()
        _limit_unsent(transport)

    @property
    def gone(self) -> bool:
        return self.ended.is_set() or self._transport.is_closing()

    def end(self) -> None:
        """Let the handler finish the response."""
        self.ended.set()

    def offer(self, parcel: Parcel) -> None:
        """Send what the reader wants of these, in order. Never blocks, never raises."""
        is_new = parcel.first is None or parcel.first > self.after
        if self._waiting is None and is_new and not self.gone:
            self.after = self.after if parcel.last is None else parcel.last
            self._write(parcel.form(self.wants, chunked=self._chunked))
            return
        wanted = [frame.data for frame in parcel.frames if self._takes(frame)]
        if wanted:
            self.send(b"".join(wanted))

    def send(self, data: bytes) -> None:
        """Write raw stream text, or keep it until the backlog is out."""
        if self.gone:
            self.end()
        elif self._waiting is not None:
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            if self._waiting_bytes > QUEUE_LIMIT:
                self._cut()
        else:
            self._write(_chunk(data) if self._chunked else data)

    def look(self) -> None:
        """Cut the reader off if it has taken nothing of what waits for it for STALLED_S."""
        left, now = self._transport.get_write_buffer_size(), self._clock()
        taken = self._written - left
        if not left or taken != self._taken:
            self._taken, self._taken_at = taken, now
        elif now - self._taken_at > STALLED_S:
            self._cut()

    def release(self) -> None:
        """The backlog is out: what came meanwhile follows, and from now on everything is written at once."""
        waiting, self._waiting = self._waiting or [], None
        if waiting:
            self.send(b"".join(waiting))

    def _takes(self, frame: Frame) -> bool:
        if frame.number is not None:
            if frame.number <= self.after:
                return False
            self.after = frame.number
        return self.wants.admits(frame.event, frame.monitor_id)

    def _write(self, data: bytes) -> None:
        if not data:
            return
        self.look()
        if self.cut_off:
            return
        self._written += len(data)
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > QUEUE_LIMIT:
            self._cut()

    def _cut(self) -> None:
        self.cut_off = True
        self.end()
        _set_option(self._transport, socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()


def _limit_unsent(transport: WriteTransport) -> None:
    _set_option(transport, socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)


def _set_option(transport: WriteTransport, level: int, option: int, value: int | bytes) -> None:
    """On the connection below, if it is one of TCP that is still there."""
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            sock.setsockopt(level, option, value)


def new_stream(request: web.Request) -> web.StreamResponse:
    """A response of unknown length."""
    response = web.StreamResponse(headers=_HEADERS)
    if request.version >= HttpVersion11:
        response.enable_chunked_encoding()
    return response


async def begin(request: web.Request, response: web.StreamResponse, opening: bytes) -> None:
    """Send the headers and the first lines. Raises ConnectionError when the client has gone."""
    await response.prepare(request)
    await response.write(b"retry: %d\n\n%b" % (RETRY_MS, opening))


def reader_of(request: web.Request, *, wants: Filter, after: int) -> Reader:
    """A reader on the request's own connection. Raises ConnectionResetError when the client has gone already."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client went away")
    chunked, clock = request.version >= HttpVersion11, asyncio.get_running_loop().time
    return Reader(transport, wants=wants, after=after, chunked=chunked, clock=clock)


async def write_backlog(response: web.StreamResponse, reader: Reader, frames: Iterable[Frame]) -> None:
    """Send stored events at the reader's pace. Raises TimeoutError when it does not read."""
    data = b"".join(frame.data for frame in frames if reader.wants.admits(frame.event, frame.monitor_id))
    if data:
        async with asyncio.timeout(_BACKLOG_TIMEOUT_S):
            await response.write(data)


async def keep_open(reader: Reader, allowed: Callable[[], Awaitable[bool]]) -> None:
    """Until the stream ends, a comment every 15 s: proxies keep it, and a client that is gone is noticed.

    Before each, `allowed` is asked: a stream ends with the credential that opened it.
    """
    marked = reader.after
    while not reader.gone:
        try:
            async with asyncio.timeout(COMMENT_S):
                await reader.ended.wait()
        except TimeoutError:
            if not await allowed():
                reader.end()
                break
            reader.send(b":\n\n" if reader.after == marked else mark(reader.after))
            marked = reader.after
