"""Live events of tenants: per process, one task for each tenant that is watched, and the readers that it feeds.

The task reads new rows of `events` when it is hinted at them, or every 2 s, and hands each row, encoded once, to all
readers. Numbers grow in commit order, so what is beyond the last one read is all that is new. Checks come by hint only:
while a reader wants them, this process says every 10 s that the tenant is watched, and ingest publishes them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple
from uuid import UUID

import orjson
import structlog
from aiohttp import web

from control_plane.errors import TooMany, Unavailable
from control_plane.metrics import STREAMS, STREAMS_CUT
from control_plane.services.alerting.stream_events import read_events, read_kept, watch_checks
from control_plane.store.events_read import EventRow, Kept
from control_plane.store.pool import Database
from control_plane.web import sse
from control_plane.web.hub import CHECKS, EVENTS, Hint, Hub, Subscription
from control_plane.web.sse import Filter, Frame, Parcel, Reader
from shared.ids import TenantId

CHECK_COMPLETED = "check.completed"
LIVE = frozenset({CHECK_COMPLETED, "heartbeat.pinged"})
"""Events that are only passed on: they carry no id."""
STREAMS_PER_KEY = 20
POLL_S = 2.0
WATCH_EVERY_S = 10.0

_log = structlog.get_logger(__name__)


class Start(NamedTuple):
    """Where a new stream begins: after `number`; `reset` when what came before cannot be told without a gap."""

    number: int
    reset: bool


def start_of(last_event_id: str | None, kept: Kept) -> Start:
    """From now on without Last-Event-ID; after it while all that followed is kept; else afresh."""
    if not last_event_id:
        return Start(kept.newest, reset=False)
    known = last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) <= 18
    number = int(last_event_id) if known else -1
    if not kept.oldest - 1 <= number <= kept.newest:
        return Start(kept.newest, reset=True)
    return Start(number, reset=False)


class TenantStream:
    """One tenant's readers in this process, and how far the events have been read."""

    def __init__(self, database: Database, hub: Hub, tenant_id: TenantId, *, position: int) -> None:
        self._database = database
        self._hub = hub
        self._tenant_id = tenant_id
        self._topic = f"{EVENTS}:{tenant_id}"
        self._watch_at = 0.0
        self.position = position
        self.readers: set[Reader] = set()

    def join(self, reader: Reader) -> None:
        self.readers.add(reader)
        self._watch_at = 0.0
        self._hub.publish(self._topic)  # wakes the task: it may have to say that checks are watched

    async def run(self) -> None:
        """Feed the readers until there are none. However it ends, they are let go: clients come back and resume."""
        try:
            while self.readers and not self._hub.closed:
                with self._hub.subscribe(self._topic, f"{CHECKS}:{self._tenant_id}") as hints:
                    await self._follow(hints)
        finally:
            for reader in self.readers:
                reader.end()

    async def _follow(self, hints: Subscription) -> None:
        """Until the subscription is cut off or no reader is left."""
        read_at = 0.0
        while self.readers and not hints.closed:
            hint = await hints.get(max(0.0, read_at + POLL_S - time.monotonic())) if read_at else None
            if hint is not None and hint.topic.startswith(CHECKS):
                self._offer(_checks_of(hint))
            else:
                await self._catch_up()
                read_at = time.monotonic()

    async def _catch_up(self) -> None:
        """Read what is new. While the database is away, the readers wait."""
        try:
            await self._say_watched()
            while rows := await read_events(self._database, tenant_id=self._tenant_id, after=self.position):
                self.position = rows[-1].number
                self._offer([_frame_of(row) for row in rows])
        except Unavailable as error:
            _log.warning("events_not_read", tenant_id=str(self._tenant_id), error=str(error))
            await asyncio.sleep(POLL_S)
        for reader in tuple(self.readers):
            reader.look()
            if reader.gone:
                reader.end()
                self.readers.discard(reader)

    async def _say_watched(self) -> None:
        now = time.monotonic()
        wanted = any(reader.wants.events is None or not LIVE.isdisjoint(reader.wants.events) for reader in self.readers)
        if wanted and now >= self._watch_at:
            self._watch_at = now + WATCH_EVERY_S
            await watch_checks(self._database, tenant_id=self._tenant_id)

    def _offer(self, frames: list[Frame]) -> None:
        parcel = Parcel(frames)
        for reader in tuple(self.readers):
            reader.offer(parcel)
            if reader.ended.is_set():
                self.readers.discard(reader)


class Watcher(NamedTuple):
    """Whose stream it is, and what it is to carry. `allowed`: whether the credential would still be let in.

    `after`: the number of the event from which on the reader knows nothing, where it does not send a Last-Event-ID.
    """

    tenant_id: TenantId
    key_id: UUID
    allowed: Callable[[], Awaitable[bool]]
    wants: Filter = Filter()
    after: str = ""


class EventStreams:
    """All streams of this process."""

    def __init__(self) -> None:
        self._streams: dict[TenantId, tuple[TenantStream, asyncio.Task[None]]] = {}
        self._by_key: dict[UUID, set[Reader]] = {}

    def readers(self, tenant_id: TenantId) -> frozenset[Reader]:
        """Who is fed with a tenant's events right now."""
        stream, _ = self._streams.get(tenant_id, (None, None))
        return frozenset(stream.readers) if stream is not None else frozenset()

    async def serve(
        self, request: web.Request, watcher: Watcher, *, database: Database, hub: Hub
    ) -> web.StreamResponse:
        """Stream until the client leaves or is cut off. Raises TooMany beyond 20 streams of one key."""
        self._refuse_too_many(watcher.key_id)
        kept = await read_kept(database, tenant_id=watcher.tenant_id)
        start = start_of(request.headers.get("Last-Event-ID") or watcher.after, kept)
        reader = sse.reader_of(request, wants=watcher.wants, after=start.number)
        self._enter(watcher.key_id, reader)
        response = sse.new_stream(request)
        try:
            await sse.begin(request, response, _opening(start))
            stream = self._join(database, hub, watcher.tenant_id, reader, position=kept.newest)
            await _send_backlog(database, response, reader, tenant_id=watcher.tenant_id, upto=stream.position)
            await sse.keep_open(reader, partial(_still_allowed, watcher))
        except (ConnectionError, TimeoutError, Unavailable) as error:
            _log.info("stream_ended", tenant_id=str(watcher.tenant_id), reason=type(error).__name__)
        finally:
            self._leave(watcher, reader)
        return response

    def _enter(self, key_id: UUID, reader: Reader) -> None:
        self._refuse_too_many(key_id)  # others may have come while the database was asked
        self._by_key.setdefault(key_id, set()).add(reader)
        STREAMS.inc()

    def _refuse_too_many(self, key_id: UUID) -> None:
        readers = self._by_key.get(key_id, set())
        readers.difference_update([reader for reader in readers if reader.gone])
        if len(readers) >= STREAMS_PER_KEY:
            raise TooMany(f"This key has {STREAMS_PER_KEY} streams open: close one first.", retry_after_s=15)

    def _join(
        self, database: Database, hub: Hub, tenant_id: TenantId, reader: Reader, *, position: int
    ) -> TenantStream:
        """Add the reader to its tenant's stream, which begins at `position` if there is none."""
        stream, task = self._streams.get(tenant_id, (None, None))
        if stream is None or task is None or task.done():
            stream = TenantStream(database, hub, tenant_id, position=position)
            stream.join(reader)
            task = asyncio.create_task(stream.run(), name=f"events of {tenant_id}")
            task.add_done_callback(lambda ended: self._forget(tenant_id, ended))
            self._streams[tenant_id] = stream, task
        else:
            stream.join(reader)
        return stream

    def _forget(self, tenant_id: TenantId, ended: asyncio.Task[None]) -> None:
        if self._streams[tenant_id][1] is ended:
            del self._streams[tenant_id]

    def _leave(self, watcher: Watcher, reader: Reader) -> None:
        reader.end()
        STREAMS.dec()
        STREAMS_CUT.inc(reader.cut_off)
        readers = self._by_key.get(watcher.key_id, set())  # another of the key may have found this one gone, and left
        readers.discard(reader)
        if not readers:
            self._by_key.pop(watcher.key_id, None)
        stream, _ = self._streams.get(watcher.tenant_id, (None, None))
        if stream is not None:
            stream.readers.discard(reader)


async def _still_allowed(watcher: Watcher) -> bool:
    """While the database is away nobody can tell, and nothing is told either: it is asked again in a while."""
    try:
        return await watcher.allowed()
    except Unavailable:
        return True


def _opening(start: Start) -> bytes:
    """The id first of all: whoever is cut off before the first event can then resume, too."""
    if start.reset:
        return sse.encode_frame(event="reset", data="{}", number=start.number).data
    return sse.mark(start.number)


async def _send_backlog(
    database: Database, response: web.StreamResponse, reader: Reader, *, tenant_id: TenantId, upto: int
) -> None:
    """Send what is stored up to where the live stream stood when the reader joined; then let that follow."""
    after = reader.backlog_after
    while after < upto and not reader.gone:
        rows = await read_events(database, tenant_id=tenant_id, after=after)
        frames = [_frame_of(row) for row in rows if row.number <= upto]
        if not frames:
            break
        await sse.write_backlog(response, reader, frames)
        after = rows[len(frames) - 1].number
    reader.release()


def _frame_of(row: EventRow) -> Frame:
    return sse.encode_frame(event=row.event, data=row.data, number=row.number, monitor_id=row.monitor_id)


def _checks_of(hint: Hint) -> list[Frame]:
    """Live checks and pings: a JSON list, as stream_events sends it. What names no event is a check."""
    return [
        sse.encode_frame(
            event=told.pop("event", CHECK_COMPLETED),
            data=orjson.dumps(told).decode(),
            monitor_id=UUID(told["monitor_id"]),
        )
        for told in orjson.loads(hint.payload)
    ]
