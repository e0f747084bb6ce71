"""/monitors/{id}/transitions: the timeline of a monitor."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import UNSET, Struct, UnsetType, field

from control_plane.store import uptime_reads
from control_plane.tenant_api.one_monitor import PATH, READS, read_monitor
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
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


class TransitionsQuery(PageQuery, frozen=True):
    """Transitions in [from, to); the default is all that are kept, until now."""

    from_: Instant | UnsetType = field(name="from", default=UNSET)
    to: Instant | UnsetType = UNSET


async def transitions(call: Call) -> Reply:
    query: TransitionsQuery = call.query
    view = await read_monitor(call, call.uuid("monitor_id"))
    start, end = time_range(query.from_, query.to, now=call.deps.now(), default=KEPT)
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
        errors=(*READS, "BAD_TIME_RANGE"),
    ),
)
