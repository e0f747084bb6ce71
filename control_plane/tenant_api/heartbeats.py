"""/heartbeats: the heartbeat monitors of a tenant, what has pinged them, and the runs that their pings tell of.

They are made, changed, paused and deleted as monitors: POST /monitors with a check of type heartbeat.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta, Struct

from control_plane.errors import BadRequest, NotFound
from control_plane.services.heartbeats.rotate_heartbeat import rotate_heartbeat
from control_plane.store import heartbeat_reads
from control_plane.store.heartbeat_reads import HeartbeatView, PingView
from control_plane.tenant_api.heartbeat_views import HeartbeatJson, RunJson, heartbeat_json, run_json
from control_plane.web.call import Call, Reply
from control_plane.web.paging import (
    CursorQuery,
    Page,
    PageQuery,
    capped,
    cursor_reply,
    decode_cursor,
    encode_cursor,
    page_reply,
)
from control_plane.web.routes import Door, Route

PATH = "/api/v1/heartbeats/{monitor_id}"
LIST_CAP = 1000
MAX_OVERLAP_S = 7 * 86_400

_NEWEST = 2**62
_READS = ("HEARTBEAT_NOT_FOUND", "INVALID_ID")


class PingsQuery(CursorQuery, frozen=True):
    """Newest first; `kind` for one kind of ping only."""

    kind: Literal["success", "start", "fail", "log"] | None = None


class RotateBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`overlap`: seconds for which the old URL still counts, up to a week; 0 where it has leaked."""

    overlap: Annotated[int, Meta(ge=0, le=MAX_OVERLAP_S)] = 300


async def list_heartbeats(call: Call) -> Reply:
    tenant_id, query = call.tenant().tenant_id, call.query
    async with call.deps.database.tenant(tenant_id) as conn:
        views, total = await heartbeat_reads.list_heartbeats(
            conn, tenant_id=tenant_id, limit=capped(query.limit), offset=query.offset
        )
    return page_reply(call, [heartbeat_json(call, view) for view in views], total=total)


async def get(call: Call) -> Reply:
    return Reply(heartbeat_json(call, await _view(call)))


async def pings(call: Call) -> Reply:
    query: PingsQuery = call.query
    tenant_id, limit, view = call.tenant().tenant_id, capped(query.limit, LIST_CAP), await _view(call)
    async with call.deps.database.tenant(tenant_id) as conn:
        rows = await heartbeat_reads.list_pings(
            conn,
            tenant_id=tenant_id,
            monitor_id=view.monitor_id,
            before=_before(call, query.cursor),
            kind=query.kind,
            limit=limit + 1,
        )
    cursor = encode_cursor(call, rows[limit - 1].number) if len(rows) > limit else None
    return cursor_reply(call, rows[:limit], next_cursor=cursor, cap=LIST_CAP)


async def body(call: Call) -> web.Response:
    """As bytes, whatever they are: never as a type that a browser would run."""
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        kept = await heartbeat_reads.ping_body(
            conn, tenant_id=tenant_id, monitor_id=call.uuid("monitor_id"), number=_number(call)
        )
    if kept is None:
        raise NotFound("There is no such ping, or it is kept no more", code="PING_NOT_FOUND")
    headers = {"Content-Disposition": "attachment"}
    return web.Response(body=kept, content_type="application/octet-stream", headers=headers)


async def runs(call: Call) -> Reply:
    query: CursorQuery = call.query
    tenant_id, limit, view = call.tenant().tenant_id, capped(query.limit, LIST_CAP), await _view(call)
    async with call.deps.database.tenant(tenant_id) as conn:
        rows = await heartbeat_reads.list_runs(
            conn,
            tenant_id=tenant_id,
            monitor_id=view.monitor_id,
            before=_before(call, query.cursor),
            limit=limit + 1,
        )
    cursor = encode_cursor(call, rows[limit - 1].number) if len(rows) > limit else None
    now = call.deps.now()
    return cursor_reply(call, [run_json(row, view, now=now) for row in rows[:limit]], next_cursor=cursor, cap=LIST_CAP)


async def rotate(call: Call) -> Reply:
    await rotate_heartbeat(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        monitor_id=call.uuid("monitor_id"),
        overlap=timedelta(seconds=call.body.overlap),
    )
    return await get(call)


async def _view(call: Call) -> HeartbeatView:
    tenant_id, monitor_id = call.tenant().tenant_id, call.uuid("monitor_id")
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await heartbeat_reads.get_heartbeats(conn, tenant_id=tenant_id, monitor_ids=[monitor_id])
    if monitor_id not in found:
        raise NotFound("There is no such heartbeat monitor", code="HEARTBEAT_NOT_FOUND")
    return found[monitor_id]


def _before(call: Call, cursor: str | None) -> int:
    if cursor is None:
        return _NEWEST
    match decode_cursor(call, cursor):
        case [int(number)]:
            return number
        case _:
            raise BadRequest("cursor is not one that this list gave out", code="INVALID_CURSOR", field="/cursor")


def _number(call: Call) -> int:
    text = call.path["number"]
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadRequest("number must be that of a ping", code="INVALID_ID", field="/number")
    return int(text)


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/heartbeats",
        handler=list_heartbeats,
        operation="list_heartbeats",
        summary="List heartbeat monitors with their ping URLs",
        tag="heartbeats",
        door=Door.TENANT,
        scope="heartbeats:read",
        query=PageQuery,
        reply=Page[HeartbeatJson],
        errors=("INVALID_LIMIT", "INVALID_OFFSET"),
    ),
    Route(
        method="GET",
        path=PATH,
        handler=get,
        operation="get_heartbeat",
        summary="Read a heartbeat",
        tag="heartbeats",
        door=Door.TENANT,
        scope="heartbeats:read",
        reply=HeartbeatJson,
        errors=_READS,
    ),
    Route(
        method="GET",
        path=f"{PATH}/pings",
        handler=pings,
        operation="list_pings",
        summary="What has pinged it, newest first",
        tag="heartbeats",
        door=Door.TENANT,
        scope="heartbeats:read",
        query=PingsQuery,
        reply=Page[PingView],
        errors=(*_READS, "INVALID_CURSOR", "INVALID_LIMIT", "INVALID_KIND"),
    ),
    Route(
        method="GET",
        path=f"{PATH}/pings/{{number}}/body",
        handler=body,
        operation="get_ping_body",
        summary="What came with a ping, as bytes",
        tag="heartbeats",
        door=Door.TENANT,
        scope="heartbeats:read",
        errors=("PING_NOT_FOUND", "INVALID_ID"),
    ),
    Route(
        method="GET",
        path=f"{PATH}/runs",
        handler=runs,
        operation="list_runs",
        summary="Its runs, newest first",
        tag="heartbeats",
        door=Door.TENANT,
        scope="heartbeats:read",
        query=CursorQuery,
        reply=Page[RunJson],
        errors=(*_READS, "INVALID_CURSOR", "INVALID_LIMIT"),
    ),
    Route(
        method="POST",
        path=f"{PATH}/rotate",
        handler=rotate,
        operation="rotate_heartbeat",
        summary="Give it another ping URL; the old one counts for a while",
        tag="heartbeats",
        door=Door.TENANT,
        scope="heartbeats:write",
        body=RotateBody,
        optional_body=True,
        reply=HeartbeatJson,
        errors=(*_READS, "INVALID_OVERLAP"),
        example={"overlap": 86_400},
    ),
)
