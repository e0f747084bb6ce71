"""Live events of status pages: per process, one task for each page that is watched, and the readers that it feeds.

Events are the difference between two readings of a page (services/pages/page_changes.py). The task reads when the
page's tenant has news, and every POLL_S. The id of an event is that of the reading: whoever comes back with the present
one missed nothing; everybody else is told `reset`, and reads the page again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import structlog
from aiohttp import web

from control_plane.domain.pages.public_page import PublicPage
from control_plane.errors import FarwatchError, TooMany, Unavailable
from control_plane.metrics import STREAMS, STREAMS_CUT
from control_plane.services.pages.keep_public_pages import FRESH_S, Copy
from control_plane.services.pages.page_changes import changes, reading_id
from control_plane.web import sse
from control_plane.web.hub import EVENTS, Hub, Subscription
from control_plane.web.sse import Filter, Frame, Parcel, Reader

POLL_S = 10.0
STREAMS_PER_ADDRESS = 20
MOST_STREAMS = 5000
"""Of one process."""

_log = structlog.get_logger(__name__)

Read = Callable[[], Awaitable[Copy]]


class PageWatcher(NamedTuple):
    """Who watches. `read` reads the page for everybody; `allowed` does for this one, and raises when it may not."""

    address: str
    read: Read
    allowed: Read


@dataclass(eq=False)
class PageStream:
    """One page's readers in this process, and what they were told last."""

    hub: Hub
    read: Read
    copy: Copy
    readers: set[Reader] = field(default_factory=set)

    @property
    def id(self) -> str:
        return reading_id(self.copy.page)

    async def run(self) -> None:
        """Feed the readers until there are none, or the page is gone. However it ends, they are let go."""
        topic = f"{EVENTS}:{self.copy.face.tenant_id}"
        try:
            while self.readers and not self.hub.closed:
                with self.hub.subscribe(topic) as hints:
                    await self._follow(hints)
        except FarwatchError as error:
            _log.info("page_stream_ended", reason=error.code)
        finally:
            for reader in self.readers:
                reader.end()

    async def _follow(self, hints: Subscription) -> None:
        """After a hint the page is read twice: what it led to may be younger than a reading that is still fresh."""
        wait = POLL_S
        while self.readers and not hints.closed:
            hinted = await hints.get(wait) is not None
            wait = FRESH_S if hinted else POLL_S
            await self._look()

    async def _look(self) -> None:
        try:
            copy = await self.read()
        except Unavailable:
            return
        before, self.copy = self.copy.page, copy
        parcel = Parcel(page_frames(before, copy.page))
        for reader in tuple(self.readers):
            reader.offer(parcel)
            reader.look()
            if reader.gone:
                reader.end()
                self.readers.discard(reader)


def page_frames(before: PublicPage, after: PublicPage) -> list[Frame]:
    """The events between two readings, each with the id of the later one."""
    id_ = reading_id(after)
    return [_frame(change.event, msgspec.json.encode(change.told), id_) for change in changes(before, after)]


def _frame(event: str, data: bytes, id_: str) -> Frame:
    return Frame(None, event, None, f"id: {id_}\nevent: {event}\ndata: {data.decode()}\n\n".encode())


@dataclass
class PageStreams:
    """All of them in this process."""

    _streams: dict[str, tuple[PageStream, asyncio.Task[None]]] = field(default_factory=dict)
    _by_address: dict[str, set[Reader]] = field(default_factory=dict)

    async def serve(self, request: web.Request, copy: Copy, *, watcher: PageWatcher, hub: Hub) -> web.StreamResponse:
        """Stream until the client leaves, is cut off, or may not read the page any more.

        Raises TooMany.
        """
        reader = sse.reader_of(request, wants=Filter(), after=0)
        self._enter(watcher.address, reader)
        response = sse.new_stream(request)
        response.headers["Access-Control-Allow-Origin"] = "*"
        try:
            await sse.begin(request, response, b":\n\n")
            stream = self._join(copy, reader, read=watcher.read, hub=hub)
            reader.send(_opening(request.headers.get("Last-Event-ID"), stream.id))
            reader.release()
            await sse.keep_open(reader, lambda: _may_read(watcher.allowed))
        except (ConnectionError, TimeoutError) as error:
            _log.info("page_stream_left", reason=type(error).__name__)
        finally:
            self._leave(copy.face.slug, watcher.address, reader)
        return response

    def readers(self, slug: str) -> int:
        """How many watch this page right now."""
        stream, _ = self._streams.get(slug, (None, None))
        return 0 if stream is None else len(stream.readers)

    def _enter(self, address: str, reader: Reader) -> None:
        self._refuse_too_many(address)
        self._by_address.setdefault(address, set()).add(reader)
        STREAMS.inc()

    def _refuse_too_many(self, address: str) -> None:
        ours = self._by_address.get(address, set())
        ours.difference_update([reader for reader in ours if reader.gone])
        if len(ours) >= STREAMS_PER_ADDRESS or sum(map(len, self._by_address.values())) >= MOST_STREAMS:
            raise TooMany("Too many streams are open: close one first", retry_after_s=15)

    def _join(self, copy: Copy, reader: Reader, *, read: Read, hub: Hub) -> PageStream:
        slug = copy.face.slug
        stream, task = self._streams.get(slug, (None, None))
        if stream is None or task is None or task.done():
            stream = PageStream(hub, read, copy, {reader})
            task = asyncio.create_task(stream.run(), name=f"events of {slug}")
            self._streams[slug] = stream, task
            task.add_done_callback(lambda ended: self._forget(slug, ended))
        stream.readers.add(reader)
        return stream

    def _forget(self, slug: str, ended: asyncio.Task[None]) -> None:
        if slug in self._streams and self._streams[slug][1] is ended:
            del self._streams[slug]

    def _leave(self, slug: str, address: str, reader: Reader) -> None:
        reader.end()
        STREAMS.dec()
        STREAMS_CUT.inc(reader.cut_off)
        ours = self._by_address.get(address, set())  # another of the address may have found this one gone, and left
        ours.discard(reader)
        if not ours:
            self._by_address.pop(address, None)
        stream, _ = self._streams.get(slug, (None, None))
        if stream is not None:
            stream.readers.discard(reader)


def _opening(last_event_id: str | None, id_: str) -> bytes:
    if last_event_id and last_event_id != id_:
        return _frame("reset", b"{}", id_).data
    return f": \nid: {id_}\n\n".encode()


async def _may_read(allowed: Read) -> bool:
    """While the database is away nobody can tell, and nothing is told either."""
    try:
        await allowed()
    except Unavailable:
        return True
    except FarwatchError:
        return False
    return True
