"""Run a check that is not saved, once per region, and hand back what was seen. Nothing of it is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.checks.check_rules import read_check, rules_of
from control_plane.domain.checks.kinds import MonitorCheck, for_regions, kind_of
from control_plane.domain.field_rules import Findings, refuse_unknown
from control_plane.domain.monitors.region_choice import RegionChoice, read_regions
from control_plane.domain.safety.registrable_domain import domain_of, target_of
from control_plane.domain.safety.safety_settings import SafetySettings
from control_plane.errors import BadRequest, Unavailable
from control_plane.sealing import Sealer
from control_plane.services.installation.identity import new_id
from control_plane.services.monitors.await_dispatches import CLAIM_WITHIN_S, Wake, await_dispatches
from control_plane.services.monitors.change_monitor import lock
from control_plane.services.monitors.credentials import dispatch_context, seal_check
from control_plane.services.monitors.monitor_rows import Caution, opened_check, read_surroundings
from control_plane.services.safety.domain_budget import require_room
from control_plane.services.safety.refuse_target import refuse_port_scan
from control_plane.store import assignments_write, dispatch_requests, monitors
from control_plane.store.dispatch_requests import DispatchFate, DispatchRequest
from control_plane.store.pool import Database
from shared.checks import Check
from shared.ids import MonitorId, TenantId
from shared.netpolicy import PortProfile
from shared.results import CheckResult

FIELDS = ("check", "regions")
GRACE_S = 5.0
"""What an agent needs beyond the check's own timeout: its self-test, and the way back."""


class TestResult(Struct, frozen=True):
    """What one region saw."""

    __test__ = False

    region: str
    result: CheckResult


class TestReport(Struct, frozen=True):
    """What the regions saw, in order of region, and what went otherwise than asked."""

    __test__ = False

    results: list[TestResult]
    warnings: list[Caution]


class TestOrder(Struct, frozen=True):
    """A test that was ordered: which region has which dispatch."""

    __test__ = False

    regions: dict[UUID, str]
    timeout_ms: int


async def order_test(
    database: Database,
    sealer: Sealer,
    *,
    tenant_id: TenantId,
    body: Mapping[str, Any],
    ports: PortProfile,
    monitor_id: MonitorId | None = None,
) -> TestOrder:
    """Read the body {check, regions?} and write the dispatches. Without `regions` one live region is taken.

    `monitor_id`: the check is merged onto that monitor's, so that its secrets need not be sent again. Raises what
    creating a monitor raises, and Unavailable PROBE_UNAVAILABLE when no region has a live agent, KILL_SWITCH_ACTIVE
    while nothing is dispatched, TooMany when the target's domain is tested too often.
    """
    async with database.tenant(tenant_id) as conn:
        surroundings = await read_surroundings(conn, tenant_id=tenant_id, body={}, ports=ports)
    regions = read_regions(body.get("regions"), "/regions", choices=surroundings.regions)
    async with database.app() as conn:
        live = await assignments_write.live_agents(conn, region_ids=[region.id for region in regions])
    if body.get("regions") is None:
        regions = _one_live(regions, live)
    surroundings.gate.refuse_stopped()
    stored = None if monitor_id is None else await _stored(database, sealer, tenant_id=tenant_id, monitor_id=monitor_id)
    check = _read(body, regions, ports, stored)
    surroundings.gate.refuse(check, "/check")
    if not any(live.get(region.id) for region in regions):
        raise Unavailable("None of these regions has a live agent", code="PROBE_UNAVAILABLE")
    await require_room(database, domain_of(target_of(check)), wanted=len(regions))
    settings = surroundings.gate.settings
    return await _write(database, sealer, tenant_id=tenant_id, check=check, regions=regions, settings=settings)


async def await_test(database: Database, order: TestOrder, *, tenant_id: TenantId, wake: Wake) -> TestReport:
    """Wait for the outcome, at most the claim, the timeout and GRACE_S. Raises Unavailable PROBE_UNAVAILABLE."""
    outcomes: dict[UUID, CheckResult] = {}

    async def done(fates: Sequence[DispatchFate]) -> frozenset[UUID]:
        for fate in fates:
            if fate.result is not None:
                outcomes[fate.id] = msgspec.json.decode(fate.result, type=CheckResult)
        return frozenset(outcomes)

    await await_dispatches(
        database,
        tenant_id=tenant_id,
        ids=list(order.regions),
        answer_within_s=order.timeout_ms / 1000 + GRACE_S,
        done=done,
        wake=wake,
    )
    found = [TestResult(order.regions[id_], result) for id_, result in outcomes.items()]
    missing = sorted(region for id_, region in order.regions.items() if id_ not in outcomes)
    return TestReport(
        sorted(found, key=lambda each: each.region),
        [Caution("PROBE_UNAVAILABLE", f"Region {region} did not answer in time") for region in missing],
    )


async def _stored(database: Database, sealer: Sealer, *, tenant_id: TenantId, monitor_id: MonitorId) -> MonitorCheck:
    """The monitor's check with its secrets. Raises NotFound MONITOR_NOT_FOUND, Unavailable."""
    async with database.tenant_transaction(tenant_id) as conn:
        return opened_check(sealer, await lock(conn, tenant_id=tenant_id, monitor_id=monitor_id))


def _read(
    body: Mapping[str, Any], regions: Sequence[RegionChoice], ports: PortProfile, stored: MonitorCheck | None
) -> Check:
    findings = Findings()
    refuse_unknown(body, known=FIELDS, pointer="", findings=findings)
    given = body.get("check")
    if given is None:
        findings.add(BadRequest("check is required", code="MISSING_FIELD", field="/check"))
    private = all(region.private for region in regions)
    check = findings.take(
        lambda value, _: read_check(value, stored=stored, policy_is_private=private, ports=ports), given, "/check"
    )
    findings.raise_any()
    assert check is not None
    if rules_of(check).regionless:
        message = f"a {kind_of(check)} asks nobody, so there is nothing to test: create the monitor"
        raise BadRequest(message, code="NOT_FOR_THIS_KIND", field="/check/type")
    return for_regions(check)


def _one_live(regions: Sequence[RegionChoice], live: Mapping[int, int]) -> tuple[RegionChoice, ...]:
    """One region that can answer now: a private one first, since it may reach what shared ones may not."""
    ordered = sorted(regions, key=lambda region: (not live.get(region.id), not region.private, region.id))
    return tuple(ordered[:1])


async def _write(
    database: Database,
    sealer: Sealer,
    *,
    tenant_id: TenantId,
    check: Check,
    regions: Sequence[RegionChoice],
    settings: SafetySettings,
) -> TestOrder:
    ids = {new_id(): region for region in regions}
    async with database.tenant_transaction(tenant_id) as conn:
        await refuse_port_scan(conn, settings, tenant_id=tenant_id, check=check, regions=regions)
        now_ms = await monitors.now_ms(conn)
        life_ms = round((CLAIM_WITHIN_S + GRACE_S) * 1000) + check.timeout
        requests = []
        for id_, region in ids.items():
            document, sealed = seal_check(sealer, check, context=dispatch_context(id_))
            requests.append(
                DispatchRequest(
                    id=id_,
                    region_id=region.id,
                    kind="test",
                    slot=now_ms,
                    expires_ms=now_ms + life_ms,
                    check=document,
                    sealed=sealed,
                    domain=domain_of(target_of(check)),
                )
            )
        await dispatch_requests.insert_dispatches(conn, tenant_id=tenant_id, requests=requests)
    return TestOrder({id_: region.slug for id_, region in ids.items()}, check.timeout)
