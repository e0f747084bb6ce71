"""Incidents of degraded votes, on a real database."""

from __future__ import annotations

from control_plane.services.judge_monitors import judge_monitors
from control_plane.services.sweep_verdicts import sweep_verdicts
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
