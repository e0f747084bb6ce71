"""Before an incident opens, upstreams that have not spoken since are asked once; and nothing slips in between.

The last test has an upstream and what depends on it go down in two batches that are taken at the same instant: whatever
commits first, no incident of the dependent opens once its upstream is down.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any
from uuid import UUID

import pytest

from control_plane.services.fleet.ingest_results import ingest_results
from control_plane.services.judging.judge_due import judge_followers
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId
from shared.results import CheckResult, Outcome, Reason
from tests.support import seed
from tests.support.auditor import audit
from tests.support.deciding import Stage, now_ms
from tests.support.restraining import (
    all_say,
    another_monitor,
    depends,
    incidents_of,
    look_again,
    pass_time,
    rechecks_of,
    state_of,
)

ROUNDS = int(os.environ.get("TEST_FARWATCH_UPSTREAM_ROUNDS", "40"))
AT_ONCE = 10
REGIONS = ("ap", "eu", "us")
LONGEST_WAIT_S = 36
"""(2 s + the timeout of 10 s) for each of two confirmations and once more."""


@pytest.fixture
async def stage(database: Database) -> Stage:
    return await Stage.make(database, regions=REGIONS)


async def unheard(stage: Stage) -> UUID:
    """The stage's monitor goes down; what it depends on was heard of last a minute before."""
    gateway = await another_monitor(stage, name="gateway")
    await stage.all_up()
    await depends(stage, stage.monitor_id, gateway)
    await all_say(stage, stage.monitor_id, "down", "down", at=0)
    return gateway


async def test_an_upstream_that_was_not_heard_since_is_asked_once_in_all_its_regions(stage: Stage) -> None:
    gateway = await unheard(stage)

    state = await stage.state()
    assert (state["verdict"], await incidents_of(stage, stage.monitor_id)) == ("down", [])
    left_s = (state["waits_until"] - state["judged_at"]).total_seconds()  # it may have been judged again since
    assert LONGEST_WAIT_S - 20 < left_s <= LONGEST_WAIT_S
    asked = await rechecks_of(stage, gateway)
    assert {row["slug"] for row in asked} == set(REGIONS)

    await look_again(stage.database)
    assert await rechecks_of(stage, gateway) == asked
    again = await stage.state()
    assert (again["waits_until"], again["due_at"] > state["due_at"]) == (state["waits_until"], True)


async def test_it_turns_out_to_be_down_and_holds(stage: Stage) -> None:
    gateway = await unheard(stage)
    await all_say(stage, gateway, "down", "down", at=4)
    await judge_followers(stage.database)
    await pass_time(stage.database, seconds=LONGEST_WAIT_S + 1)
    await look_again(stage.database)

    assert "gateway" in (await stage.state())["held_by"]
    assert await incidents_of(stage, stage.monitor_id) == []
    assert len(await incidents_of(stage, gateway)) == 1


async def test_one_bad_slot_of_it_is_waited_for(stage: Stage) -> None:
    gateway = await unheard(stage)
    await all_say(stage, gateway, "down", at=4)
    await look_again(stage.database)
    assert await incidents_of(stage, stage.monitor_id) == []


async def test_one_that_goes_down_in_the_last_slot_that_was_asked_for_is_confirmed_at_once(stage: Stage) -> None:
    gateway = await unheard(stage)
    *_, last = [row for row in await rechecks_of(stage, gateway) if row["slug"] == "eu"]
    await stage.take_rechecks(*REGIONS)

    await answer(stage, last, "down", at=8)

    own = await rechecks_of(stage, gateway)
    assert {row["slug"] for row in own} == set(REGIONS)
    assert not any(row["for_dependent"] for row in own)


async def test_what_it_then_asks_for_itself_asks_for_no_more(stage: Stage) -> None:
    gateway = await unheard(stage)
    *_, last = [row for row in await rechecks_of(stage, gateway) if row["slug"] == "eu"]
    await stage.take_rechecks(*REGIONS)
    await answer(stage, last, "down", at=8)
    own, *_ = [row for row in await rechecks_of(stage, gateway) if row["slug"] == "us"]
    await stage.take_rechecks(*REGIONS)

    await answer(stage, own, "down", at=10)

    assert await rechecks_of(stage, gateway) == []


async def test_it_turns_out_to_be_up_and_the_incident_opens(stage: Stage) -> None:
    gateway = await unheard(stage)
    await all_say(stage, gateway, "up", at=4)
    await look_again(stage.database)

    [incident] = await incidents_of(stage, stage.monitor_id)
    assert (incident["held_by"], incident["type"]) == (None, "down")
    assert (await stage.state())["due_at"] is None


async def test_nobody_answers_and_the_incident_opens_after_the_bound(stage: Stage) -> None:
    await unheard(stage)
    await pass_time(stage.database, seconds=LONGEST_WAIT_S - 10)
    await look_again(stage.database)
    assert await incidents_of(stage, stage.monitor_id) == []

    await pass_time(stage.database, seconds=11)
    await look_again(stage.database)
    assert len(await incidents_of(stage, stage.monitor_id)) == 1


async def test_it_recovers_while_it_is_asked_and_nothing_opens(stage: Stage) -> None:
    await unheard(stage)
    await all_say(stage, stage.monitor_id, "up", "up", at=6)
    await pass_time(stage.database, seconds=LONGEST_WAIT_S + 1)
    await look_again(stage.database)
    state = await stage.state()
    assert (state["verdict"], state["waits_until"], await stage.incidents()) == ("up", None, [])


async def test_a_paused_upstream_is_not_waited_for(stage: Stage) -> None:
    gateway = await another_monitor(stage, name="gateway")
    await stage.all_up()
    await depends(stage, stage.monitor_id, gateway)
    await stage.rows("UPDATE assignments SET removed_at = now() WHERE monitor_id = $1", gateway)
    await all_say(stage, stage.monitor_id, "down", "down", at=0)
    assert len(await incidents_of(stage, stage.monitor_id)) == 1


async def answer(stage: Stage, recheck: dict[str, Any], outcome: str, *, at: float) -> None:
    """The region of this re-check, which was claimed, reports what came of it; `at` as in `Stage.slot`."""
    result = CheckResult(
        recheck["monitor_id"],
        1,
        stage.slot(at),
        Outcome(outcome),
        Reason.CONNECT,
        total=3.0,
        dispatch_id=recheck["id"],
    )
    taken = await ingest_results(stage.database, stage.reporters[recheck["slug"]], sent_at=now_ms(), items=[result])
    assert taken.statuses == ("stored",)


# ---------------------------------------------------------------------------------------------- at the same instant


async def test_two_batches_at_once_never_open_an_incident_under_an_upstream_that_is_down(
    dsn: str, database: Database
) -> None:
    stage = await Stage.make(database, regions=("eu", "us"), region_policy="any")
    other = await Database.connect(dsn, max_size=5)
    try:
        for number in range(max(1, ROUNDS // AT_ONCE)):
            await _one_round(stage, other, reverse=bool(number % 2))
        async with database.app() as conn:
            assert await audit(conn) == []
    finally:
        await other.close()


async def _one_round(stage: Stage, other: Database, *, reverse: bool) -> None:
    """Each upstream goes down by eu's batch, each dependent by that of us.

    The upstreams are up and have said so since the dependents' first bad slot: nothing waits for them.
    """
    async with stage.database.app_transaction() as conn:
        pairs = [await _a_pair(stage, conn) for _ in range(AT_ONCE)]
    above, below = [one for one, _ in pairs], [two for _, two in pairs]
    start = now_ms()
    for region in ("eu", "us"):
        await _send(stage.database, stage, region, above + below, Outcome.UP, slots=[start - 20_000])
    await _send(stage.database, stage, "us", below, Outcome.DOWN, slots=[start - 10_000])
    for region in ("eu", "us"):
        await _send(stage.database, stage, region, above, Outcome.UP, slots=[start - 8_000])
    theirs = below[::-1] if reverse else below
    first, second = (
        _send(stage.database, stage, "eu", above, Outcome.DOWN, slots=[start - 6_000, start - 4_000]),
        _send(other, stage, "us", theirs, Outcome.DOWN, slots=[start - 6_000]),
    )
    await asyncio.gather(*((second, first) if reverse else (first, second)))
    await judge_followers(stage.database)
    await look_again(stage.database)
    for upstream, dependent in pairs:
        assert len(await incidents_of(stage, upstream)) == 1
        assert (await state_of(stage, dependent))["verdict"] == "down"
        await _none_opened_under(stage, upstream, dependent)


async def _none_opened_under(stage: Stage, upstream: UUID, dependent: UUID) -> None:
    """By event numbers, which grow in commit order."""
    [down] = await stage.rows(
        "SELECT number FROM transitions WHERE monitor_id = $1 AND verdict = 'down'",
        upstream,
    )
    opened = await stage.rows(
        "SELECT number FROM events WHERE monitor_id = $1 AND event = 'incident.opened'", dependent
    )
    assert all(row["number"] < down["number"] for row in opened)
    if not opened:
        assert (await state_of(stage, dependent))["held_since"] is not None


async def _a_pair(stage: Stage, conn: Connection) -> tuple[UUID, UUID]:
    regions = [reporter.region_id for reporter in stage.reporters.values()]
    tenant_id = TenantId(stage.tenant_id)
    ids = [await seed.a_monitor(conn, tenant_id, regions, region_policy="any") for _ in range(2)]
    await conn.execute(
        "INSERT INTO monitor_dependencies (tenant_id, monitor_id, depends_on) VALUES ($1, $2, $3)",
        tenant_id,
        ids[1],
        ids[0],
    )
    return ids[0], ids[1]


async def _send(
    database: Database, stage: Stage, region: str, monitors: list[UUID], outcome: Outcome, *, slots: list[int]
) -> None:
    reason = Reason.CONNECT if outcome is Outcome.DOWN else Reason.NONE
    items = [CheckResult(m, 1, slot, outcome, reason, total=3.0) for m in monitors for slot in slots]
    taken = await ingest_results(database, stage.reporters[region], sent_at=now_ms(), items=items)
    assert set(taken.statuses) == {"stored"}, taken.statuses
