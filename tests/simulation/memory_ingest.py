"""What ingest asks of the store: control_plane/store/ingest.py, dispatches.finish, leases.note_skew."""

from __future__ import annotations

from heapq import heappush
from typing import Any
from uuid import UUID

import msgspec

from control_plane.store import certificates, dispatches, ingest, leases, rollups
from tests.simulation.memory_store import Session, statement
from tests.simulation.memory_tables import ResultRow, VoteRow, change, exclude, put

Pair = tuple[UUID, int]

_ERROR, _DOWN, _DEGRADED = 3, 2, 1

_raw_items = msgspec.json.Decoder(list[msgspec.Raw])


def _numbers(literal: str) -> list[int]:
    numbers: list[int] = msgspec.json.decode(f"[{literal[1:-1]}]")
    return numbers


def _texts(array: str | None, count: int) -> list[str | None]:
    """Elements of a JSON array as their text."""
    if array is None:
        return [None] * count
    texts = (bytes(raw).decode() for raw in _raw_items.decode(array))
    return [None if text == "null" else text for text in texts]


@statement(ingest.LANE_ENTER)
def enter_lane(s: Session, _class: int, region_id: int, monitor_id: UUID | None, slot: int | None) -> dict[str, Any]:
    seen = (monitor_id, region_id, slot) in s.tables.results
    return {"now_ms": s.tables.now_ms, "seen_before": seen}


@statement(ingest.LANE_KNOWN)
def known(s: Session, region_id: int, monitor_ids: list[UUID], literal: str) -> list[int] | None:
    results, slots = s.tables.results, _numbers(literal)
    found = [
        n
        for n, (monitor_id, slot) in enumerate(zip(monitor_ids, slots, strict=True), 1)
        if (row := results.get((monitor_id, region_id, slot))) is not None and row.outcome < _ERROR
    ]
    return found or None


@statement(ingest.LANE_STORE)
def store_results(
    s: Session,
    region_id: int,
    agent_number: int,
    now_ms: int | None,
    monitor_ids: list[UUID],
    *columns: str,
) -> dict[str, Any]:
    slots, versions, outcomes, reasons = map(_numbers, columns[:4])
    totals = _numbers(columns[-2]) if columns[-2] else [None] * len(slots)
    details = _texts(columns[-1], len(slots))
    tables, undo = s.tables, s.undo
    results, assigned = tables.results, tables.assignments[region_id]
    new: list[Pair] = []
    spans: dict[UUID, list[tuple[int, int, int]]] = {}
    for n, monitor_id in enumerate(monitor_ids):
        key = (monitor_id, region_id, slots[n])
        if monitor_id not in assigned or key in results:
            continue
        results[key] = ResultRow(agent_number, versions[n], outcomes[n], reasons[n], totals[n], details[n])
        undo.append((results.pop, (key, None)))
        new.append((monitor_id, slots[n]))
        if outcomes[n] < _ERROR:
            spans.setdefault(monitor_id, []).append((slots[n], versions[n], outcomes[n]))
    unsteady: list[Pair] = []
    for monitor_id, span in spans.items():
        vote = tables.votes.get((monitor_id, region_id))
        if now_ms is None or vote is None or not _moves(s, vote, span, now_ms):
            unsteady += [(monitor_id, slot) for slot, _, _ in span]
    unsteady.sort()
    all_new = len(new) == len(monitor_ids)
    if not all_new:
        new.sort()
    return {
        "unsteady_monitors": [monitor_id for monitor_id, _ in unsteady],
        "unsteady_slots": [slot for _, slot in unsteady],
        "all_new": all_new,
        "new_monitors": None if all_new else [monitor_id for monitor_id, _ in new],
        "new_slots": None if all_new else [slot for _, slot in new],
    }


def _moves(s: Session, vote: VoteRow, span: list[tuple[int, int, int]], now_ms: int) -> bool:
    """The steady UPDATE: whether it took the span, all of which then only lengthened the vote's runs."""
    version, outcome, oldest = span[0][1], span[0][2], span[0][0]
    newest = oldest
    for slot, other_version, other in span[1:]:
        if other_version != version or other != outcome:
            return False
        oldest, newest = min(oldest, slot), max(newest, slot)
    expires = vote.newest_slot + vote.window_ms
    if vote.check_version != version or vote.steady != outcome:
        return False
    if not (oldest > vote.newest_slot and expires >= newest and expires > now_ms):
        return False
    old = (vote.newest_slot, vote.bad_run, vote.good_run, vote.degraded_run)
    s.undo.append((_restore, (vote, old)))
    count = len(span)
    vote.newest_slot = newest
    vote.bad_run = vote.bad_run + count if outcome == _DOWN else 0
    vote.good_run = 0 if outcome == _DOWN else vote.good_run + count
    vote.degraded_run = vote.degraded_run + count if outcome == _DEGRADED else 0
    return True


def _restore(vote: VoteRow, old: tuple[int, int, int, int]) -> None:
    vote.newest_slot, vote.bad_run, vote.good_run, vote.degraded_run = old


@statement(ingest.LANE_REPLACE_ERRORS)
def replace_errors(
    s: Session,
    region_id: int,
    agent_number: int,
    *columns: list[Any],
) -> list[dict[str, Any]]:
    monitor_ids, slots, versions, outcomes, reasons = columns[:5]
    totals, details = columns[-2:]
    changed = []
    for n, monitor_id in enumerate(monitor_ids):
        key = (monitor_id, region_id, slots[n])
        row = s.tables.results.get(key)
        if row is None or row.outcome != _ERROR or outcomes[n] >= _ERROR:
            continue
        fresh = ResultRow(agent_number, versions[n], outcomes[n], reasons[n], totals[n], details[n])
        put(s.undo, s.tables.results, key, fresh)
        changed.append({"monitor_id": monitor_id, "slot": slots[n]})
    return changed


@statement(ingest.LANE_ASSIGNED)
def assigned_monitors(s: Session, region_id: int, monitor_ids: list[UUID]) -> list[dict[str, Any]]:
    rows = s.tables.assignments[region_id]
    return [{"monitor_id": monitor_id} for monitor_id in monitor_ids if monitor_id in rows]


@statement(ingest.LANE_SAVE_VOTE)
def save_vote(s: Session, monitor_id: UUID, region_id: int, _tenant_id: UUID, *values: Any) -> None:
    tables, vote = s.tables, VoteRow(*values)
    put(s.undo, tables.votes, (monitor_id, region_id), vote)
    tables.unswept.add(monitor_id)
    heappush(tables.expiring, (vote.newest_slot + vote.window_ms, monitor_id))


@statement(certificates.LANE_CERTIFICATE_NEWS)
def certificate_news(s: Session, *_: Any) -> list[Any]:
    return []


@statement(dispatches.FLEET_FINISH)
def finish(s: Session, ids: list[UUID], region_id: int) -> list[dict[str, Any]]:
    tables, finished = s.tables, []
    for dispatch_id in ids:
        row = tables.dispatches.get(dispatch_id)
        if row is None or row.region_id != region_id or row.claimed_ms is None or row.finished_ms is not None:
            continue
        change(s.undo, row, finished_ms=tables.now_ms)
        exclude(s.undo, tables.underway[region_id, row.monitor_id], dispatch_id)
        if row.kind == "recheck" and not row.for_dependent:
            finished.append({"id": dispatch_id})
    return finished


@statement(rollups.LANE_MARK_LATE)
def mark_late(_session: Session, *_: Any) -> None:
    """Rollups are no part of what is decided."""


@statement(leases.NOTE_SKEW)
def note_skew(s: Session, agent_id: UUID, skew_ms: int) -> None:
    change(s.undo, s.tables.agents[agent_id], skew_ms=skew_ms)
