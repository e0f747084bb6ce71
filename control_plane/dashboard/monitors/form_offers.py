"""What the form of a monitor lets one choose from: regions with their health, channels, monitors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct, structs

from control_plane.dashboard.visit import Visit
from control_plane.store import channels, dependencies, monitor_lists, regions
from control_plane.store.monitor_lists import MonitorFilter
from control_plane.store.pool import Connection

_MOST_REGIONS = 200
_MOST_CHANNELS = 200
_MOST_MONITORS = 100
"""More are named by id or key."""


class OfferedRegion(Struct, frozen=True):
    """A region that may be chosen, and whether an agent of it is alive."""

    slug: str
    name: str
    live: bool
    selected: bool


class Choosable(Struct, frozen=True):
    """A channel or a monitor that may be chosen. `about` is what stands behind its name."""

    id: str
    name: str
    about: str = ""


class Offer(Struct, frozen=True):
    """What the form lets one choose from. `more_monitors`: there are others than those listed."""

    regions: tuple[OfferedRegion, ...]
    channels: tuple[Choosable, ...] = ()
    monitors: tuple[Choosable, ...] = ()
    more_monitors: bool = False


async def read_offer(visit: Visit) -> Offer:
    """The regions that may be chosen. Agents are counted as the application: a tenant does not see shared ones."""
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        seen, _ = await regions.catalogue(
            conn, tenant_id=visit.tenant_id, q=None, private=None, limit=_MOST_REGIONS, offset=0
        )
    async with visit.deps.database.app() as conn:
        found = await regions.count_agents(conn, found=seen)
    return Offer(
        tuple(
            OfferedRegion(region.slug, region.name, region.healthy > 0, region.selected_by_default)
            for region in found
            if region.enabled
        )
    )


async def read_whole_offer(visit: Visit, *, chosen: Iterable[str] = (), itself: UUID | None = None) -> Offer:
    """With channels and monitors too. Of those that are `chosen` none is missing; a monitor is not offered itself."""
    offer = await read_offer(visit)
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        told = await _channels(conn, visit)
        others, more = await _monitors(conn, visit, chosen=chosen, itself=itself)
    return structs.replace(offer, channels=told, monitors=others, more_monitors=more)


async def _channels(conn: Connection, visit: Visit) -> tuple[Choosable, ...]:
    if not visit.may("channels:read"):
        return ()
    rows = await channels.channels(conn, tenant_id=visit.tenant_id, limit=_MOST_CHANNELS, offset=0)
    return tuple(Choosable(str(row.id), row.name, row.kind if row.enabled else f"{row.kind}, off") for row in rows)


async def _monitors(
    conn: Connection, visit: Visit, *, chosen: Iterable[str], itself: UUID | None
) -> tuple[tuple[Choosable, ...], bool]:
    found = await monitor_lists.find_ids(
        conn, tenant_id=visit.tenant_id, wanted=MonitorFilter(), limit=_MOST_MONITORS + 1
    )
    ids = [*_ids(chosen), *(each for each in found[:_MOST_MONITORS] if each != itself)]
    names = await dependencies.monitor_names(conn, tenant_id=visit.tenant_id, monitor_ids=sorted(set(ids)))
    listed = sorted(names.items(), key=lambda each: (each[1].casefold(), each[0]))
    return tuple(Choosable(str(id_), name) for id_, name in listed), len(found) > _MOST_MONITORS


def _ids(texts: Iterable[str]) -> Sequence[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found
