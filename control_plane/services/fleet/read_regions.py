"""The regions that a tenant may choose, as people look at them: health, abilities, and what is not covered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from control_plane.domain.checks.capability import lacking
from control_plane.store import capabilities, coverage, fleet_reads, regions
from control_plane.store.coverage import Duty, Uncovered
from control_plane.store.pool import Database
from control_plane.store.regions import Region
from shared.clock import to_unix_ms
from shared.ids import TenantId
from shared.protocol import ANY_KIND

MOST_REGIONS = 500
MOST_UNCOVERED = 100


class Gap(Struct, frozen=True):
    """A monitor that a region does not watch now, and why."""

    monitor: Uncovered
    region: Region
    why: str


class RegionsSeen(Struct, frozen=True, kw_only=True):
    """The catalogue. `kinds`: what the live agents of a region can run, where they say; `gaps` are the first ones."""

    regions: Sequence[Region]
    duties: Mapping[int, Duty]
    last_heard: Mapping[int, datetime]
    kinds: Mapping[int, Sequence[str]]
    gaps: Sequence[Gap]


async def read_regions(database: Database, *, tenant_id: TenantId) -> RegionsSeen:
    """Everything at one look. Agents are counted as the application: of regions that the tenant may see."""
    async with database.tenant(tenant_id) as conn:
        now_ms = to_unix_ms(await fleet_reads.database_clock(conn))
        found, _ = await regions.catalogue(
            conn, tenant_id=tenant_id, q=None, private=None, limit=MOST_REGIONS, offset=0
        )
        duties = await coverage.duties(conn, tenant_id=tenant_id, now_ms=now_ms)
        open_: Sequence[Uncovered] = ()
        if any(duty.without_vote for duty in duties.values()):
            open_ = await coverage.uncovered(conn, tenant_id=tenant_id, now_ms=now_ms, limit=MOST_UNCOVERED)
    keys = [region.key for region in found]
    async with database.app() as conn:
        counted = await regions.count_agents(conn, found=found)
        heard = await coverage.last_heard(conn, region_ids=keys)
        told = await capabilities.live_capabilities(conn, region_ids=keys)
    by_key = {region.key: region for region in counted}
    return RegionsSeen(
        regions=counted,
        duties=duties,
        last_heard=heard,
        kinds={key: sorted(frozenset().union(*agents) - {ANY_KIND}) for key, agents in told.items()},
        gaps=[
            _gap(one, by_key[one.region_id], told.get(one.region_id, ())) for one in open_ if one.region_id in by_key
        ],
    )


def _gap(one: Uncovered, region: Region, told: Sequence[frozenset[str]]) -> Gap:
    unable = lacking(one.kind, told)
    if unable is not None:
        return Gap(one, region, unable)
    if not region.enabled:
        return Gap(one, region, "The region is disabled")
    if region.agents == 0:
        return Gap(one, region, "The region has no agent")
    if region.healthy == 0:
        return Gap(one, region, "Its agents are silent" if region.live == 0 else "Its agents do not trust themselves")
    return Gap(one, region, "No result came lately" if one.heard else "Waits for its first result")
