"""Roll raw results up into slices of five minutes and of an hour: in walks, bounded, by any number of processes.

A walk goes over all assignments for one stretch of time, a batch in each transaction, and writes down in that
transaction where it stands: whoever comes next goes on there, after hours away as after a second. A slice is rolled up
once its results can be expected; later ones leave a mark (services/fleet/ingest_results.py) and it is made again. A day
later, when nothing more is accepted for an hour, its rollups are counted against its results, and mended.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import structlog

from control_plane.store import partitions, rollups
from control_plane.store.cases import database_clock_ms
from control_plane.store.pool import Connection, Database
from control_plane.store.rollups import FINE_MS, GRAIN_MS, HOUR_MS, Grain, Walk, WalkName
from shared.clock import to_unix_ms
from shared.protocol import MAX_AGE_MS

LATE_MS = 90_000
"""Ingest marks the slices of results older than this."""

DELAY_MS = 180_000
"""A slice is rolled up this long after its end: LATE_MS, and long enough for any transaction of ingest to commit."""

SETTLED_S = 30.0
"""Marks wait this long, so that a region that catches up has its slices made again once and not with every batch."""

CHECK_DELAY_MS = MAX_AGE_MS + HOUR_MS

MARKS = 500
"""Marks taken at once."""

ROWS = 40_000
"""How many results a batch is meant to read, at one in ten seconds."""

NOBODY = (0, UUID(int=0))

_log = structlog.get_logger(__name__)


async def roll_up(database: Database) -> int:
    """Do all that there is to do. Returns how many slices were made, none while other processes do it."""
    await _begin(database)
    made = 0
    for name in rollups.WALKS:
        while (step := await _step(database, name)) is not None:
            made += step
    while (step := await _roll_late(database)) is not None:
        made += step
    return made


async def recompute(conn: Connection, slices: Sequence[tuple[UUID, int]], *, since_ms: int, until_ms: int) -> int:
    """Make all slices of these (monitor, region) pairs in [since, until) (Unix ms) again. Returns how many.

    The range is widened to whole hours. Slices whose raw results are gone stay as they are.
    """
    await rollups.wait_to_roll(conn)
    since, until = since_ms - since_ms % HOUR_MS, -(-until_ms // HOUR_MS) * HOUR_MS
    wanted = [(monitor, region, since, until) for monitor, region in slices]
    return await rollups.roll(conn, "fine", wanted) + await rollups.roll(conn, "hourly", wanted)


async def _begin(database: Database) -> None:
    """The first time: at the oldest day that there are results of."""
    async with database.app_transaction() as conn:
        if await rollups.walks_begun(conn):
            return
        days = [day for name in await partitions.partitions(conn) if (day := partitions.partition_day(name))]
        now_ms = await database_clock_ms(conn)
        oldest = datetime(days[0].year, days[0].month, days[0].day, tzinfo=UTC) if days else None
        since_ms = to_unix_ms(oldest) if oldest else now_ms
        await rollups.begin_walks(conn, since_ms=min(since_ms, now_ms) // HOUR_MS * HOUR_MS)


async def _step(database: Database, name: WalkName) -> int | None:
    """One batch of a walk. None when there is nothing to do, or somebody else does it."""
    async with database.app_transaction() as conn:
        if not await rollups.try_rolling(conn):
            return None
        stands = await rollups.read_walk(conn, name)
        reaching = stands.reaching or _reach(name, stands.done_until, now_ms=await database_clock_ms(conn))
        if reaching <= stands.done_until:
            return None
        limit = max(ROWS // ((reaching - stands.done_until) // 10_000), 1)
        pairs = await rollups.assigned_after(conn, stands.after, limit=limit)
        made = await _do(conn, name, pairs, since_ms=stands.done_until, until_ms=reaching)
        finished = len(pairs) < limit
        await rollups.save_walk(
            conn, name, Walk(reaching, None, NOBODY) if finished else Walk(stands.done_until, reaching, pairs[-1])
        )
        return made


def _reach(name: WalkName, done_until: int, *, now_ms: int) -> int:
    """Where the next stretch ends: at most an hour on, on an edge of the walk's slices."""
    width = FINE_MS if name == "fine" else HOUR_MS
    delay = CHECK_DELAY_MS if name == "check" else DELAY_MS
    return min((now_ms - delay) // width * width, (done_until // HOUR_MS + 1) * HOUR_MS)


async def _do(
    conn: Connection, name: WalkName, pairs: Sequence[tuple[int, UUID]], *, since_ms: int, until_ms: int
) -> int:
    if name == "check":
        return await _mend(conn, pairs, since_ms=since_ms, until_ms=until_ms)
    return await rollups.roll(conn, name, [(monitor, region, since_ms, until_ms) for region, monitor in pairs])


async def _mend(conn: Connection, pairs: Sequence[tuple[int, UUID]], *, since_ms: int, until_ms: int) -> int:
    """Make again what does not count as many results as there are. It never should happen, so it is told."""
    differing = await rollups.differing_hours(conn, pairs, since_ms=since_ms, until_ms=until_ms)
    if not differing:
        return 0
    _log.warning("rollups_mended", hours=len(differing), since_ms=since_ms)
    wanted = [(monitor, region, starts, starts + HOUR_MS) for monitor, region, starts in differing]
    return await rollups.roll(conn, "fine", wanted) + await rollups.roll(conn, "hourly", wanted)


async def _roll_late(database: Database) -> int | None:
    """Make the slices again that late results belong to. None when no mark is left."""
    async with database.app_transaction() as conn:
        if not await rollups.try_rolling(conn):
            return None
        marks = await rollups.take_late(conn, settled_s=SETTLED_S, limit=MARKS)
        if not marks:
            return None
        slices = {(monitor, region, starts) for region, starts, monitors in marks for monitor in monitors}
        made = 0
        for grain, width in GRAIN_MS.items():
            made += await _roll_slices(conn, grain, {(m, r, starts - starts % width) for m, r, starts in slices})
        return made


async def _roll_slices(conn: Connection, grain: Grain, slices: set[rollups.Slice]) -> int:
    """By time, so that each statement is about few days."""
    width = GRAIN_MS[grain]
    ordered = sorted(slices, key=lambda each: each[2])
    made, size = 0, max(ROWS // (width // 10_000), 1)
    for first in range(0, len(ordered), size):
        wanted = [
            (monitor, region, starts, starts + width) for monitor, region, starts in ordered[first : first + size]
        ]
        made += await rollups.roll(conn, grain, wanted)
    return made
