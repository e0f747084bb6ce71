"""Taking pings, many in one transaction: whoever pings is answered once the group that its ping is in is committed.

Pings that come while a group is being written wait for the next one, so that a burst costs a few transactions and not
one for each ping. One group at a time keeps their order. What waits is bounded; beyond, callers are told to come back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import structlog
from msgspec import Struct, structs

from control_plane.domain.heartbeats.heartbeat import Applied, EndedRun, Ping, apply, sole_vote
from control_plane.domain.heartbeats.ping_door import Closure, PingDoor
from control_plane.domain.judging.case import Decision
from control_plane.errors import FarwatchError, Unavailable
from control_plane.services.alerting.stream_events import publish_pings
from control_plane.services.judging.count_decisions import count_decisions
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.judging.lock_to_judge import lock_to_judge
from control_plane.store import cases, heartbeats
from control_plane.store.cases import LockedState
from control_plane.store.heartbeats import HeartbeatRow
from control_plane.store.pool import Connection, Database
from shared.clock import from_unix_ms

GROUP = 1_000
"""Pings in one transaction, at most."""
GROUP_BYTES = 16 * 1024 * 1024
"""Bodies in one transaction, about."""
WAITING = 20_000
"""Pings that may wait in one process, and with bodies no more than WAITING_BYTES."""
WAITING_BYTES = 64 * 1024 * 1024

_log = structlog.get_logger(__name__)


class NewPing(Struct, frozen=True, kw_only=True):
    """A ping as it came. `ping_id` is the capability in its URL; `cut`: more came than is in `body`."""

    ping_id: UUID
    signal: Ping
    method: str
    source: str
    user_agent: str
    body: bytes | None = None
    cut: bool = False


class Taken(NamedTuple):
    """What was committed: the monitor that a ping was for, and its number there."""

    tenant_id: UUID
    monitor_id: UUID
    number: int


class Refused(NamedTuple):
    """From the first to the last of these pings, that were answered 503."""

    when: Closure
    pings: int


Done = asyncio.Future[bool]


class PingCollector:
    """The pings that wait in this process. It works while there are any, and needs neither start nor stop."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[NewPing, Done]] = deque()
        self._bytes = 0
        self._work: asyncio.Task[None] | None = None
        self._refused: Refused | None = None

    async def take(
        self, database: Database, ping: NewPing, *, watched: Callable[[], Collection[str]] = frozenset
    ) -> bool:
        """Returns once the ping is committed; False when nobody has this ping id.

        `watched`: the tenants, as text, whose live events somebody reads. Raises Unavailable when too many wait or the
        database is away: then it may, or may not, have been counted.
        """
        size = len(ping.body or b"")
        if len(self._waiting) >= WAITING or self._bytes + size > WAITING_BYTES:
            self.note_refused(Refused(Closure(ping.signal.at_ms, ping.signal.at_ms), 1))
            raise Unavailable("More pings are waiting here than can be held. Try again in a few seconds.")
        done: Done = asyncio.get_running_loop().create_future()
        self._waiting.append((ping, done))
        self._bytes += size
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._take_all(database, watched), name="pings")
        return await done

    async def _take_all(self, database: Database, watched: Callable[[], Collection[str]]) -> None:
        while self._waiting:
            group = self._next_group()
            pings = [ping for ping, _ in group]
            work = asyncio.create_task(take_pings(database, pings), name="a group of pings")
            await asyncio.wait([work])
            if (error := work.exception()) is not None:
                instants = [ping.signal.at_ms for ping in pings]
                self.note_refused(Refused(Closure(min(instants), max(instants)), len(pings)))
                _fail(group, error)
                continue
            for (_, done), one in zip(group, work.result(), strict=True):
                if not done.done():  # its caller may have gone away
                    done.set_result(one is not None)
            await _tell_watchers(database, pings, work.result(), watched())

    def note_refused(self, more: Refused) -> None:
        """These were turned away: the door was not open to them, which somebody will write down."""
        if self._refused is None:
            self._refused = more
            return
        when, pings = self._refused
        first, last = min(when.from_ms, more.when.from_ms), max(when.until_ms, more.when.until_ms)
        self._refused = Refused(Closure(first, last), pings + more.pings)

    def take_refused(self) -> Refused | None:
        """What was turned away since this was asked last. Whoever cannot write it down gives it back."""
        refused, self._refused = self._refused, None
        return refused

    def _next_group(self) -> list[tuple[NewPing, Done]]:
        group: list[tuple[NewPing, Done]] = []
        size = 0
        while self._waiting and len(group) < GROUP and size < GROUP_BYTES:
            one = self._waiting.popleft()
            size += len(one[0].body or b"")
            group.append(one)
        self._bytes -= size
        return group


def _fail(group: Sequence[tuple[NewPing, Done]], error: BaseException) -> None:
    """Everybody may come back. A fault of our own is told in full to one of them, who has it logged."""
    waiting = [done for _, done in group if not done.done()]
    if not isinstance(error, FarwatchError):
        for done in waiting[:1]:
            done.set_exception(error)
        waiting = waiting[1:]
    message = error.message if isinstance(error, FarwatchError) else "The ping could not be stored. Try again."
    for done in waiting:
        done.set_exception(Unavailable(message))


async def _tell_watchers(
    database: Database, pings: Sequence[NewPing], taken: Sequence[Taken | None], watched: Collection[str]
) -> None:
    """Pings are told live and never replayed: one that cannot be told of is not missed."""
    told = [
        (one.tenant_id, one.monitor_id, one.number, ping.signal)
        for ping, one in zip(pings, taken, strict=True)
        if one is not None and str(one.tenant_id) in watched
    ]
    if not told:
        return
    try:
        await publish_pings(database, told)
    except Unavailable as error:
        _log.info("pings_not_published", error=str(error))


async def take_pings(database: Database, pings: Sequence[NewPing]) -> list[Taken | None]:
    """Count these pings in order, in one transaction, and judge the monitors whose vote they turn.

    Committed once this returns. None for each whose ping id nobody has. Raises Unavailable.
    """
    async with database.app() as conn:
        found = await heartbeats.find_pinged(conn, list({ping.ping_id for ping in pings}))
        if not found:
            return [None] * len(pings)
        async with conn.transaction():
            taken, decisions = await _take(conn, pings, found)
    count_decisions(decisions)
    return taken


async def _take(
    conn: Connection, pings: Sequence[NewPing], found: dict[UUID, UUID]
) -> tuple[list[Taken | None], list[Decision]]:
    states = await lock_to_judge(conn, list(found.values()))
    before = await heartbeats.read_heartbeats(conn, states)
    newest_ms = max(ping.signal.at_ms for ping in pings)
    door = await heartbeats.door_for(conn, list(before.values()), now_ms=newest_ms)
    after = dict(before)
    taken: list[Taken | None] = []
    written: list[tuple[NewPing, HeartbeatRow, Applied]] = []
    for ping in pings:
        row = after.get(found[ping.ping_id]) if ping.ping_id in found else None
        if row is None:
            taken.append(None)
        else:
            taken.append(Taken(row.tenant_id, row.monitor_id, row.state.pings + 1))
            applied = apply(row.state, ping.signal, check=row.check, paused=not row.enabled, door=door)
            after[row.monitor_id] = structs.replace(row, state=applied.state)
            written.append((ping, after[row.monitor_id], applied))
    await _write(conn, written, [row for row in after.values() if row is not before[row.monitor_id]])
    return taken, await _judge(conn, states, before, after, door)


async def _write(
    conn: Connection, written: Sequence[tuple[NewPing, HeartbeatRow, Applied]], rows: Sequence[HeartbeatRow]
) -> None:
    if not written:
        return
    await heartbeats.save_heartbeats(conn, rows)
    await heartbeats.append_pings(conn, [_ping_row(ping, row) for ping, row, _ in written])
    begun = [
        (row.tenant_id, row.monitor_id, run.number, run.rid, from_unix_ms(run.started_ms))
        for _, row, applied in written
        if (run := applied.started) is not None
    ]
    if begun:
        await heartbeats.begin_runs(conn, begun)
    ended = [ended_row(row, run) for _, row, applied in written for run in applied.ended]
    if ended:
        await heartbeats.end_runs(conn, ended)


def _ping_row(ping: NewPing, row: HeartbeatRow) -> heartbeats.Row:
    signal, state = ping.signal, row.state
    return (
        row.tenant_id,
        row.monitor_id,
        state.pings,
        from_unix_ms(state.last_ping_ms or signal.at_ms),
        signal.kind.value,
        signal.exit_code,
        signal.rid,
        ping.method,
        ping.source,
        ping.user_agent,
        ping.body,
        ping.cut,
    )


def ended_row(row: HeartbeatRow, run: EndedRun) -> heartbeats.Row:
    """The parameters of the statement that ends this run of this heartbeat."""
    ended = None if run.ended_ms is None else from_unix_ms(run.ended_ms)
    return (row.tenant_id, row.monitor_id, run.number, run.outcome, ended, run.duration_ms, run.exit_code)


async def _judge(
    conn: Connection,
    states: Sequence[LockedState],
    before: dict[UUID, HeartbeatRow],
    after: dict[UUID, HeartbeatRow],
    door: PingDoor,
) -> list[Decision]:
    """Judge those whose vote is not that of their last judgement; the others only have another deadline."""
    now_ms = await cases.database_clock_ms(conn)
    turned, steady = [], []
    for state in states:
        row = after.get(state.monitor_id)
        if row is None or not row.enabled:
            continue
        say = sole_vote(row.state, row.check, now_ms=now_ms, door=door).say
        if (state.tally.fresh_up, state.tally.fresh_down) != (say == "up", say == "down"):
            turned.append(state.monitor_id)
        elif row.state.due_ms != before[state.monitor_id].state.due_ms:
            steady.append((before[state.monitor_id], row))
    if steady:
        await heartbeats.move_due(conn, steady)
    return await judge_monitors(conn, turned) if turned else []
