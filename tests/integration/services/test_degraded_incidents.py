"""Incidents of degraded votes, on a real database."""

from __future__ import annotations

from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.judging.sweep_verdicts import sweep_verdicts
from control_plane.store.pool import Database
from tests.support.deciding import Stage


async def test_an_outage_that_ends_slow_resolves_and_opens_a_degraded_incident(database: Database) -> None:
    stage = await Stage.make(database, regions=("eu",), alert_on="degraded")
    for at in (0, 2):
        await stage.report("eu", "down", at=at)
    for at in (4, 6):
        await stage.report("eu", "degraded", at=at)

    outage, slow = await stage.incidents()

    assert (outage["type"], outage["state"]) == ("down", "resolved")
    assert (slow["type"], slow["state"], slow["severity"]) == ("degraded", "triggered", "minor")
    assert await sweep_verdicts(stage.database) == 0


async def test_a_degraded_incident_becomes_down_in_place_and_resolves_at_up(database: Database) -> None:
    stage = await Stage.make(database, regions=("eu",), alert_on="degraded")
    for at, outcome in enumerate(("up", "degraded", "degraded")):
        await stage.report("eu", outcome, at=at)
    (slow,) = await stage.incidents()
    assert (slow["type"], slow["severity"]) == ("degraded", "minor")
    assert slow["started_at"].timestamp() * 1000 == stage.slot(1)

    for at, outcome in enumerate(("down", "down"), start=3):
        await stage.report("eu", outcome, at=at)
    (worse,) = await stage.incidents()
    assert (worse["id"], worse["type"], worse["severity"]) == (slow["id"], "down", "major")

    for at, outcome in enumerate(("up", "up"), start=5):
        await stage.report("eu", outcome, at=at)
    assert [i["state"] for i in await stage.incidents()] == ["resolved"]


async def test_slow_votes_that_a_person_resolved_open_no_more_and_an_outage_after_them_does(database: Database) -> None:
    stage = await Stage.make(database, regions=("eu",), alert_on="degraded")
    for at, outcome in enumerate(("up", "degraded", "degraded")):
        await stage.report("eu", outcome, at=at)
    await stage.rows("UPDATE incidents SET state = 'resolved', phase = 'resolved', resolved_at = now()")
    await stage.rows("UPDATE monitor_states SET hushed = true")

    await stage.report("eu", "degraded", at=3)
    for _ in range(2):
        async with database.app_transaction() as conn:
            await judge_monitors(conn, [stage.monitor_id])
    await stage.report("eu", "down", at=4)
    assert [i["type"] for i in await stage.incidents()] == ["degraded"]
    assert (await stage.state())["hushed"]

    await stage.report("eu", "down", at=5)
    assert [(i["type"], i["state"]) for i in await stage.incidents()] == [
        ("degraded", "resolved"),
        ("down", "triggered"),
    ]


async def test_a_resolved_outage_is_hushed_whatever_was_slow_before_it(database: Database) -> None:
    stage = await Stage.make(database, regions=("eu",), alert_on="degraded")
    for at, outcome in enumerate(("up", "degraded", "degraded", "down", "down")):
        await stage.report("eu", outcome, at=at)
    await stage.rows("UPDATE incidents SET state = 'resolved', phase = 'resolved', resolved_at = now()")
    await stage.rows("UPDATE monitor_states SET hushed = true")

    for at, outcome in enumerate(("up", "down", "down"), start=5):
        await stage.report("eu", outcome, at=at)

    assert [(i["type"], i["state"]) for i in await stage.incidents()] == [("down", "resolved")]
    assert (await stage.state())["hushed"]


# ------------------------------------------------------------------------------------------- confirmations are changed


async def ask(stage: Stage, confirmations: int) -> None:
    """Change how many confirmations the stage's monitor asks for, and judge it, as change_monitor does."""
    async with stage.database.app_transaction() as conn:
        await conn.execute("UPDATE monitors SET confirmations = $2 WHERE id = $1", stage.monitor_id, confirmations)
        await judge_monitors(conn, [stage.monitor_id])


async def test_a_degraded_vote_is_none_when_more_slow_slots_are_asked_for(database: Database) -> None:
    stage = await Stage.make(database, regions=("eu",), alert_on="degraded")
    for at, outcome in enumerate(("up", "degraded", "degraded")):
        await stage.report("eu", outcome, at=at)

    await ask(stage, 4)
    assert ((await stage.state())["verdict"], await stage.vote("eu", "degraded")) == ("up", False)
    assert [i["state"] for i in await stage.incidents()] == ["resolved"]

    await stage.report("eu", "degraded", at=3)
    assert ((await stage.state())["verdict"], await stage.vote("eu", "degraded")) == ("up", False)
    await stage.report("eu", "degraded", at=4)
    assert ((await stage.state())["verdict"], await stage.vote("eu", "degraded")) == ("degraded", True)


async def test_it_is_one_when_fewer_are_and_slow_slots_only_lengthen_its_run(database: Database) -> None:
    stage = await Stage.make(database, regions=("eu",), confirmations=3)
    for at, outcome in enumerate(("up", "degraded", "degraded")):
        await stage.report("eu", outcome, at=at)
    assert (await stage.state())["verdict"] == "up"

    await ask(stage, 2)
    judged_at = (await stage.state())["judged_at"]
    assert (await stage.state())["verdict"] == "degraded"
    await stage.report("eu", "degraded", at=3)

    assert (await stage.vote("eu", "degraded_run"), (await stage.state())["judged_at"]) == (3, judged_at)
    assert await sweep_verdicts(stage.database) == 0


async def test_a_vote_that_its_lane_is_at_is_read_anew_by_the_next_sweep(database: Database) -> None:
    stage = await Stage.make(database, regions=("eu", "us"), region_policy="any")
    for region in ("eu", "us"):
        for at, outcome in enumerate(("up", "degraded", "degraded")):
            await stage.report(region, outcome, at=at)
    eu = stage.reporters["eu"].region_id

    async with database.app_transaction() as lane:
        await lane.execute("SELECT FROM votes WHERE region_id = $1 FOR UPDATE", eu)
        await ask(stage, 4)
    assert [await stage.vote(region, "degraded") for region in ("eu", "us")] == [True, False]
    assert (await stage.state())["verdict"] == "up"

    assert await sweep_verdicts(database) == 1
    assert await stage.vote("eu", "degraded") is False
    assert await sweep_verdicts(database) == 0
