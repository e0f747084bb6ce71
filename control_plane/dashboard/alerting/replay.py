"""/app/deliveries/{id}/replay: send again what was given up, from wherever it is listed."""

from __future__ import annotations

from aiohttp import web

from control_plane.dashboard.visit import Visit, form, see_other
from control_plane.services.alerting.replay_delivery import replay_delivery
from control_plane.web.routes import Route


async def replay(visit: Visit) -> web.StreamResponse:
    """Back to the incident that it told of, or to its channel."""
    view = await replay_delivery(visit.deps.database, tenant_id=visit.tenant_id, delivery_id=visit.id("delivery_id"))
    if view.incident_id is not None:
        return see_other(f"/app/incidents/{view.incident_id}?said=replayed#deliveries")
    return see_other(f"/app/channels/{view.channel_id}?said=replayed")


ROUTES: tuple[Route, ...] = (
    form(
        "/app/deliveries/{delivery_id}/replay",
        replay,
        operation="ask_delivery_replay",
        summary="Send a dead delivery again",
        scope="deliveries:write",
    ),
)
