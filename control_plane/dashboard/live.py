"""/app/events: the tenant's events for the pages of a session. The same streams and limits as with the key itself."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from aiohttp import web

from control_plane.dashboard.visit import Visit, page, still_admits
from control_plane.errors import BadRequest
from control_plane.web.routes import Route
from control_plane.web.sse import Filter
from control_plane.web.streams import Watcher

SCOPE = "events:read"


async def events(visit: Visit) -> web.StreamResponse:
    """With ?monitor= only that monitor's. A stranger's monitor has no events in this tenant's stream.

    With ?after= from that event on: the number that the page said, which shows all before.
    """
    wanted = visit.query("monitor")
    try:
        monitor_id = UUID(wanted) if wanted else None
    except ValueError:
        raise BadRequest("monitor must be the id of a monitor", code="INVALID_ID", field="/monitor") from None
    allowed = partial(still_admits, visit, SCOPE)
    watcher = Watcher(visit.tenant_id, visit.caller.id, allowed, Filter(monitor_id=monitor_id), visit.query("after"))
    deps = visit.deps
    return await deps.streams.serve(visit.call.request, watcher, database=deps.database, hub=deps.hub)


ROUTES: tuple[Route, ...] = (
    page("/app/events", events, operation="follow_events", summary="Follow events, live", scope=SCOPE, head=False),
)
