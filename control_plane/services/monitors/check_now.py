"""Check a monitor now, in all of its regions or one. The results are stored and vote like any other."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.domain.checks.regionless import kind_is_regionless
from control_plane.errors import BadRequest, Conflict, Refused, TooMany
from control_plane.services.installation.identity import new_id
from control_plane.services.monitors.await_dispatches import CLAIM_WITHIN_S, await_dispatches
from control_plane.services.monitors.change_monitor import lock
from control_plane.services.safety.domain_budget import domains_of, require_room
from control_plane.services.safety.read_gate import read_gate
from control_plane.services.safety.refuse_target import refuse_blocked
from control_plane.store import assignments_write, dispatch_requests, monitors, results_read
from control_plane.store.dispatch_requests import DispatchFate, DispatchRequest
from control_plane.store.monitors import MonitorRow
from control_plane.store.pool import Connection, Database
from control_plane.store.results_read import ResultRow
from shared.ids import MonitorId, TenantId

ONCE_IN_S = 10
"""One check-now per monitor in this time."""

GRACE_S = 5.0
"""What a result needs beyond the check's own timeout: the agent's self-test, the batch, the commit."""


class CheckNowOrder(Struct, frozen=True):
    """What was ordered: dispatch → (region id, slot), and the regions by id."""

    slots: dict[UUID, tuple[int, int]]
    regions: dict[int, str]
    timeout_ms: int


async def order_check_now(
    database: Database, *, tenant_id: TenantId, monitor_id: MonitorId, region: str | None
) -> CheckNowOrder:
    """Write one dispatch for each region, due now.

    Raises NotFound MONITOR_NOT_FOUND, BadRequest NOT_FOR_THIS_KIND for a kind without regions, Conflict
    MONITOR_PAUSED, Refused INVALID_REGIONS for a region that the monitor has not, TooMany within ONCE_IN_S of the one
    before, or when the target's domain is checked too often, Unavailable KILL_SWITCH_ACTIVE, and Refused with the code
    of the rule that keeps it from all agents.
    """
    async with database.tenant(tenant_id) as conn:
        (await read_gate(conn, tenant_id=tenant_id)).refuse_stopped()
        domain = (await domains_of(conn, {monitor_id: tenant_id})).get(monitor_id)
    await require_room(database, domain, wanted=1)  # how many regions it has is not known yet
    async with database.tenant_transaction(tenant_id) as conn:
        row = await lock(conn, tenant_id=tenant_id, monitor_id=monitor_id)
        if kind_is_regionless(row.kind):
            message = f"no region checks a {row.kind}: its verdict follows by itself, there is nothing to ask for"
            raise BadRequest(message, code="NOT_FOR_THIS_KIND")
        if not row.enabled:
            raise Conflict("The monitor is paused: resume it, or test its check instead", code="MONITOR_PAUSED")
        await refuse_blocked(conn, tenant_id=tenant_id, monitor_id=monitor_id)
        now_ms = await monitors.now_ms(conn)
        await _refuse_too_soon(conn, row, now_ms)
        regions = await _regions(conn, row, region)
        timeout_ms: int = row.check["timeout"]
        requests = [
            DispatchRequest(
                id=new_id(),
                region_id=region_id,
                kind="check_now",
                slot=now_ms,
                expires_ms=now_ms + round((CLAIM_WITHIN_S + GRACE_S) * 1000) + timeout_ms,
                monitor_id=row.id,
                check_version=row.check_version,
                domain=domain,
            )
            for region_id in regions
        ]
        await dispatch_requests.insert_dispatches(conn, tenant_id=tenant_id, requests=requests)
        return CheckNowOrder({r.id: (r.region_id, r.slot) for r in requests}, regions, timeout_ms)


async def await_check_now(
    database: Database, order: CheckNowOrder, *, tenant_id: TenantId, monitor_id: MonitorId
) -> tuple[list[ResultRow], list[str]]:
    """The stored results, and the regions that did not answer in time. Raises Unavailable PROBE_UNAVAILABLE."""
    ids = {slot: id_ for id_, slot in order.slots.items()}
    results: list[ResultRow] = []

    async def done(fates: Sequence[DispatchFate]) -> frozenset[UUID]:
        if any(fate.claimed for fate in fates):
            async with database.tenant(tenant_id) as conn:
                results[:] = await results_read.results_of_slots(
                    conn, tenant_id=tenant_id, monitor_id=monitor_id, slots=list(ids)
                )
        return frozenset(ids[result.region_id, result.slot] for result in results)

    answered = await await_dispatches(
        database,
        tenant_id=tenant_id,
        ids=list(order.slots),
        answer_within_s=order.timeout_ms / 1000 + GRACE_S,
        done=done,
    )
    silent = [order.regions[region_id] for id_, (region_id, _) in order.slots.items() if id_ not in answered]
    return results, sorted(silent)


async def _refuse_too_soon(conn: Connection, row: MonitorRow, now_ms: int) -> None:
    last = await dispatch_requests.last_check_now(
        conn, tenant_id=row.tenant_id, monitor_id=row.id, after_ms=now_ms - ONCE_IN_S * 1000
    )
    if last is not None:
        wait_s = max(1, ONCE_IN_S - (now_ms - last) // 1000)
        raise TooMany(f"This monitor was checked on demand less than {ONCE_IN_S} s ago", retry_after_s=wait_s)


async def _regions(conn: Connection, row: MonitorRow, wanted: str | None) -> dict[int, str]:
    visible = await assignments_write.visible_regions(conn, tenant_id=TenantId(row.tenant_id))
    own = {region.id: region.slug for region in visible if region.id in row.regions}
    chosen = {id_: slug for id_, slug in own.items() if wanted in (None, slug)}
    if not chosen:
        names = ", ".join(sorted(own.values())) or "none"
        raise Refused(f"The monitor has no such region; it has: {names}", code="INVALID_REGIONS", field="/region")
    return chosen
