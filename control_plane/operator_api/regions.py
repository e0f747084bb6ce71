"""/operator/regions: the places that checks run from."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_network
from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from control_plane.errors import BadRequest, NotFound
from control_plane.services.change_region import change_region, remove_region
from control_plane.services.create_region import create_region
from control_plane.store import regions
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.region_view import RegionView, region_view
from control_plane.web.routes import Door, Route
from shared.ids import TenantId

Slug = Annotated[str, Meta(pattern="^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Place = Annotated[str, Meta(min_length=1, max_length=100)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
ShortText = Annotated[str, Meta(max_length=100)]
Labels = Annotated[dict[ShortText, ShortText], Meta(max_length=50)]
Cidrs = Annotated[tuple[str, ...], Meta(max_length=50)]


class RegionPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed of a region. `allow_cidrs` are otherwise blocked ranges, for private regions only."""

    name: Name | UnsetType = UNSET
    city: Place | UnsetType | None = UNSET
    country: Place | UnsetType | None = UNSET
    latitude: Latitude | UnsetType | None = UNSET
    longitude: Longitude | UnsetType | None = UNSET
    labels: Labels | UnsetType = UNSET
    allow_cidrs: Cidrs | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    selected_by_default: bool | UnsetType = UNSET


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
        fields=_fields(call.body),
    )
    return Reply(region_view(region), etag=region.revision, headers={"Location": f"/operator/regions/{region.slug}"})


async def list_regions(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        found, total = await regions.list_all(conn, limit=capped(call.query.limit), offset=call.query.offset)
    return page_reply(call, [region_view(region) for region in found], total=total)


async def get(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        region = await regions.get(conn, slug=call.path["region"])
    if region is None:
        raise NotFound("There is no such region", code="REGION_NOT_FOUND")
    return Reply(region_view(region), etag=region.revision)


async def change(call: Call) -> Reply:
    region = await change_region(
        call.deps.database,
        call.path["region"],
        fields=_fields(call.body),
        check_revision=partial(require_match, call.request),
    )
    return Reply(region_view(region), etag=region.revision)


async def delete(call: Call) -> Reply:
    await remove_region(call.deps.database, call.path["region"])
    return Reply()


def _fields(body: RegionPatch) -> dict[str, Any]:
    given = {name: value for name, value in asdict(body).items() if value is not UNSET}
    for index, cidr in enumerate(given.get("allow_cidrs", ())):
        _check_cidr(cidr, f"/allow_cidrs/{index}")
    return {name: value for name, value in given.items() if name not in ("id", "tenant_id")}


def _check_cidr(cidr: str, pointer: str) -> None:
    try:
        ip_network(cidr)
    except ValueError as error:
        message = f"{pointer[1:]}: {error}; write a network such as 10.0.0.0/8"
        raise BadRequest(message, code="INVALID_ALLOW_CIDRS", field=pointer) from None


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
        reply=RegionView,
        errors=("REGION_NOT_FOUND",),
    ),
    _route(
        method="PATCH",
        path=_REGION,
        handler=change,
        operation="change_region",
        summary="Change a region; a disabled one is a silent one",
        body=RegionPatch,
        reply=RegionView,
        errors=("REGION_NOT_FOUND", "PRECONDITION_FAILED", "INVALID_ALLOW_CIDRS", "REFUSED"),
        example={"enabled": False},
    ),
    _route(
        method="DELETE",
        path=_REGION,
        handler=delete,
        operation="delete_region",
        summary="Remove a region with its agents, and take it out of every monitor",
        status=204,
        errors=("REGION_NOT_FOUND",),
    ),
)
