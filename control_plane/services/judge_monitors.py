"""Judging: lock the state rows, read everything else afterwards, decide purely, write it down.

Ingest, the sweep and configuration all come through here, so that there is one lock order and one way to decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.domain.check_rules import RULES
from control_plane.domain.decide import Case, Decision, decide
from control_plane.domain.incident import OpenIncident, RegionVote
from control_plane.domain.votes import Seen
from control_plane.services.judged_case import Judged
from control_plane.services.watch_certificates import Told, add_certificates
from control_plane.services.write_decisions import write_decisions
from control_plane.store import cases
from control_plane.store.certificates import Sighting
from control_plane.store.pool import Connection
from shared.clock import to_unix_ms


class Report(Struct, frozen=True):
    """What the region of this lane has just seen of each monitor, oldest slot first; `certificates` look new."""

    region_id: int
    seen: Mapping[UUID, Sequence[Seen]]
    certificates: Sequence[Sighting] = ()


async def judge_monitors(
    conn: Connection, monitor_ids: Sequence[UUID], *, report: Report | None = None
) -> list[Decision]:
    """Judge these monitors inside the caller's transaction and write what was decided.

    `report` belongs to ingest, whose lane lock is held; everybody else passes none and writes no vote. Monitors that
    are gone are passed over. Returns the decisions, in ascending monitor id.
    """
    states = await cases.lock_states(conn, sorted(set(monitor_ids)))
    if not states:
        return []
    loaded = await _load(conn, states)
    now_ms = await cases.database_clock_ms(conn)
    judged = [
        Judged(case=case, monitor=monitor, incident=incident, decision=_decide(case, now_ms, report))
        for case, monitor, incident in loaded
    ]
    told = await _add_certificates(conn, report, judged) if report and report.certificates else []
    await write_decisions(conn, judged, told=told, now_ms=now_ms)
    unfinished = [one.case.monitor_id for one in judged if one.decision.unfinished]
    if unfinished:
        await judge_monitors(conn, unfinished)
    return [one.decision for one in judged]


async def _add_certificates(conn: Connection, report: Report, judged: Sequence[Judged]) -> list[Told]:
    monitors = {one.case.monitor_id: one.facts for one in judged}
    return await add_certificates(conn, report.certificates, region_id=report.region_id, monitors=monitors)


async def _load(
    conn: Connection, states: Sequence[cases.LockedState]
) -> list[tuple[Case, cases.JudgedMonitor, cases.IncidentRow | None]]:
    ids = [s.monitor_id for s in states]
    monitors = await cases.monitors_to_judge(conn, states)
    votes = await cases.votes_to_judge(conn, ids)
    incidents = await cases.open_incidents(conn, states)
    pending = await cases.pending_rechecks(conn, ids)
    loaded = []
    for state in states:
        monitor, incident = monitors.get(state.monitor_id), incidents.get(state.monitor_id)
        if monitor is not None:
            own = tuple(votes.get(state.monitor_id, ()))
            case = _case(state, monitor, votes=own, incident=incident, pending=state.monitor_id in pending)
            loaded.append((case, monitor, incident))
    return loaded


def _case(
    state: cases.LockedState,
    monitor: cases.JudgedMonitor,
    *,
    votes: tuple[RegionVote, ...],
    incident: cases.IncidentRow | None,
    pending: bool,
) -> Case:
    return Case(
        tenant_id=state.tenant_id,
        monitor_id=state.monitor_id,
        verdict=state.verdict,
        reason=state.reason,
        since_ms=to_unix_ms(state.since),
        judged_at_ms=to_unix_ms(state.judged_at),
        tally=state.tally,
        hushed=state.hushed,
        policy=monitor.policy,
        confirmations=monitor.confirmations,
        alert_on=monitor.alert_on,
        severity=monitor.severity,
        fast_confirmation=RULES[monitor.kind].fast_confirmation if monitor.kind in RULES else True,
        votes=votes,
        open_incident=OpenIncident(incident.type, incident.regions_down) if incident else None,
        rechecks_pending=pending,
    )


def _decide(case: Case, now_ms: int, report: Report | None) -> Decision:
    if report is None:
        return decide(case, now_ms=now_ms)
    return decide(case, now_ms=now_ms, region_id=report.region_id, seen=report.seen.get(case.monitor_id, ()))
