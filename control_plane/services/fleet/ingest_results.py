"""One batch of a region's results, from the wire to the incident, in one transaction.

The region's lane is entered first, so its batches are taken one after another. What agrees with a live vote is steady:
one statement stores it and moves the votes, and no line of Python sees a single monitor. What does not is judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct

from control_plane.domain.judging.case import Decision
from control_plane.domain.judging.votes import Seen
from control_plane.services.judging.judge_monitors import Report, judge_monitors
from control_plane.services.monitors.watch_certificates import sightings
from control_plane.services.uptime.roll_up import LATE_MS
from control_plane.store import certificates, dispatches, ingest, leases, rollups
from control_plane.store.certificates import Sighting
from control_plane.store.ingest import Columns
from control_plane.store.pool import Connection, Database
from shared.protocol import MAX_AGE_MS, MAX_CLOCK_SKEW_MS, MAX_FUTURE_MS
from shared.results import OUTCOMES, REASONS, CheckResult, Detail, Outcome

STORED, DUPLICATE, LATE = "stored", "duplicate", "late"
INVALID = "rejected:INVALID"
UNKNOWN_MONITOR = "rejected:UNKNOWN_MONITOR"
TOO_OLD = "rejected:TOO_OLD"
IN_FUTURE = "rejected:IN_FUTURE"

_OUTCOME = {outcome: i for i, outcome in enumerate(OUTCOMES)}
_REASON = {reason: i for i, reason in enumerate(REASONS)}
_ERROR = _OUTCOME[Outcome.ERROR]

Pair = tuple[UUID, int]
"""(monitor, slot): what identifies an item inside a lane."""


class Reporter(Struct, frozen=True):
    """Who sends: known from the probe key, never from the body."""

    agent_id: UUID
    agent_number: int
    region_id: int


class Ingested(Struct, frozen=True):
    """What became of each item, in order, and what was decided."""

    statuses: tuple[str, ...]
    decisions: tuple[Decision, ...] = ()


class _Batch(Struct, frozen=True):
    """Who sends, and which of the dispatches that it answers are re-checks."""

    reporter: Reporter
    rechecks: Collection[UUID]


class _Taken(Struct):
    """Statuses that are not plain `stored`, and decisions; `all_new`: every item made a row."""

    all_new: bool = True
    statuses: dict[Pair, str] = msgspec.field(default_factory=dict)
    decisions: list[Decision] = msgspec.field(default_factory=list)


async def ingest_results(
    database: Database, reporter: Reporter, *, sent_at: int, items: Sequence[CheckResult | None]
) -> Ingested:
    """Store, count and judge a batch; it is committed once this returns, so the answer may be sent.

    `sent_at` is the agent's clock in Unix ms. None in `items` is an item that could not be read. Raises Unavailable
    while the database is away: nothing is stored then, and the agent keeps the batch.
    """
    sample = next(((item.monitor_id, item.slot) for item in items if item is not None), None)
    # Who waits for the lane in this process waits without a connection: others need those, to renew leases for one.
    async with database.lane(reporter.region_id), database.app_transaction() as conn:
        now_ms, seen_before = await ingest.enter_lane(conn, region_id=reporter.region_id, sample=sample)
        answers = _refusals(items, now_ms)
        if seen_before:
            await _answer_known(conn, reporter, items, answers)
        good = [item for item, answer in zip(items, answers, strict=True) if item is not None and answer is None]
        horizon = now_ms + MAX_CLOCK_SKEW_MS
        if abs(now_ms - sent_at) > MAX_CLOCK_SKEW_MS:
            horizon = -1  # no slot is before it: nothing of this batch votes
            skew_ms = max(-(2**53), min(2**53, sent_at - now_ms))
            await leases.note_skew(conn, agent_id=reporter.agent_id, skew_ms=skew_ms)
        asked = [item.dispatch_id for item in good if item.dispatch_id is not UNSET]
        rechecks = await dispatches.finish(conn, asked, region_id=reporter.region_id) if asked else set()
        batch = _Batch(reporter, rechecks)
        taken = await _take(conn, batch, [i for i in good if i.slot <= horizon], now_ms=now_ms)
        silent = await _take(conn, batch, [i for i in good if i.slot > horizon], now_ms=None)
        if late := [(i.monitor_id, i.slot) for i in good if i.slot < now_ms - LATE_MS]:
            await rollups.mark_late(conn, region_id=reporter.region_id, items=late)
    statuses = taken.statuses | silent.statuses
    if taken.all_new and silent.all_new and len(good) == len(items) and not statuses:
        return Ingested((STORED,) * len(items), tuple(taken.decisions))
    return Ingested(_answers(items, answers, statuses), tuple(taken.decisions))


async def _answer_known(
    conn: Connection, reporter: Reporter, items: Sequence[CheckResult | None], answers: list[str | None]
) -> None:
    """A batch sent again: answer what is stored already, before anything is written."""
    open_items = [(n, i) for n, i in enumerate(items) if i is not None and answers[n] is None]
    found = await ingest.known(
        conn,
        region_id=reporter.region_id,
        monitor_ids=[item.monitor_id for _, item in open_items],
        slots=[item.slot for _, item in open_items],
    )
    for index in found:
        answers[open_items[index][0]] = DUPLICATE


def _refusals(items: Sequence[CheckResult | None], now_ms: int) -> list[str | None]:
    """Why an item is refused without a look at the database; None for those that go on."""
    oldest, newest = now_ms - MAX_AGE_MS, now_ms + MAX_FUTURE_MS
    return [
        INVALID if item is None else TOO_OLD if item.slot < oldest else IN_FUTURE if item.slot > newest else None
        for item in items
    ]


async def _take(conn: Connection, batch: _Batch, items: Sequence[CheckResult], *, now_ms: int | None) -> _Taken:
    """Store the items and, unless `now_ms` is None, let them vote."""
    taken, reporter = _Taken(), batch.reporter
    if not items:
        return taken
    columns = _columns(items)
    if _ERROR in columns.outcome:
        # Of two items for one slot the first is stored: let it be a real one.
        items = sorted(items, key=lambda i: i.outcome is Outcome.ERROR)
        columns = _columns(items)
    stored = await ingest.store_results(
        conn, region_id=reporter.region_id, agent_number=reporter.agent_number, now_ms=now_ms, columns=columns
    )
    unsteady = set(stored.unsteady)
    taken.all_new = stored.new is None
    if stored.new is not None:
        unsteady |= await _settle_conflicts(conn, reporter, columns, new=set(stored.new), statuses=taken.statuses)
    if now_ms is None:
        return taken
    shown = sightings(items)
    shown = [one for one in shown if (one.monitor_id, one.slot) not in taken.statuses]
    news = await certificates.find_news(conn, shown, region_id=reporter.region_id) if shown else None
    if unsteady or (news and news.unknown):
        seen = [i for i in items if (i.monitor_id, i.slot) in unsteady]
        await _judge(conn, batch, seen, taken, new_certificates=[shown[n] for n in news.unknown] if news else [])
    if news and news.stale:
        stale = [shown[n] for n in news.stale]
        await certificates.touch_certificates(conn, stale, region_id=reporter.region_id)
    return taken


async def _settle_conflicts(
    conn: Connection, reporter: Reporter, columns: Columns, *, new: Collection[Pair], statuses: dict[Pair, str]
) -> set[Pair]:
    """Some items were not new: tell duplicates from unknown monitors, and let real results take the place of errors.

    Returns the pairs that took an error's place, which have not voted yet.
    """
    region_id = reporter.region_id
    known = await ingest.assigned(conn, region_id=region_id, monitor_ids=list(set(columns.monitor_id)))
    replaced = await ingest.replace_errors(
        conn, region_id=region_id, agent_number=reporter.agent_number, columns=columns, new=new
    )
    for pair in zip(columns.monitor_id, columns.slot, strict=True):
        if pair not in new and pair not in replaced:
            statuses[pair] = DUPLICATE if pair[0] in known else UNKNOWN_MONITOR
    return replaced


async def _judge(
    conn: Connection,
    batch: _Batch,
    items: Sequence[CheckResult],
    taken: _Taken,
    *,
    new_certificates: Sequence[Sighting],
) -> None:
    """Let these results vote and judge their monitors; those that came too late are named so.

    A monitor that shows a new certificate is judged with them, whatever its vote: state rows are locked all at once.
    """
    seen: dict[UUID, list[Seen]] = defaultdict(list)
    for item in sorted(items, key=lambda i: i.slot):
        seen[item.monitor_id].append(_seen(item, is_recheck=item.dispatch_id in batch.rechecks))
    report = Report(batch.reporter.region_id, seen, new_certificates)
    monitor_ids = [*seen, *(one.monitor_id for one in new_certificates)]
    for decision in await judge_monitors(conn, monitor_ids, report=report):
        taken.decisions.append(decision)
        case = decision.case
        own = next((v.vote for v in case.votes if v.vote.region_id == batch.reporter.region_id), None)
        for slot in seen[case.monitor_id]:
            if own is not None and slot.slot <= own.newest_slot:
                taken.statuses[case.monitor_id, slot.slot] = LATE


def _answers(
    items: Sequence[CheckResult | None], known: Sequence[str | None], statuses: dict[Pair, str]
) -> tuple[str, ...]:
    """One status per item. The second of two items with one key in a batch is a duplicate."""
    answers: list[str] = []
    answered: set[Pair] = set()
    for item, answer in zip(items, known, strict=True):
        if item is None or answer is not None:
            answers.append(answer or INVALID)
            continue
        pair = (item.monitor_id, item.slot)
        answers.append(DUPLICATE if pair in answered else statuses.get(pair, STORED))
        answered.add(pair)
    return tuple(answers)


def _seen(item: CheckResult, *, is_recheck: bool) -> Seen:
    detail = _clean(item.detail) if isinstance(item.detail, Detail) else Detail()
    evidence = msgspec.json.encode(detail.evidence).decode() if detail.evidence else None
    ended_ms = item.slot + int(item.total or 0)
    return Seen(
        item.slot, item.check_version, item.outcome, item.reason, detail.message, evidence, is_recheck, ended_ms
    )


def _columns(items: Sequence[CheckResult]) -> Columns:
    return Columns(
        monitor_id=[i.monitor_id for i in items],
        slot=[i.slot for i in items],
        check_version=[i.check_version for i in items],
        outcome=[_OUTCOME[i.outcome] for i in items],
        reason=[_REASON[i.reason] for i in items],
        http_status=[i.http_status for i in items],
        dns_us=[None if i.dns is None else int(i.dns * 1000) for i in items],
        connect_us=[None if i.connect is None else int(i.connect * 1000) for i in items],
        tls_us=[None if i.tls is None else int(i.tls * 1000) for i in items],
        ttfb_us=[None if i.ttfb is None else int(i.ttfb * 1000) for i in items],
        download_us=[None if i.download is None else int(i.download * 1000) for i in items],
        total_us=[None if i.total is None else int(i.total * 1000) for i in items],
        detail=[None if i.detail is UNSET else _detail_text(i.detail) for i in items],
    )


def _detail_text(detail: Detail) -> str:
    text = msgspec.json.encode(detail).decode()
    return msgspec.json.encode(_clean(detail)).decode() if "\\u0000" in text else text


def _clean(detail: Detail) -> Detail:
    """Without NUL characters, which PostgreSQL's text and jsonb cannot hold."""
    return msgspec.convert(_without_nul(msgspec.to_builtins(detail)), Detail)


def _without_nul(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\x00", "")
        case dict():
            return {_without_nul(k): _without_nul(v) for k, v in value.items()}
        case list() | tuple():
            return [_without_nul(v) for v in value]
        case _:
            return value
