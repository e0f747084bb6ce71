"""Server-sent events (WHATWG HTML, 9.2): frames, and one reader of a stream.

A frame is encoded once and written to each reader's transport without waiting, so a slow reader costs nobody else
anything; one with more than QUEUE_LIMIT bytes unsent is cut off. aiohttp does not cancel a handler when its client goes
away: a reader whose transport is closing is dropped by whoever meets it first.
"""

from __future__ import annotations

import asyncio
from asyncio import WriteTransport
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from aiohttp import HttpVersion11, web

RETRY_MS = 3_000
COMMENT_S = 15.0
QUEUE_LIMIT = 256 * 1024
"""Bytes waiting for one reader."""

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


class Reader:
    """One open stream. `after` is the number of the last live event that it got or passed over."""

    def __init__(self, transport: WriteTransport, *, wants: Filter, after: int, chunked: bool) -> None:
        self._transport = transport
        self._chunked = chunked
        self._waiting: list[bytes] | None = []  # while the backlog is being sent
        self._waiting_bytes = 0
        self.wants = wants
        self.after = after
        self.backlog_after = after
        self.cut_off = False
        self.ended = asyncio.Event()

    @property
    def gone(self) -> bool:
        return self.ended.is_set() or self._transport.is_closing()

    def end(self) -> None:
        """Let the handler finish the response."""
        self.ended.set()

    def offer(self, frames: Sequence[Frame]) -> None:
        """Send what the reader wants of these, in order. Never blocks, never raises."""
        wanted = [frame.data for frame in frames if self._takes(frame)]
        if wanted:
            self.send(wanted[0] if len(wanted) == 1 else b"".join(wanted))

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
            self._write(data)

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
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        if self._transport.get_write_buffer_size() > QUEUE_LIMIT:
            self._cut()

    def _cut(self) -> None:
        self.cut_off = True
        self.end()
        self._transport.abort()


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
    return Reader(transport, wants=wants, after=after, chunked=request.version >= HttpVersion11)


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
