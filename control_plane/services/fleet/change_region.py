"""Change a region, or remove it with its agents and votes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from control_plane.errors import NotFound
from control_plane.services.fleet.find_region import find_region
from control_plane.services.incidents.close_incident import resolve_quietly
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.judging.lock_to_judge import lock_to_judge
from control_plane.store import agents, ingest, operator_incidents, region_agents, regions, tenants
from control_plane.store.pool import Connection, Database
from control_plane.store.regions import Region
from shared.ids import TenantId

CHANGEABLE = (
    "name",
    "city",
    "country",
    "latitude",
    "longitude",
    "labels",
    "allow_cidrs",
    "enabled",
    "selected_by_default",
)


async def change_region(
    database: Database, name: str, *, fields: Mapping[str, Any], check_revision: Callable[[int], None]
) -> Region:
    """The changed region. `check_revision` raises when the caller meant another revision.

    Raises NotFound, Conflict REGION_AMBIGUOUS.
    """
    async with database.app_transaction() as conn:
        stored = await _held(conn, name)
        check_revision(stored.revision)
        old = {name: getattr(stored, name) for name in CHANGEABLE}
        await regions.update(conn, key=stored.key, fields=old | dict(fields))
        await agents.hint_assignments(conn, region_id=stored.key)
        changed = await regions.get(conn, key=stored.key)
        assert changed is not None
        return changed


async def remove_region(
    database: Database,
    name: str,
    *,
    tenant_id: TenantId | None = None,
    check_revision: Callable[[int], None] = lambda _: None,
) -> None:
    """Take a region out of every monitor and judge those anew on what is left.

    `tenant_id`: whose it must be, None for the operator. Raises NotFound, Conflict REGION_AMBIGUOUS, and what
    `check_revision` raises.

    The votes of a monitor's other regions go on counting. A monitor whose last region this was has its open incident
    resolved for that reason, without notice. Locks are taken in the order of the fleet's watch and of ingest: the
    operator's incidents, the lane, the states, counters; the region's own row, which others refer to, comes last.

    A monitor that was being created meanwhile was not seen, and its transaction ended before the region's row went. Now
    that nothing can refer to the region any more, it is taken out of those as well.
    """
    async with database.app_transaction() as conn:
        stored = await regions.get(conn, key=await find_region(conn, name, tenant_id=tenant_id))
        if stored is None:
            raise NotFound("There is no such region", code="REGION_NOT_FOUND")
        check_revision(stored.revision)
        if stored.tenant_id is not None:
            await region_agents.record_for(conn, tenant_id=stored.tenant_id)
        await operator_incidents.hold_about(conn, region_id=stored.key)
        await ingest.enter_lane(conn, region_id=stored.key, sample=None)
        await _leave(conn, stored.key)
        await regions.delete(conn, key=stored.key)
    async with database.app_transaction() as conn:
        await _leave(conn, stored.key)


async def _leave(conn: Connection, key: int) -> None:
    """Take a region out of every monitor that is seen to have chosen it, and judge these anew.

    All their tenants' counters are held first: judging and resolving would each take some, in orders of their own.
    """
    states = await lock_to_judge(conn, await regions.monitors_naming(conn, key=key))
    await tenants.hold_all_counters(conn, tenant_ids={state.tenant_id for state in states})
    await regions.leave_monitors(conn, key=key, monitor_ids=[state.monitor_id for state in states])
    await regions.leave_assignments(conn, key=key)
    for decision in await judge_monitors(conn, [state.monitor_id for state in states]):
        if decision.judgement.tally.assigned == 0:
            case = decision.case
            await resolve_quietly(conn, tenant_id=case.tenant_id, monitor_id=case.monitor_id, resolution="no_regions")


async def _held(conn: Connection, name: str) -> Region:
    key = await find_region(conn, name)
    await regions.lock(conn, key=key)
    region = await regions.get(conn, key=key)
    if region is None:
        raise NotFound("There is no such region", code="REGION_NOT_FOUND")
    return region
