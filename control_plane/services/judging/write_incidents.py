"""The incident rows and timelines that a decision's step asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from control_plane.domain.alerting import alerting
from control_plane.domain.alerting.alerting import IncidentFacts
from control_plane.domain.judging.incident import Joins, Opens, Proof, Resolves, Worsens
from control_plane.services.installation.identity import new_id
from control_plane.services.judging.judged_case import Judged
from control_plane.store import decisions
from control_plane.store.cases import IncidentRow
from control_plane.store.decisions import Row
from control_plane.store.pool import Connection
from shared.clock import from_unix_ms

EVENT_NAMES: dict[type, str] = {
    Opens: "incident.opened",
    Worsens: "incident.updated",
    Joins: "incident.updated",
    Resolves: "incident.resolved",
}


def tell_facts(steps: Sequence[Judged], *, first_number: int, now: datetime) -> dict[UUID, IncidentFacts]:
    """What is said of each monitor's incident after its step, by monitor. Openings are numbered from `first_number`."""
    facts: dict[UUID, IncidentFacts] = {}
    number = first_number
    for one in steps:
        step = one.decision.step
        if isinstance(step, Opens):
            facts[one.case.monitor_id] = _opening_facts(step, number)
            number += 1
        else:
            assert one.incident is not None
            facts[one.case.monitor_id] = _changed_facts(one.incident, step, now)
    return facts


def _opening_facts(step: Opens, number: int) -> IncidentFacts:
    return IncidentFacts(
        id=new_id(),
        number=number,
        type=step.type,
        severity=step.severity,
        state="triggered",
        started_at=from_unix_ms(step.proof.started_at),
        resolved_at=None,
        cause=step.proof.cause,
        regions_down=step.proof.regions_down,
        regions_up=step.proof.regions_up,
    )


def _changed_facts(incident: IncidentRow, step: object, now: datetime) -> IncidentFacts:
    proof = step.proof if isinstance(step, Worsens) else None
    joined = step.regions if isinstance(step, Joins) else ()
    return IncidentFacts(
        id=incident.id,
        number=incident.number,
        type="down" if proof else incident.type,
        severity=step.severity if isinstance(step, Worsens) else incident.severity,
        state="resolved" if isinstance(step, Resolves) else incident.state,
        started_at=incident.started_at,
        resolved_at=now if isinstance(step, Resolves) else None,
        cause=proof.cause if proof else incident.cause,
        regions_down=proof.regions_down if proof else tuple(sorted({*incident.regions_down, *joined})),
        regions_up=proof.regions_up if proof else tuple(r for r in incident.regions_up if r not in joined),
    )


def incident_event(one: Judged, facts: IncidentFacts) -> tuple[str, UUID, str]:
    """(event, monitor, one-line JSON) for the tenant's stream."""
    name = EVENT_NAMES[type(one.decision.step)]
    return name, one.case.monitor_id, alerting.incident_event(one.facts, facts, one.decision.reason)


def flapping_event(one: Judged, facts: IncidentFacts) -> tuple[str, UUID, str]:
    """(event, monitor, one-line JSON): its incidents open so often that this one waits for calm before it resolves."""
    return "monitor.flapping", one.case.monitor_id, alerting.incident_event(one.facts, facts, one.decision.reason)


async def write_steps(
    conn: Connection, tenant_id: UUID, steps: Sequence[Judged], facts: Mapping[UUID, IncidentFacts], *, now: datetime
) -> None:
    """Insert and update incidents, and append to their timelines."""
    opened: list[Row] = []
    worsened: list[Row] = []
    joined: list[Row] = []
    resolved: list[Row] = []
    timeline: list[Row] = []
    for one in steps:
        fact = facts[one.case.monitor_id]
        match one.decision.step:
            case Opens(type_, severity, proof, held_by):
                head = (tenant_id, fact.id, fact.number, one.case.monitor_id, type_, severity)
                opened.append((*head, *_proof(proof, now), held_by))
                words = proof.cause if held_by is None else f"{proof.cause}. Held back until now: {held_by}"
                timeline.append(_event(tenant_id, fact, "opened", now, words))
            case Worsens(severity, proof):
                worsened.append((tenant_id, fact.id, severity, *_proof_now(proof), now))
                timeline.append(_event(tenant_id, fact, "worsened", now, proof.cause))
            case Joins(regions):
                joined.append((tenant_id, fact.id, list(regions), now))
                if regions:
                    timeline.append(_event(tenant_id, fact, "region_joined", now, ", ".join(regions)))
            case Resolves():
                resolved.append((tenant_id, fact.id, "recovered", now))
                timeline.append(_event(tenant_id, fact, "resolved", now, one.decision.reason))
    await _flush(conn, opened=opened, worsened=worsened, joined=joined, resolved=resolved, timeline=timeline)


async def _flush(
    conn: Connection,
    *,
    opened: list[Row],
    worsened: list[Row],
    joined: list[Row],
    resolved: list[Row],
    timeline: list[Row],
) -> None:
    for rows, write in (
        (opened, decisions.open_incidents),
        (worsened, decisions.worsen_incidents),
        (joined, decisions.join_regions),
        (resolved, decisions.resolve_incidents),
        (timeline, decisions.append_incident_events),
    ):
        if rows:
            await write(conn, rows)


def _proof(proof: Proof, now: datetime) -> Row:
    return (
        proof.cause,
        from_unix_ms(proof.started_at),
        now,
        list(proof.regions_down),
        list(proof.regions_up),
        list(proof.evidence),
    )


def _proof_now(proof: Proof) -> Row:
    return proof.cause, list(proof.regions_down), list(proof.regions_up), list(proof.evidence)


def _event(tenant_id: UUID, fact: IncidentFacts, kind: str, at: datetime, text: str) -> Row:
    return (tenant_id, fact.id, new_id(), kind, at, None, text, {})
