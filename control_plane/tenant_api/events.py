"""Live events by SSE: of the whole tenant, or of one monitor."""

from __future__ import annotations

from functools import partial

from aiohttp import web
from msgspec import Struct

from control_plane.domain.alerting.alerting import EVENTS
from control_plane.domain.alerting.operator_notice import AGENT_EVENTS
from control_plane.errors import BadRequest, NotFound
from control_plane.store.monitor_reads import monitor_exists
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route
from control_plane.web.sse import Filter
from control_plane.web.streams import LIVE, Watcher

SCOPE = "events:read"

STREAMED = (*sorted(LIVE), *EVENTS, *AGENT_EVENTS)


class EventsQuery(Struct, frozen=True):
    """`events`: names separated by commas; all when absent."""

    events: str | None = None


def read_names(text: str | None) -> frozenset[str] | None:
    """The names that a stream is to carry; None: all. Raises BadRequest INVALID_EVENTS for one that there is not."""
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in STREAMED:
            message = f"{name or 'an empty name'} is not an event; there are: {', '.join(STREAMED)}"
            raise BadRequest(message, code="INVALID_EVENTS", field="/events")
    return frozenset(names)


async def stream_tenant(call: Call) -> web.StreamResponse:
    return await _stream(call, Filter(events=read_names(call.query.events)))


async def stream_monitor(call: Call) -> web.StreamResponse:
    caller, monitor_id = call.tenant(), call.uuid("monitor_id")
    wants = Filter(events=read_names(call.query.events), monitor_id=monitor_id)
    async with call.deps.database.tenant(caller.tenant_id) as conn:
        if not await monitor_exists(conn, tenant_id=caller.tenant_id, monitor_id=monitor_id):
            raise NotFound("There is no such monitor")
    return await _stream(call, wants)


async def _stream(call: Call, wants: Filter) -> web.StreamResponse:
    caller, deps = call.tenant(), call.deps
    allowed = partial(deps.authenticator.still_admits, call.request, scope=SCOPE)
    watcher = Watcher(caller.tenant_id, caller.id, allowed, wants)
    return await deps.streams.serve(call.request, watcher, database=deps.database, hub=deps.hub)


_DESCRIPTION = (
    "text/event-stream. Send Last-Event-ID to go on where a stream ended: nothing is left out, or an event `reset` "
    "says that what came between is no longer kept. `check.completed` and `heartbeat.pinged` carry no id and are "
    "never replayed."
)

ROUTES = (
    Route(
        method="GET",
        path="/api/v1/events",
        handler=stream_tenant,
        operation="stream_events",
        summary="Follow everything that happens, live",
        description=_DESCRIPTION,
        tag="events",
        door=Door.TENANT,
        scope=SCOPE,
        head=False,
        query=EventsQuery,
        errors=("INVALID_EVENTS",),
    ),
    Route(
        method="GET",
        path="/api/v1/monitors/{monitor_id}/events",
        handler=stream_monitor,
        operation="stream_monitor_events",
        summary="Follow what happens to one monitor, live",
        description=_DESCRIPTION,
        tag="events",
        door=Door.TENANT,
        scope=SCOPE,
        head=False,
        query=EventsQuery,
        errors=("INVALID_EVENTS", "INVALID_ID", "NOT_FOUND"),
    ),
)
