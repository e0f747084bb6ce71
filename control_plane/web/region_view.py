"""How regions are written on the wire; outside, a region's id is its slug."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from control_plane.store.regions import Region


class RegionHealth(Struct, frozen=True):
    """`agents` are enabled, `live` ones renew their lease, `healthy` ones also trust themselves."""

    status: Literal["live", "unhealthy", "silent", "empty", "disabled"]
    agents: int
    live: int
    healthy: int


class RegionView(Struct, frozen=True):
    """A region."""

    id: str
    name: str
    city: str | None
    country: str | None
    latitude: float | None
    longitude: float | None
    labels: dict[str, str]
    private: bool
    tenant_id: UUID | None
    allow_cidrs: list[str]
    enabled: bool
    selected_by_default: bool
    health: RegionHealth
    created_at: datetime
    updated_at: datetime


def region_view(region: Region) -> RegionView:
    """The region as it is told."""
    return RegionView(
        id=region.slug,
        name=region.name,
        city=region.city,
        country=region.country,
        latitude=region.latitude,
        longitude=region.longitude,
        labels=region.labels,
        private=region.tenant_id is not None,
        tenant_id=region.tenant_id,
        allow_cidrs=region.allow_cidrs,
        enabled=region.enabled,
        selected_by_default=region.selected_by_default,
        health=_health(region),
        created_at=region.created_at,
        updated_at=region.updated_at,
    )


def _health(region: Region) -> RegionHealth:
    status: Literal["live", "unhealthy", "silent", "empty", "disabled"]
    if not region.enabled:
        status = "disabled"
    elif region.agents == 0:
        status = "empty"
    elif region.live == 0:
        status = "silent"
    else:
        status = "live" if region.healthy else "unhealthy"
    return RegionHealth(status=status, agents=region.agents, live=region.live, healthy=region.healthy)
