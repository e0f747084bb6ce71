"""What is sent to make or change a region: the same for operator and tenant."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from control_plane.errors import BadRequest
from control_plane.services.fleet.create_region import DEFAULTS

Slug = Annotated[str, Meta(pattern="^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Place = Annotated[str, Meta(min_length=1, max_length=100)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
ShortText = Annotated[str, Meta(max_length=100)]
Labels = Annotated[dict[ShortText, ShortText], Meta(max_length=50)]
Cidrs = Annotated[tuple[str, ...], Meta(max_length=50)]

_NOT_COLUMNS = ("id", "tenant_id")


class RegionPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed of a region; null clears. `allow_cidrs` are otherwise blocked ranges that its agents may
    reach, for private regions only.
    """

    name: Name | UnsetType = UNSET
    city: Place | UnsetType | None = UNSET
    country: Place | UnsetType | None = UNSET
    latitude: Latitude | UnsetType | None = UNSET
    longitude: Longitude | UnsetType | None = UNSET
    labels: Labels | UnsetType | None = UNSET
    allow_cidrs: Cidrs | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET
    selected_by_default: bool | UnsetType = UNSET


def region_fields(body: RegionPatch) -> dict[str, Any]:
    """The columns that the body names. Raises BadRequest INVALID_ALLOW_CIDRS."""
    given = {name: value for name, value in asdict(body).items() if value is not UNSET and name not in _NOT_COLUMNS}
    for name in ("labels", "allow_cidrs"):
        if name in given and given[name] is None:
            given[name] = DEFAULTS[name]
    for index, cidr in enumerate(given.get("allow_cidrs", ())):
        _check_cidr(cidr, f"/allow_cidrs/{index}")
    return given


def _check_cidr(cidr: str, pointer: str) -> None:
    try:
        ip_network(cidr)
    except ValueError as error:
        message = f"{pointer[1:]}: {error}; write a network such as 10.0.0.0/8"
        raise BadRequest(message, code="INVALID_ALLOW_CIDRS", field=pointer) from None
