"""/monitors/{id}: what its regions say, and what that proves."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct, field

from control_plane.domain.checks.capability import explained
from control_plane.domain.judging.prospects import SOLE_RULE, prospects, rule, run_of, slots_expected, sole_prospects
from control_plane.domain.judging.standing import CIRCUIT_OPEN, sentences
from control_plane.domain.judging.verdict import Policy, Tally, quorum, required
from control_plane.errors import NotFound
from control_plane.store import assignments_write, results_read
from control_plane.store.monitor_reads import MonitorView, RegionState
from control_plane.store.standing import read_standing
from control_plane.tenant_api.monitor_views import AdvisoryJson, PolicyJson, advisories_json, from_slot
from control_plane.tenant_api.one_monitor import PATH, READS, read_monitor
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route

SLOTS_WATCHED = 60
"""How many of the latest slots the gaps are counted over."""


class SlotsJson(Struct, frozen=True):
    """Scheduled slots since `from`, and how many of them have no result."""

    from_: datetime = field(name="from")
    expected: int = 0
    missed: int = 0


class VoteJson(Struct, frozen=True, kw_only=True):
    """One region's vote. `vote` null: none yet. `run` says how far it is on its way to another one.

    `shown` is up, degraded or down while the vote is fresh; incapable where the region's agents cannot run this check,
    for the reason in `incapable`; silent where its vote has expired; none where it has none yet.
    """

    region: str
    name: str
    enabled: bool
    shown: str
    incapable: str | None
    vote: str | None
    fresh: bool
    degraded: bool
    since: datetime | None
    newest_slot: datetime | None
    expires_at: datetime | None
    reason: str | None
    message: str | None
    bad_run: int
    good_run: int
    degraded_run: int
    run: str | None
    live_agents: int
    slots: SlotsJson


class VotesJson(Struct, frozen=True):
    """Every assigned region's vote, at the server's `now`."""

    now: datetime
    check_version: int
    confirmations: int
    regions: list[VoteJson]
    advisories: list[AdvisoryJson]


class VerdictJson(Struct, frozen=True, kw_only=True):
    """The verdict, what it rests on, and what would change it. `required` fresh down votes prove an outage.

    `incapable`: sentences about regions whose agents cannot run this check. They count among those assigned and never
    vote. `standing`: why there is an incident or none, as far as the verdict alone does not say it: holds, flapping,
    what a person resolved or reopened. `circuit` is CIRCUIT_OPEN while it is checked less often because it is down.
    """

    verdict: str
    shown: str
    reason: str
    since: datetime
    policy: PolicyJson
    required: int
    quorum: int
    assigned: int
    fresh_up: int
    fresh_down: int
    fresh_degraded: int
    last_down: int
    rule: str
    would_change: list[str]
    incapable: list[str]
    regions: list[VoteJson]
    advisories: list[AdvisoryJson]
    held_by: str | None
    standing: list[str]
    incident_id: UUID | None
    circuit: str | None


async def votes(call: Call) -> Reply:
    view = await read_monitor(call, call.uuid("monitor_id"))
    now = from_slot(view.now_ms) or datetime.now(UTC)
    said = await _votes(call, view)
    return Reply(VotesJson(now, view.check_version, view.confirmations, said, advisories_json(view)))


async def verdict(call: Call) -> Reply:
    view = await read_monitor(call, call.uuid("monitor_id"))
    policy = Policy(view.region_policy, view.region_policy_count)  # type: ignore[arg-type] # monitors_policy_known
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await read_standing(conn, tenant_id=tenant_id, monitor_id=view.id)
    if found is None:
        raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
    counts = found.tally if found.sole else _tally(view)
    incapable = {region.slug: region.incapable for region in view.regions if region.incapable}
    if found.sole:
        would_change = sole_prospects(view.kind, verdict=found.standing.verdict, enabled=view.enabled)
    else:
        would_change = prospects(counts, policy=policy, verdict=found.standing.verdict)
    return Reply(
        VerdictJson(
            verdict=view.verdict,
            shown=view.shown,
            reason=view.reason,
            since=view.since,
            policy=view.region_policy if policy.k is None else {"count": policy.k},
            required=required(policy, counts.assigned),
            quorum=quorum(policy, counts.assigned),
            assigned=counts.assigned,
            fresh_up=counts.fresh_up,
            fresh_down=counts.fresh_down,
            fresh_degraded=counts.fresh_degraded,
            last_down=counts.last_down,
            rule=SOLE_RULE if found.sole else rule(policy, counts.assigned),
            would_change=list(would_change),
            incapable=list(explained(incapable, policy=policy, assigned=counts.assigned)),
            regions=await _votes(call, view),
            advisories=advisories_json(view),
            held_by=view.held_by,
            standing=list(sentences(found.standing)),
            incident_id=found.incident_id,
            circuit=CIRCUIT_OPEN if found.standing.backed_off_at else None,
        )
    )


async def _votes(call: Call, view: MonitorView) -> list[VoteJson]:
    interval_ms = view.interval_s * 1000
    end_ms = view.now_ms - interval_ms  # a slot has its interval to be answered in
    start_ms = max(view.first_slot, end_ms - SLOTS_WATCHED * interval_ms)
    tenant_id = call.tenant().tenant_id
    kept: dict[int, int] = {}
    if start_ms < end_ms:
        async with call.deps.database.tenant(tenant_id) as conn:
            kept = await results_read.count_on_phase(
                conn,
                tenant_id=tenant_id,
                monitor_id=view.id,
                start_ms=start_ms,
                end_ms=end_ms,
                interval_ms=interval_ms,
            )
    async with call.deps.database.app() as conn:
        live = await assignments_write.live_agents(conn, region_ids=[region.id for region in view.regions])
    return [
        _vote(view, region, live=live.get(region.id, 0), slots=_slots(region, start_ms, end_ms, interval_ms, kept))
        for region in view.regions
    ]


def _slots(region: RegionState, start_ms: int, end_ms: int, interval_ms: int, kept: dict[int, int]) -> SlotsJson:
    expected = 0
    if region.phase_ms is not None:
        expected = slots_expected(phase_ms=region.phase_ms, interval_ms=interval_ms, start_ms=start_ms, end_ms=end_ms)
    start = from_slot(start_ms) or datetime.now(UTC)
    return SlotsJson(start, expected, max(0, expected - kept.get(region.id, 0)))


def _vote(view: MonitorView, region: RegionState, *, live: int, slots: SlotsJson) -> VoteJson:
    counted = region.newest_slot > 0
    return VoteJson(
        region=region.slug,
        name=region.name,
        enabled=region.enabled,
        shown=region.shown(view.now_ms),
        incapable=region.incapable or None,
        vote=region.vote,
        fresh=region.fresh(view.now_ms),
        degraded=region.degraded,
        since=from_slot(region.vote_since),
        newest_slot=from_slot(region.newest_slot) if counted else None,
        expires_at=from_slot(region.newest_slot + (region.window_ms or 0)) if counted else None,
        reason=region.reason,
        message=region.message,
        bad_run=region.bad_run,
        good_run=region.good_run,
        degraded_run=region.degraded_run,
        run=run_of(
            vote=region.vote,
            bad_run=region.bad_run,
            good_run=region.good_run,
            degraded_run=region.degraded_run,
            confirmations=view.confirmations,
        ),
        live_agents=live,
        slots=slots,
    )


def _tally(view: MonitorView) -> Tally:
    fresh = [region for region in view.regions if region.fresh(view.now_ms)]
    return Tally(
        assigned=len(view.regions) if view.enabled else 0,
        fresh_up=sum(region.vote == "up" for region in fresh),
        fresh_down=sum(region.vote == "down" for region in fresh),
        fresh_degraded=sum(region.vote == "up" and region.degraded for region in fresh),
        last_down=sum(region.vote == "down" for region in view.regions),
    )


ROUTES = (
    Route(
        method="GET",
        path=f"{PATH}/votes",
        handler=votes,
        operation="get_monitor_votes",
        summary="What each region says",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:read",
        reply=VotesJson,
        errors=READS,
    ),
    Route(
        method="GET",
        path=f"{PATH}/verdict",
        handler=verdict,
        operation="get_monitor_verdict",
        summary="Why the verdict is what it is, and what would change it",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:read",
        reply=VerdictJson,
        errors=READS,
    ),
)
