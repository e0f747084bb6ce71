"""Two control planes take two regions' deciding batches at the same instant: the outage is never lost, never doubled.

Each round is one monitor in three regions under majority, all up. Region eu and region us each hold one down slot
already; the two batches that make both votes down then start together, on two separate pools. Whoever commits second
must see the other's vote: exactly one incident opens. Then both recover together: it resolves.
"""

from __future__ import annotations

import asyncio
import os

import pytest

from control_plane.services.fleet.ingest_results import ingest_results
from control_plane.store.pool import Database
from shared.ids import MonitorId, TenantId
from shared.results import CheckResult, Outcome, Reason
from tests.support import seed
from tests.support.auditor import audit
from tests.support.deciding import Stage, now_ms

ROUNDS = int(os.environ.get("TEST_FARWATCH_DECIDING_ROUNDS", "1000"))
AT_ONCE = 50
"""Monitors that decide in the same pair of batches, in the same order on both sides and in the opposite one."""


@pytest.mark.parametrize("reverse", [False, True])
async def test_two_regions_deciding_at_the_same_instant_open_exactly_one_incident(
    dsn: str, database: Database, reverse: bool
) -> None:
    stage = await Stage.make(database, regions=("ap", "eu", "us"))
    other = await Database.connect(dsn, max_size=5)
    try:
        for _ in range(ROUNDS // AT_ONCE // 2):
            await _one_round(stage, other, reverse=reverse)
        async with database.app() as conn:
            assert await audit(conn, settled=True) == []
    finally:
        await other.close()


async def _one_round(stage: Stage, other: Database, *, reverse: bool) -> None:
    monitors = await _more_monitors(stage)
    start = now_ms()
    for region in ("ap", "eu", "us"):
        await _send(stage.database, stage, region, monitors, Outcome.UP, slot=start - 20_000)
    for region in ("eu", "us"):
        await _send(stage.database, stage, region, monitors, Outcome.DOWN, slot=start - 10_000)

    await _together(stage, other, monitors, Outcome.DOWN, start - 8_000, reverse=reverse)
    opened = await stage.rows("SELECT monitor_id, state FROM incidents WHERE monitor_id = ANY($1)", monitors)
    assert sorted(row["monitor_id"] for row in opened) == sorted(monitors)
    assert {row["state"] for row in opened} == {"triggered"}

    for region in ("eu", "us"):
        await _send(stage.database, stage, region, monitors, Outcome.UP, slot=start - 6_000)
    await _together(stage, other, monitors, Outcome.UP, start - 4_000, reverse=reverse)
    closed = await stage.rows("SELECT monitor_id, state FROM incidents WHERE monitor_id = ANY($1)", monitors)
    assert sorted(row["monitor_id"] for row in closed) == sorted(monitors)
    assert {row["state"] for row in closed} == {"resolved"}


async def _together(
    stage: Stage, other: Database, monitors: list[MonitorId], outcome: Outcome, slot: int, *, reverse: bool
) -> None:
    theirs = monitors[::-1] if reverse else monitors
    await asyncio.gather(
        _send(stage.database, stage, "eu", monitors, outcome, slot=slot),
        _send(other, stage, "us", theirs, outcome, slot=slot),
    )


async def _send(
    database: Database, stage: Stage, region: str, monitors: list[MonitorId], outcome: Outcome, *, slot: int
) -> None:
    reason = Reason.CONNECT if outcome is Outcome.DOWN else Reason.NONE
    items = [CheckResult(m, 1, slot, outcome, reason, total=3.0) for m in monitors]
    taken = await ingest_results(database, stage.reporters[region], sent_at=now_ms(), items=items)
    assert set(taken.statuses) == {"stored"}


async def _more_monitors(stage: Stage) -> list[MonitorId]:
    regions = [reporter.region_id for reporter in stage.reporters.values()]
    async with stage.database.app_transaction() as conn:
        return [await seed.a_monitor(conn, TenantId(stage.tenant_id), regions) for _ in range(AT_ONCE)]
