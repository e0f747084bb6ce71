"""/api/v1/regions: where a tenant's monitors may be checked from."""

from __future__ import annotations

from functools import partial

from control_plane.store import regions
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.region_view import RegionView, region_view
from control_plane.web.routes import Door, Route


async def list_regions(call: Call) -> Reply:
    """Enabled shared regions and the tenant's own. Read as the application, because a tenant sees no shared agent."""
    limit, offset = capped(call.query.limit), call.query.offset
    async with call.deps.database.app() as conn:
        found, total = await regions.catalogue(conn, tenant_id=call.tenant().tenant_id, limit=limit, offset=offset)
    return page_reply(call, [region_view(region) for region in found], total=total)


_route = partial(Route, door=Door.TENANT, tag="Regions")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/api/v1/regions",
        handler=list_regions,
        operation="list_regions",
        summary="List the regions to choose from, with their health",
        scope="regions:read",
        query=PageQuery,
        reply=Page[RegionView],
    ),
)
