"""Judging: lock the state rows, read everything else afterwards, decide purely, write it down.

Ingest, the sweep and configuration all come through here, so that there is one lock order and one way to decide.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from control_plane.domain.checks.check_rules import RULES
from control_plane.domain.judging import hold
from control_plane.domain.judging.case import Case, Decision, sole_region_vote
from control_plane.domain.judging.circuit import Circuit
from control_plane.domain.judging.decide import decide
from control_plane.domain.judging.hold import Held, Hold, Upstream
from control_plane.domain.judging.incident import OpenIncident, RegionVote
from control_plane.domain.judging.sole_vote import SoleVote
from control_plane.domain.judging.verdict import Policy
from control_plane.domain.judging.votes import Seen, asked
from control_plane.services.judging.judged_case import Judged, window_of
from control_plane.services.judging.lock_to_judge import lock_to_judge
from control_plane.services.judging.sole_votes import read_sole_votes
from control_plane.services.judging.write_decisions import write_decisions
from control_plane.services.monitors.watch_certificates import Told, add_certificates
from control_plane.store import cases, holds
from control_plane.store.certificates import Sighting
from control_plane.store.holds import Maintenance
from control_plane.store.pool import Connection
from shared.clock import to_unix_ms


class Report(Struct, frozen=True):
    """What the region of this lane has just seen of each monitor, oldest slot first; `certificates` look new."""

    region_id: int
    seen: Mapping[UUID, Sequence[Seen]]
    certificates: Sequence[Sighting] = ()


class _Read(Struct, frozen=True):
    """Everything that judging reads once the state rows are locked, by monitor."""

    now_ms: int
    monitors: Mapping[UUID, cases.JudgedMonitor]
    votes: Mapping[UUID, Sequence[RegionVote]]
    sole: Mapping[UUID, SoleVote]
    incidents: Mapping[UUID, cases.IncidentRow]
    hushed_slow: Collection[UUID]
    pending: Collection[UUID]
    maintenance: Mapping[UUID, Maintenance]
    upstreams: Mapping[UUID, Sequence[Upstream]]


async def judge_monitors(
    conn: Connection, monitor_ids: Sequence[UUID], *, report: Report | None = None
) -> list[Decision]:
    """Judge these monitors inside the caller's transaction and write what was decided.

    `report` belongs to ingest, whose lane lock is held; everybody else passes none and writes no vote. Monitors that
    are gone are passed over. Returns the decisions, in ascending monitor id.
    """
    states = await lock_to_judge(conn, monitor_ids)
    if not states:
        return []
    read = await _read(conn, states)
    known = [(state, read.monitors[state.monitor_id]) for state in states if state.monitor_id in read.monitors]
    judged = [_judge(state, monitor, read, report) for state, monitor in known]
    told = await _add_certificates(conn, report, judged) if report and report.certificates else []
    await write_decisions(conn, judged, told=told, now_ms=read.now_ms)
    unfinished = [one.case.monitor_id for one in judged if one.decision.unfinished]
    if unfinished:
        await judge_monitors(conn, unfinished)
    return [one.decision for one in judged]


async def _add_certificates(conn: Connection, report: Report, judged: Sequence[Judged]) -> list[Told]:
    monitors = {one.case.monitor_id: one.facts for one in judged}
    return await add_certificates(conn, report.certificates, region_id=report.region_id, monitors=monitors)


async def _read(conn: Connection, states: Sequence[cases.LockedState]) -> _Read:
    ids = [s.monitor_id for s in states]
    now_ms = await cases.database_clock_ms(conn)
    monitors = await cases.monitors_to_judge(conn, states, now_ms=now_ms)
    return _Read(
        now_ms=now_ms,
        monitors=monitors,
        votes=await cases.votes_to_judge(conn, ids),
        sole=await read_sole_votes(conn, states, monitors, now_ms=now_ms),
        incidents=await cases.open_incidents(conn, states),
        hushed_slow=await _hushed_slow(conn, states),
        pending=await cases.pending_rechecks(conn, ids),
        maintenance=await holds.maintenance(conn, ids, now_ms=now_ms),
        upstreams=await holds.upstreams(conn, ids),
    )


async def _hushed_slow(conn: Connection, states: Sequence[cases.LockedState]) -> set[UUID]:
    hushed = [(s.tenant_id, s.monitor_id) for s in states if s.hushed]
    return await holds.hushed_slow(conn, hushed) if hushed else set()


def _judge(state: cases.LockedState, monitor: cases.JudgedMonitor, read: _Read, report: Report | None) -> Judged:
    case = _case(state, monitor, read)
    if report is None:
        decision = decide(case, now_ms=read.now_ms)
    else:
        seen = report.seen.get(case.monitor_id, ())
        decision = decide(case, now_ms=read.now_ms, region_id=report.region_id, seen=seen)
    stored = {v.vote.region_id: v.vote.degraded for v in read.votes.get(case.monitor_id, ())}
    misread = any(v.vote.degraded != stored.get(v.vote.region_id, v.vote.degraded) for v in case.votes)
    incident = read.incidents.get(case.monitor_id)
    return Judged(case=case, monitor=monitor, incident=incident, decision=decision, misread=misread)


def _case(state: cases.LockedState, monitor: cases.JudgedMonitor, read: _Read) -> Case:
    incident = read.incidents.get(state.monitor_id)
    sole = read.sole.get(state.monitor_id)
    stored = read.votes.get(state.monitor_id, ())
    votes = tuple(replace(v, vote=asked(v.vote, confirmations=monitor.confirmations)) for v in stored)
    upstreams = tuple(read.upstreams.get(state.monitor_id, ()))
    return Case(
        tenant_id=state.tenant_id,
        monitor_id=state.monitor_id,
        verdict=state.verdict,
        since_ms=to_unix_ms(state.since),
        judged_at_ms=to_unix_ms(state.judged_at),
        hushed=state.hushed,
        policy=monitor.policy if sole is None else Policy("any"),
        confirmations=monitor.confirmations if sole is None else 1,
        alert_on=monitor.alert_on,
        severity=monitor.severity,
        fast_confirmation=RULES[monitor.kind].fast_confirmation if monitor.kind in RULES else True,
        votes=votes if sole is None else (sole_region_vote(sole, now_ms=read.now_ms),),
        open_incident=OpenIncident(incident.type, incident.regions_down, incident.held_open) if incident else None,
        hushed_slow=state.monitor_id in read.hushed_slow,
        rechecks_pending=state.monitor_id in read.pending,
        recent_openings=monitor.recent_openings,
        well_since_ms=_ms(state.well_since),
        hold=_hold(read.maintenance.get(state.monitor_id), upstreams),
        held=Held(_ms(state.held_since), state.held_by, _ms(state.hold_ended_at)),
        upstreams=upstreams,
        waits_until_ms=_ms(state.waits_until),
        circuit=_circuit(state, monitor, votes),
        turns_at_ms=None if sole is None else sole.due_ms,
    )


def _circuit(state: cases.LockedState, monitor: cases.JudgedMonitor, votes: Sequence[RegionVote]) -> Circuit:
    usual_ms = window_of(monitor, monitor.interval_s * 1000)
    lengthened = any(v.vote.window_ms > usual_ms for v in votes)
    return Circuit(monitor.backoff_when_down and bool(votes), _ms(state.backed_off_at), lengthened)


def _hold(maintenance: Maintenance | None, upstreams: Sequence[Upstream]) -> Hold | None:
    """A window comes first in the words, since it has an end."""
    if maintenance is None:
        return hold.holding(upstreams)
    words = f"Maintenance “{maintenance.title}”" if maintenance.title else "Maintenance"
    return Hold(words, _ms(maintenance.ends_at))


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else to_unix_ms(instant)
