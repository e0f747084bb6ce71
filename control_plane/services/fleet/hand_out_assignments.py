"""A poll for assignments: renew the lease, say who shares the region, and what changed since the agent's cursor.

An unchanged poll is one statement. Anything else is read in one snapshot, together with the region's digest, which each
process keeps up to date by reading what changed since it last looked (domain/fleet/handout.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct, structs

from control_plane.domain.checks.capability import beyond_words, is_beyond
from control_plane.domain.checks.kinds import for_regions
from control_plane.domain.fleet.handout import (
    NO_ASSIGNMENTS,
    PAGE,
    Cursor,
    Digest,
    Pages,
    Since,
    Walk,
    foreign,
    format_cursor,
    parse_cursor,
)
from control_plane.sealing import Sealer, UnsealError
from control_plane.services.monitors.credentials import monitor_context, open_check
from control_plane.store import assignments
from control_plane.store.assignments import AssignmentRow, Poll
from control_plane.store.pool import Connection, Database
from shared.checks import Check, kind_of
from shared.checks.http import HttpCheck
from shared.clock import to_unix_ms
from shared.ids import AgentId
from shared.netpolicy import PortProfile
from shared.protocol import LEASE_S, Assignment, Assignments

_log = structlog.get_logger(__name__)

REBUILD_S = 900.0
"""A digest is counted afresh this often, so that whatever it missed does not last."""

_NOBODY = UUID(int=0)

STAND_IN = HttpCheck(url="http://unreadable.invalid/")
"""In the place of a check that must not be run, or that the agent could not read; every agent knows it."""


class Held(Struct, frozen=True):
    """A region's digest and the snapshot that it is of."""

    snapshot: str
    digest: str


class RegionDigests:
    """The digests that this process keeps, one per region that polls it."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}
        self._digests: dict[int, Digest] = {}
        self._rebuild_at: dict[int, float] = {}
        self._locks: dict[int, asyncio.Lock] = {}

    def held(self, region_id: int) -> Held | None:
        """The newest digest, unless it is time to count again."""
        if self._rebuild_at.get(region_id, 0.0) <= time.monotonic():
            return None
        return self._held.get(region_id)

    def lock(self, region_id: int) -> asyncio.Lock:
        """Whoever holds it opens its snapshot after everybody before: a digest only ever moves forward."""
        return self._locks.setdefault(region_id, asyncio.Lock())

    async def catch_up(self, conn: Connection, *, region_id: int, snapshot: str) -> str:
        """The digest at the transaction's snapshot. A catch-up cut short is simply done again from where it began."""
        held = self.held(region_id)
        digest = self._digests.get(region_id) if held is not None else None
        if digest is None or held is None:
            digest, held = Digest(), None
        async for each in assignments.revisions(
            conn, region_id=region_id, since=None if held is None else held.snapshot
        ):
            if each.live:
                digest.put(each.monitor_id, each.revision)
            else:
                digest.drop(each.monitor_id)
        if held is None:
            self._digests[region_id] = digest
            self._rebuild_at[region_id] = time.monotonic() + REBUILD_S
        self._held[region_id] = Held(snapshot, digest.text())
        return digest.text()


class Handout(Struct, frozen=True):
    """The part of an answer that depends on the cursor."""

    cursor: str
    rows: Sequence[AssignmentRow] = ()
    snapshot: bool = False
    digest: str | None = None
    more: bool = False


class Asker(Struct, frozen=True):
    """Who polls: known from the probe key."""

    agent_id: AgentId
    region_id: int


async def hand_out_assignments(
    database: Database,
    sealer: Sealer,
    digests: RegionDigests,
    asker: Asker,
    *,
    cursor: str,
    now: datetime,
    ports: PortProfile = "any",
    page: int = PAGE,
) -> Assignments:
    """The answer to one poll. `ports` goes into the region's grant; `page` is the largest number of assignments."""
    known = parse_cursor(cursor)
    held = digests.held(asker.region_id)
    poll = _granting(await _poll(database, asker, known, held), ports)
    if poll is None or poll.paused is not None:
        return _paused(poll, now)
    if known is not None and foreign(known, now=poll.snapshot):
        known = None
    if isinstance(known, Since) and held is not None and not (poll.behind or poll.digest_behind):
        handout = Handout(cursor=cursor, digest=held.digest)
    else:
        handout = await _read(database, digests, asker.region_id, known, cursor=cursor, page=page)
    return Assignments(
        server_time=to_unix_ms(now),
        cursor=handout.cursor,
        agents=poll.agents,
        digest=handout.digest,
        snapshot=handout.snapshot,
        more=handout.more,
        upserts=tuple(_open(row, sealer, told=poll.capabilities) for row in handout.rows if row.live),
        removes=tuple(row.monitor_id for row in handout.rows if not row.live),
        region=poll.region,
    )


async def _poll(database: Database, asker: Asker, known: Cursor | None, held: Held | None) -> Poll | None:
    async with database.app() as conn:
        return await assignments.poll(
            conn,
            agent_id=asker.agent_id,
            region_id=asker.region_id,
            lease_s=LEASE_S,
            since=known.snapshot if isinstance(known, Since) else None,
            digest_since=held.snapshot if held is not None else None,
        )


def _granting(poll: Poll | None, ports: PortProfile) -> Poll | None:
    """The profile of TCP ports is a setting of the installation; everything else of a grant is the region's row."""
    if poll is None or poll.region is None or poll.region.ports == ports:
        return poll
    return structs.replace(poll, region=structs.replace(poll.region, ports=ports))


def _paused(poll: Poll | None, now: datetime) -> Assignments:
    """Nothing may be run: an empty snapshot, and everything afresh once it may."""
    return Assignments(
        server_time=to_unix_ms(now),
        cursor="",
        agents=poll.agents if poll else (),
        digest=NO_ASSIGNMENTS,
        snapshot=True,
        paused=poll.paused if poll else "The region is gone.",
        region=poll.region if poll else None,
    )


async def _read(
    database: Database, digests: RegionDigests, region_id: int, known: Cursor | None, *, cursor: str, page: int
) -> Handout:
    async with (
        digests.lock(region_id),
        database.app() as conn,
        assignments.one_snapshot(conn) as snapshot,
    ):
        digest = await digests.catch_up(conn, region_id=region_id, snapshot=snapshot)
        match known:
            case None:
                rows = await assignments.walk(conn, region_id=region_id, after=_NOBODY, limit=page + 1)
                return _walked(rows, page, snapshot, digest=digest)
            case Walk(first, after):
                rows = await assignments.walk(conn, region_id=region_id, after=after, limit=page + 1)
                return _walked(rows, page, first, digest=None)
            case Since(base):
                rows = await _changes(conn, region_id, base, (0, 0), page)
                return _changed(rows, page, base, snapshot, digest=digest, cursor=cursor)
            case Pages(base, first, xid, change):
                rows = await _changes(conn, region_id, base, (xid, change), page)
                return _changed(rows, page, base, first, digest=None, cursor=cursor)


async def _changes(
    conn: Connection, region_id: int, base: str, after: tuple[int, int], page: int
) -> list[AssignmentRow]:
    return await assignments.changes(conn, region_id=region_id, since=base, after=after, limit=page + 1)


def _walked(rows: Sequence[AssignmentRow], page: int, first: str, *, digest: str | None) -> Handout:
    """A page of the whole region; `digest` only on the first page, where the answer is of one snapshot if it is all."""
    started = digest is not None
    if len(rows) > page:
        rows = rows[:page]
        onward = format_cursor(Walk(first, rows[-1].monitor_id))
        return Handout(cursor=onward, rows=rows, snapshot=started, more=True)
    return Handout(cursor=format_cursor(Since(first)), rows=rows, snapshot=started, digest=digest, more=digest is None)


def _changed(
    rows: Sequence[AssignmentRow], page: int, base: str, first: str, *, digest: str | None, cursor: str
) -> Handout:
    """A page of what changed since `base`; `digest` is given only with the first page, as above."""
    if len(rows) > page:
        rows = rows[:page]
        last = rows[-1]
        return Handout(cursor=format_cursor(Pages(base, first, last.changed_xid, last.revision)), rows=rows, more=True)
    if not rows and digest is not None:
        return Handout(cursor=cursor, digest=digest)  # the same cursor: an unchanged poll stays one
    return Handout(cursor=format_cursor(Since(first)), rows=rows, digest=digest, more=digest is None)


def _open(row: AssignmentRow, sealer: Sealer, *, told: Collection[str]) -> Assignment:
    check, unavailable = _check_of(row, sealer)
    beyond = is_beyond(kind_of(check), told)
    if beyond:
        check, unavailable = STAND_IN, beyond_words(kind_of(check))
    return Assignment(
        monitor_id=row.monitor_id,
        tenant_id=row.tenant_id,
        revision=row.revision,
        check_version=row.check_version,
        check=check,
        cadence=row.interval_s * 1_000,
        phase=row.phase_ms,
        first_slot=row.first_slot,
        unavailable=unavailable,
        unavailable_as="incapable" if beyond else "credential",
    )


def _check_of(row: AssignmentRow, sealer: Sealer) -> tuple[Check, str | None]:
    """The whole check; or, so that one bad row hides neither itself nor the others, why it must not be run."""
    try:
        context = monitor_context(row.tenant_id, row.monitor_id)
        return for_regions(open_check(sealer, row.check, row.sealed, context=context)), None
    except UnsealError as error:
        _log.error("credential_not_opened", monitor_id=str(row.monitor_id), error=str(error))
        return msgspec.convert(row.check, type=Check), "The stored credential cannot be opened."
    except msgspec.MsgspecError as error:
        _log.error("check_not_read", monitor_id=str(row.monitor_id), error=str(error))
        return STAND_IN, "The stored check cannot be read."
