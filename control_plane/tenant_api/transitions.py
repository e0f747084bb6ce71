"""/monitors/{id}/transitions: the timeline of a monitor."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, field

from control_plane.store import uptime_reads
from control_plane.tenant_api.one_monitor import PATH, READS, read_monitor
from control_plane.web.call import Call, Reply
from control_plane.web.paging import LogQuery, Page, capped, cursor_reply, encode_cursor, log_position, page_reply
from control_plane.web.query import Instant
from control_plane.web.routes import Door, Route
from control_plane.web.time_range import time_range

KEPT = timedelta(days=400)
LIST_CAP = 1000


class TransitionJson(Struct, frozen=True):
    """A change of verdict. `number` orders those of one instant."""

    at: datetime
    number: int
    previous: str
    verdict: str
    reason: str


class TransitionsQuery(LogQuery, frozen=True):
    """Transitions in [from, to); the default is all that are kept, until now."""

    from_: Instant | UnsetType = field(name="from", default=UNSET)
    to: Instant | UnsetType = UNSET


async def transitions(call: Call) -> Reply:
    query: TransitionsQuery = call.query
    view = await read_monitor(call, call.uuid("monitor_id"))
    start, end = time_range(query.from_, query.to, now=call.deps.now(), default=KEPT)
    if query.cursor is not None:
        return await _by_cursor(call, view.id, start, end)
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        rows, total = await uptime_reads.list_transitions(
            conn,
            tenant_id=tenant_id,
            monitor_id=view.id,
            start=start,
            end=end,
            limit=capped(query.limit, LIST_CAP),
            offset=query.offset,
        )
    items = [TransitionJson(row.at, row.number, row.previous, row.verdict, row.reason) for row in rows]
    return page_reply(call, items, total=total, cap=LIST_CAP)


async def _by_cursor(call: Call, monitor_id: UUID, start: datetime, end: datetime) -> Reply:
    """The cursor has the start of the range as well, so that a default one does not move under whoever pages."""
    limit, tenant_id = capped(call.query.limit, LIST_CAP), call.tenant().tenant_id
    position = log_position(call, str, str, int)
    since, until, number = position or (start.isoformat(), end.isoformat(), 0)
    async with call.deps.database.tenant(tenant_id) as conn:
        rows = await uptime_reads.transitions_before(
            conn,
            tenant_id=tenant_id,
            monitor_id=monitor_id,
            start=datetime.fromisoformat(since),
            end=datetime.fromisoformat(until),
            number=number,
            limit=limit + 1,
        )
    page = rows[:limit]
    cursor = encode_cursor(call, since, page[-1].at.isoformat(), page[-1].number) if len(rows) > limit else None
    items = [TransitionJson(row.at, row.number, row.previous, row.verdict, row.reason) for row in page]
    return cursor_reply(call, items, next_cursor=cursor, cap=LIST_CAP)


ROUTES = (
    Route(
        method="GET",
        path=f"{PATH}/transitions",
        handler=transitions,
        operation="list_monitor_transitions",
        summary="The changes of verdict, newest first",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:read",
        query=TransitionsQuery,
        reply=Page[TransitionJson],
        errors=(*READS, "BAD_TIME_RANGE", "INVALID_CURSOR"),
    ),
)
