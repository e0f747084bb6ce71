"""/api/v1/regions: where a tenant's monitors may be checked from, and the private regions that it keeps itself."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import Meta

from control_plane.services.fleet.change_region import remove_region
from control_plane.services.fleet.keep_private_region import (
    change_private_region,
    create_private_region,
    require_private,
    unknown_region,
)
from control_plane.store import regions
from control_plane.store.regions import Region
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.region_body import RegionPatch, Slug, region_fields
from control_plane.web.region_view import RegionView, region_view
from control_plane.web.routes import Door, Route

ONE = "/api/v1/regions/{region}"
Word = Annotated[str, Meta(min_length=1, max_length=200)]


class RegionsQuery(PageQuery, frozen=True):
    """`q` is looked for in id, name, city and country; `private` for one's own, or for the shared ones, only."""

    q: Word | None = None
    private: bool | None = None


class PrivateRegionBody(RegionPatch, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new private region. Its agents check only this tenant's monitors. Its id is not changed later."""

    id: Slug


async def list_regions(call: Call) -> Reply:
    query, tenant_id = call.query, call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found, total = await regions.catalogue(
            conn, tenant_id=tenant_id, q=query.q, private=query.private, limit=capped(query.limit), offset=query.offset
        )
    return page_reply(call, [region_view(region) for region in await _with_agents(call, found)], total=total)


async def get(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        region = await regions.get_choice(conn, tenant_id=tenant_id, slug=call.path["region"])
    if region is None:
        raise unknown_region()
    return await _reply(call, region)


async def create(call: Call) -> Reply:
    caller = call.tenant()
    region = await create_private_region(
        call.deps.database,
        tenant_id=caller.tenant_id,
        slug=call.body.id,
        fields=region_fields(call.body),
        terms=caller.terms,
    )
    return await _reply(call, region, Location=f"/api/v1/regions/{region.slug}")


async def change(call: Call) -> Reply:
    region = await change_private_region(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        slug=call.path["region"],
        fields=region_fields(call.body),
        check_revision=partial(require_match, call.request),
    )
    return await _reply(call, region)


async def delete(call: Call) -> Reply:
    tenant_id, slug = call.tenant().tenant_id, call.path["region"]
    async with call.deps.database.tenant(tenant_id) as conn:
        await require_private(conn, tenant_id=tenant_id, slug=slug)
    await remove_region(
        call.deps.database, slug, tenant_id=tenant_id, check_revision=partial(require_match, call.request)
    )
    return Reply()


async def _reply(call: Call, region: Region, **headers: str) -> Reply:
    [told] = await _with_agents(call, [region])
    return Reply(region_view(told), etag=region.revision, headers=headers)


async def _with_agents(call: Call, found: list[Region]) -> list[Region]:
    """Counted as the application, because a tenant sees no shared agent: of regions that it may see."""
    async with call.deps.database.app() as conn:
        return await regions.count_agents(conn, found=found)


_route = partial(Route, door=Door.TENANT, tag="Regions")
_KEPT = ("REGION_NOT_FOUND", "REGION_SHARED", "PRECONDITION_FAILED")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/api/v1/regions",
        handler=list_regions,
        operation="list_regions",
        summary="List the regions to choose from, with their health",
        scope="regions:read",
        query=RegionsQuery,
        reply=Page[RegionView],
    ),
    _route(
        method="GET",
        path=ONE,
        handler=get,
        operation="get_region",
        summary="Read a region with its health",
        scope="regions:read",
        reply=RegionView,
        errors=("REGION_NOT_FOUND",),
    ),
    _route(
        method="POST",
        path="/api/v1/regions",
        handler=create,
        operation="create_private_region",
        summary="Make a private region, whose agents you run",
        scope="regions:write",
        body=PrivateRegionBody,
        reply=RegionView,
        status=201,
        errors=("INVALID_ID", "ID_TAKEN", "INVALID_ALLOW_CIDRS", "QUOTA_EXCEEDED"),
        example={"id": "office", "name": "Office", "city": "Leeds", "country": "GB", "allow_cidrs": ["10.0.0.0/8"]},
    ),
    _route(
        method="PATCH",
        path=ONE,
        handler=change,
        operation="change_private_region",
        summary="Change a private region; a disabled one is a silent one",
        scope="regions:write",
        body=RegionPatch,
        reply=RegionView,
        errors=(*_KEPT, "INVALID_ALLOW_CIDRS"),
        example={"name": "Head office", "city": None},
    ),
    _route(
        method="DELETE",
        path=ONE,
        handler=delete,
        operation="delete_private_region",
        summary="Remove a private region with its agents, and take it out of every monitor",
        scope="regions:write",
        status=204,
        errors=_KEPT,
    ),
)
