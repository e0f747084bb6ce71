"""/api/v1/maintenance: planned periods in which incidents are held and time does not count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, field

from control_plane.domain.maintenance.maintenance_rules import LONGEST_RANGE
from control_plane.errors import BadRequest, NotFound
from control_plane.services.maintenance.read_maintenance import Planned, following, upcoming
from control_plane.store import maintenance
from control_plane.store.maintenance import Wanted
from control_plane.web.call import Call, Reply
from control_plane.web.maintenance_view import MaintenanceWindow, window_view
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.query import Instant
from control_plane.web.routes import Door, Route
from control_plane.web.time_range import bounded


class WindowsQuery(PageQuery, frozen=True, kw_only=True):
    """Filters; a range keeps windows that are not over before `from` and do not begin at `to` or later."""

    state: Literal["planned", "active", "ended"] | None = None
    from_: Instant | UnsetType = field(default=UNSET, name="from")
    to: Instant | UnsetType = UNSET
    monitor_id: UUID | None = None


class UpcomingQuery(Struct, frozen=True, kw_only=True):
    """From now, and for 30 days, where a bound is absent; at most 400 days."""

    from_: Instant | UnsetType = field(default=UNSET, name="from")
    to: Instant | UnsetType = UNSET


class Calendar(Struct, frozen=True):
    """Times in which windows hold, earliest first."""

    items: Sequence[Planned]


async def list_windows(call: Call) -> Reply:
    tenant_id, query = call.tenant().tenant_id, call.query
    wanted = Wanted(
        state=query.state,
        since=None if query.from_ is UNSET else bounded(query.from_),
        until=None if query.to is UNSET else bounded(query.to),
        monitor_id=query.monitor_id,
    )
    async with call.deps.database.tenant(tenant_id) as conn:
        rows, total = await maintenance.windows(
            conn, tenant_id=tenant_id, wanted=wanted, limit=capped(query.limit), offset=query.offset
        )
    return page_reply(call, [window_view(row, ()) for row in rows], total=total)


async def get_window(call: Call) -> Reply:
    return await reply_with(call, call.uuid("maintenance_id"))


async def reply_with(call: Call, window_id: UUID) -> Reply:
    """The window as it is now, with the times to come."""
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        row = await maintenance.window(conn, tenant_id=tenant_id, window_id=window_id)
    if row is None:
        raise NotFound("There is no such maintenance window", code="MAINTENANCE_NOT_FOUND")
    return Reply(window_view(row, following(row)), etag=row.revision)


async def list_upcoming(call: Call) -> Reply:
    tenant_id, query, now = call.tenant().tenant_id, call.query, call.deps.now()
    since = now if query.from_ is UNSET else bounded(query.from_)
    until = bounded(since + timedelta(days=30)) if query.to is UNSET else bounded(query.to)
    if not since < until <= since + LONGEST_RANGE:
        message = f"from must be before to, by at most {LONGEST_RANGE.days} days"
        raise BadRequest(message, code="BAD_TIME_RANGE", field="/to")
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await upcoming(conn, tenant_id=tenant_id, since=max(since, now), until=until)
    return Reply(Calendar(found))


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/maintenance",
        handler=list_windows,
        operation="list_maintenance",
        summary="List maintenance windows, newest first",
        tag="maintenance",
        door=Door.TENANT,
        scope="maintenance:read",
        query=WindowsQuery,
        reply=Page[MaintenanceWindow],
        errors=("BAD_TIME_RANGE",),
    ),
    Route(
        method="GET",
        path="/api/v1/maintenance/upcoming",
        handler=list_upcoming,
        operation="list_upcoming_maintenance",
        summary="List the times that windows hold in a range from now on",
        description="Up to 1000 of them, earliest first.",
        tag="maintenance",
        door=Door.TENANT,
        scope="maintenance:read",
        query=UpcomingQuery,
        reply=Calendar,
        errors=("BAD_TIME_RANGE",),
    ),
    Route(
        method="GET",
        path="/api/v1/maintenance/{maintenance_id}",
        handler=get_window,
        operation="get_maintenance",
        summary="Read a maintenance window, with the next 10 times that it holds",
        tag="maintenance",
        door=Door.TENANT,
        scope="maintenance:read",
        reply=MaintenanceWindow,
        errors=("MAINTENANCE_NOT_FOUND",),
    ),
)
