"""/api/v1/deliveries: what was owed to channels, every attempt at it, and dead letters."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.errors import NotFound
from control_plane.services.alerting.replay_delivery import replay_delivery
from control_plane.store import deliveries
from control_plane.store.deliveries import AttemptView, DeliveryFilter, DeliveryView
from control_plane.web.call import Call, Reply
from control_plane.web.paging import LogQuery, Page, capped, cursor_reply, encode_cursor, log_position, page_reply
from control_plane.web.routes import Door, Route

State = Literal["pending", "delivered", "dead", "cancelled"]


class DeliveryQuery(LogQuery, frozen=True):
    """Filters; all that are given must hold."""

    state: State | None = None
    channel_id: UUID | None = None
    incident_id: UUID | None = None
    monitor_id: UUID | None = None


class StateQuery(LogQuery, frozen=True):
    """Deliveries in one state only."""

    state: State | None = None


class DeliveryDetail(Struct, frozen=True, kw_only=True):
    """A delivery with its body and its log, oldest attempt first."""

    id: UUID
    number: int
    channel_id: UUID | None
    channel_name: str
    channel_kind: str
    incident_id: UUID | None
    monitor_id: UUID | None
    event: str
    notice: str
    ordinal: int
    message_id: UUID | None
    state: str
    reason: str | None
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    rule: dict[str, Any] | None
    body: dict[str, Any]
    log: list[AttemptView]


async def list_deliveries(call: Call) -> Reply:
    query = call.query
    where = DeliveryFilter(
        state=query.state,
        channel_id=query.channel_id,
        incident_id=query.incident_id,
        monitor_id=query.monitor_id,
    )
    return await _page(call, where)


async def list_of_incident(call: Call) -> Reply:
    tenant_id, incident_id = call.tenant().tenant_id, call.uuid("incident_id")
    async with call.deps.database.tenant(tenant_id) as conn:
        if not await deliveries.has_incident(conn, tenant_id=tenant_id, incident_id=incident_id):
            raise NotFound("There is no such incident", code="INCIDENT_NOT_FOUND")
    return await _page(call, DeliveryFilter(state=call.query.state, incident_id=incident_id))


async def list_of_monitor(call: Call) -> Reply:
    tenant_id, monitor_id = call.tenant().tenant_id, call.uuid("monitor_id")
    async with call.deps.database.tenant(tenant_id) as conn:
        if not await deliveries.has_monitor(conn, tenant_id=tenant_id, monitor_id=monitor_id):
            raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
    return await _page(call, DeliveryFilter(state=call.query.state, monitor_id=monitor_id))


async def _page(call: Call, where: DeliveryFilter) -> Reply:
    if call.query.cursor is not None:
        return await _page_by_cursor(call, where)
    tenant_id, query = call.tenant().tenant_id, call.query
    async with call.deps.database.tenant(tenant_id) as conn:
        items = await deliveries.deliveries(
            conn, tenant_id=tenant_id, where=where, limit=capped(query.limit), offset=query.offset
        )
        total = await deliveries.count_deliveries(conn, tenant_id=tenant_id, where=where)
    return page_reply(call, items, total=total)


async def _page_by_cursor(call: Call, where: DeliveryFilter) -> Reply:
    tenant_id, limit = call.tenant().tenant_id, capped(call.query.limit)
    position = log_position(call, int)
    async with call.deps.database.tenant(tenant_id) as conn:
        rows = await deliveries.deliveries(
            conn, tenant_id=tenant_id, where=where, limit=limit + 1, before=position[0] if position else None
        )
    cursor = encode_cursor(call, rows[limit - 1].number) if len(rows) > limit else None
    return cursor_reply(call, rows[:limit], next_cursor=cursor)


async def get_delivery(call: Call) -> Reply:
    tenant_id, delivery_id = call.tenant().tenant_id, call.uuid("delivery_id")
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await deliveries.delivery(conn, tenant_id=tenant_id, delivery_id=delivery_id)
        if found is None:
            raise NotFound("There is no such delivery")
        log = await deliveries.attempts(conn, tenant_id=tenant_id, delivery_id=delivery_id)
    view, body = found
    return Reply(DeliveryDetail(**msgspec.structs.asdict(view), body=msgspec.json.decode(body), log=log))


async def replay(call: Call) -> Reply:
    view = await replay_delivery(
        call.deps.database, tenant_id=call.tenant().tenant_id, delivery_id=call.uuid("delivery_id")
    )
    return Reply(view)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/deliveries",
        handler=list_deliveries,
        operation="list_deliveries",
        summary="List deliveries, newest first",
        tag="deliveries",
        door=Door.TENANT,
        scope="deliveries:read",
        query=DeliveryQuery,
        reply=Page[DeliveryView],
        errors=("INVALID_CURSOR",),
    ),
    Route(
        method="GET",
        path="/api/v1/deliveries/{delivery_id}",
        handler=get_delivery,
        operation="get_delivery",
        summary="Read a delivery with every attempt",
        tag="deliveries",
        door=Door.TENANT,
        scope="deliveries:read",
        reply=DeliveryDetail,
    ),
    Route(
        method="POST",
        path="/api/v1/deliveries/{delivery_id}/replay",
        handler=replay,
        operation="replay_delivery",
        summary="Send a dead delivery again, under the same id",
        tag="deliveries",
        door=Door.TENANT,
        scope="deliveries:write",
        reply=DeliveryView,
        errors=("DELIVERY_NOT_DEAD", "CHANNEL_GONE"),
    ),
    Route(
        method="GET",
        path="/api/v1/incidents/{incident_id}/deliveries",
        handler=list_of_incident,
        operation="list_incident_deliveries",
        summary="List what an incident owed to whom",
        tag="deliveries",
        door=Door.TENANT,
        scope="deliveries:read",
        query=StateQuery,
        reply=Page[DeliveryView],
        errors=("INCIDENT_NOT_FOUND", "INVALID_CURSOR"),
    ),
    Route(
        method="GET",
        path="/api/v1/monitors/{monitor_id}/deliveries",
        handler=list_of_monitor,
        operation="list_monitor_deliveries",
        summary="List what a monitor's incidents owed to whom",
        tag="deliveries",
        door=Door.TENANT,
        scope="deliveries:read",
        query=StateQuery,
        reply=Page[DeliveryView],
        errors=("MONITOR_NOT_FOUND", "INVALID_CURSOR"),
    ),
)
