"""Writing decisions down, set by set: votes, states, re-checks, and for each tenant what people hear of.

All of it happens in the transaction that decided, under the state rows' locks. Tenants' counter rows are locked last,
in ascending tenant id, so that two deciding transactions cannot wait for each other in a circle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from control_plane.domain.alerting import alerting
from control_plane.domain.judging import circuit
from control_plane.domain.judging.incident import Opens
from control_plane.services.judging.judged_case import Judged, window_of
from control_plane.services.judging.owe_notices import find_owed, owe
from control_plane.services.judging.write_incidents import flapping_event, incident_event, tell_facts, write_steps
from control_plane.services.judging.write_rechecks import write_rechecks
from control_plane.services.monitors.watch_certificates import Told
from control_plane.store import assignments_write, decisions, ingest
from control_plane.store.pool import Connection
from shared.clock import from_unix_ms
from shared.results import Reason


async def write_decisions(
    conn: Connection, judged: Sequence[Judged], *, now_ms: int, told: Sequence[Told] = ()
) -> None:
    """Write everything that was decided, and the events `told` of judged monitors. The caller commits."""
    votes = [_vote_row(one) for one in judged if one.decision.vote is not None]
    if votes:
        await ingest.save_votes(conn, votes)
    for one in judged:
        if one.misread:
            ids = {"tenant_id": one.case.tenant_id, "monitor_id": one.case.monitor_id}
            await decisions.read_votes_anew(conn, **ids, confirmations=one.case.confirmations)
    await decisions.save_states(conn, [_state_row(one) for one in judged])
    await write_rechecks(conn, judged)
    await _turn_circuits(conn, judged)
    if any(one.decision.transitions for one in judged):
        await decisions.tell_judges(conn)
    by_tenant: dict[UUID, list[Judged]] = defaultdict(list)
    mentioned = {monitor_id for _, monitor_id, _ in told}
    for one in judged:
        if one.decision.transitions or one.decision.step or one.case.monitor_id in mentioned:
            by_tenant[one.case.tenant_id].append(one)
    for tenant_id in sorted(by_tenant):
        await _write_tenant(conn, tenant_id, by_tenant[tenant_id], told=told, now=from_unix_ms(now_ms))


def _vote_row(one: Judged) -> decisions.Row:
    vote = one.decision.vote
    assert vote is not None
    return (
        one.case.monitor_id,
        vote.region_id,
        one.case.tenant_id,
        vote.check_version,
        vote.window_ms,
        vote.newest_slot,
        vote.vote,
        vote.renewed,
        vote.degraded,
        vote.steady(one.case.confirmations),
        vote.bad_run,
        vote.good_run,
        vote.degraded_run,
        vote.earned,
        vote.first_bad_slot,
        vote.vote_since,
        vote.reason,
        vote.message,
        vote.evidence,
    )


def _state_row(one: Judged) -> decisions.Row:
    decision, counts = one.decision, one.decision.judgement.tally
    return (
        one.case.tenant_id,
        one.case.monitor_id,
        decision.judgement.verdict,
        decision.reason,
        from_unix_ms(decision.since_ms),
        from_unix_ms(decision.now_ms),
        decision.hushed,
        counts.assigned,
        counts.fresh_up,
        counts.fresh_down,
        counts.fresh_degraded,
        counts.last_down,
        _instant(decision.well_since_ms),
        _instant(decision.due_ms),
        _instant(decision.held.since_ms),
        decision.held.by,
        _instant(decision.held.ended_ms),
        _instant(decision.waits_until_ms),
        _backed_off_at(one),
    )


def _backed_off_at(one: Judged) -> datetime | None:
    match one.decision.circuit_turn:
        case "opens":
            return _instant(one.decision.now_ms)
        case "closes":
            return None
        case "settles" | None:
            return _instant(one.case.circuit.since_ms)


def _instant(unix_ms: int | None) -> datetime | None:
    return None if unix_ms is None else from_unix_ms(unix_ms)


async def _turn_circuits(conn: Connection, judged: Sequence[Judged]) -> None:
    """Back off, or go back to the interval: agents are told as of any change of their assignments."""
    turned: set[int] = set()
    for one in judged:
        ids = {"tenant_id": one.case.tenant_id, "monitor_id": one.case.monitor_id}
        interval_ms = one.monitor.interval_s * 1000
        longer_ms = circuit.backed_off_ms(interval_ms)
        match one.decision.circuit_turn:
            case "opens":
                cadence_s, window_ms = longer_ms // 1000, window_of(one.monitor, longer_ms)
                turned |= {*await decisions.set_cadence(conn, **ids, cadence_s=cadence_s, window_ms=window_ms)}
            case "closes":
                window_ms = window_of(one.monitor, interval_ms)
                turned |= {*await decisions.set_cadence(conn, **ids, cadence_s=None, window_ms=window_ms)}
            case "settles":
                await decisions.set_window(conn, **ids, window_ms=window_of(one.monitor, interval_ms))
    if turned:
        await assignments_write.notify_regions(conn, sorted(turned))


async def _write_tenant(
    conn: Connection, tenant_id: UUID, judged: Sequence[Judged], *, told: Sequence[Told], now: datetime
) -> None:
    """One tenant's transitions, incidents, notices and events, numbered from its counters."""
    own = {one.case.monitor_id for one in judged}
    besides = [event for event in told if event[1] in own]
    steps = [one for one in judged if one.decision.step is not None]
    changes = [change for one in judged for change in _verdict_changes(one)]
    owed = await find_owed(conn, tenant_id, steps)
    opening = sum(isinstance(one.decision.step, Opens) for one in steps)
    flapping = [one for one in steps if isinstance(one.decision.step, Opens) and one.decision.step.type == "flapping"]
    count = len(changes) + len(steps) + len(flapping) + len(besides)
    last = await decisions.take_numbers(
        conn, tenant_id=tenant_id, events=count, incidents=opening, deliveries=len(owed)
    )
    first_event = last.events - count + 1
    await _append_transitions(conn, tenant_id, judged, _numbers_of_changes(changes, first_event))
    facts = tell_facts(steps, first_number=last.incidents - opening + 1, now=now)
    await write_steps(conn, tenant_id, steps, facts, now=now)
    await owe(conn, tenant_id, owed, facts, first_number=last.deliveries - len(owed) + 1, now=now)
    events = changes + [incident_event(one, facts[one.case.monitor_id]) for one in steps]
    events += [flapping_event(one, facts[one.case.monitor_id]) for one in flapping] + besides
    await decisions.append_events(conn, [(tenant_id, first_event + i, now, *event) for i, event in enumerate(events)])


def _numbers_of_changes(changes: Sequence[tuple[str, UUID, str]], first: int) -> list[int]:
    """The event numbers of verdict.changed, in order: a transition has the number of its event."""
    return [first + i for i, (name, _, _) in enumerate(changes) if name == "verdict.changed"]


async def _append_transitions(
    conn: Connection, tenant_id: UUID, judged: Sequence[Judged], numbers: Sequence[int]
) -> None:
    rows: list[decisions.Row] = [
        (tenant_id, one.case.monitor_id, from_unix_ms(t.at_ms), t.previous, t.verdict, t.reason)
        for one in judged
        for t in one.decision.transitions
    ]
    if rows:
        numbered = [(*row[:3], number, *row[3:]) for number, row in zip(numbers, rows, strict=True)]
        await decisions.append_transitions(conn, numbered)


def _verdict_changes(one: Judged) -> list[tuple[str, UUID, str]]:
    return [
        (name, one.case.monitor_id, data)
        for transition in one.decision.transitions
        for name, data in alerting.verdict_events(transition, one.facts, missed=_missed(one))
    ]


def _missed(one: Judged) -> bool:
    """Whether it is a heartbeat that is down because nothing came in time."""
    return one.monitor.kind == "heartbeat" and any(
        v.vote.vote == "down" and v.vote.reason == Reason.TIMEOUT for v in one.case.votes
    )
