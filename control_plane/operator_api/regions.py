"""/operator/regions: the places that checks run from.

A path names a region by its id, or as `<tenant id>:<id>` where several tenants have a private region of that id.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from control_plane.errors import NotFound
from control_plane.services.fleet.change_region import change_region, remove_region
from control_plane.services.fleet.create_region import create_region
from control_plane.services.fleet.find_region import find_region
from control_plane.store import regions
from control_plane.store.regions import Region
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.region_body import RegionPatch, Slug, region_fields
from control_plane.web.region_view import RegionView, region_view
from control_plane.web.routes import Door, Route
from shared.ids import TenantId


class RegionBody(RegionPatch, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new region: shared, or private when it names a tenant."""

    id: Slug
    tenant_id: UUID | None = None


async def create(call: Call) -> Reply:
    tenant_id = call.body.tenant_id
    region = await create_region(
        call.deps.database,
        slug=call.body.id,
        tenant_id=None if tenant_id is None else TenantId(tenant_id),
        fields=region_fields(call.body),
    )
    return Reply(region_view(region), etag=region.revision, headers={"Location": _path(region)})


def _path(region: Region) -> str:
    owner = "" if region.tenant_id is None else f"{region.tenant_id}:"
    return f"/operator/regions/{owner}{region.slug}"


async def list_regions(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        found, total = await regions.list_all(conn, limit=capped(call.query.limit), offset=call.query.offset)
    return page_reply(call, [region_view(region) for region in found], total=total)


async def get(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        region = await regions.get(conn, key=await find_region(conn, call.path["region"]))
    if region is None:
        raise NotFound("There is no such region", code="REGION_NOT_FOUND")
    return Reply(region_view(region), etag=region.revision)


async def change(call: Call) -> Reply:
    region = await change_region(
        call.deps.database,
        call.path["region"],
        fields=region_fields(call.body),
        check_revision=partial(require_match, call.request),
    )
    return Reply(region_view(region), etag=region.revision)


async def delete(call: Call) -> Reply:
    await remove_region(call.deps.database, call.path["region"], check_revision=partial(require_match, call.request))
    return Reply()


_route = partial(Route, door=Door.OPERATOR, tag="Regions")
_REGION = "/operator/regions/{region}"

ROUTES: tuple[Route, ...] = (
    _route(
        method="POST",
        path="/operator/regions",
        handler=create,
        operation="create_region",
        summary="Create a region",
        body=RegionBody,
        reply=RegionView,
        status=201,
        errors=("INVALID_ID", "ID_TAKEN", "TENANT_NOT_FOUND", "INVALID_ALLOW_CIDRS", "REFUSED"),
        example={"id": "eu-west", "name": "Europe, west", "city": "Dublin", "country": "IE"},
    ),
    _route(
        method="GET",
        path="/operator/regions",
        handler=list_regions,
        operation="list_all_regions",
        summary="List all regions with their health",
        query=PageQuery,
        reply=Page[RegionView],
    ),
    _route(
        method="GET",
        path=_REGION,
        handler=get,
        operation="get_any_region",
        summary="Get a region",
        description="A private region may be named `<tenant id>:<id>`, where several tenants have one of that id.",
        reply=RegionView,
        errors=("REGION_NOT_FOUND", "REGION_AMBIGUOUS"),
    ),
    _route(
        method="PATCH",
        path=_REGION,
        handler=change,
        operation="change_region",
        summary="Change a region; a disabled one is a silent one",
        body=RegionPatch,
        reply=RegionView,
        errors=("REGION_NOT_FOUND", "REGION_AMBIGUOUS", "PRECONDITION_FAILED", "INVALID_ALLOW_CIDRS", "REFUSED"),
        example={"enabled": False},
    ),
    _route(
        method="DELETE",
        path=_REGION,
        handler=delete,
        operation="delete_region",
        summary="Remove a region with its agents, and take it out of every monitor",
        status=204,
        errors=("REGION_NOT_FOUND", "REGION_AMBIGUOUS", "PRECONDITION_FAILED"),
    ),
)
