"""Incidents of degraded votes, on a real database."""

from __future__ import annotations

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
