"""A target that flaps for an hour pages at most three times, and its final state is told, whichever that is."""

from __future__ import annotations

from itertools import cycle

import pytest

from control_plane.services.alerting.remind_of_incidents import remind_of_incidents
from control_plane.services.judging.judge_due import judge_due
from control_plane.store.pool import Database
from tests.support.deciding import Stage
from tests.support.restraining import all_say, pass_time, soon

PAGES = ("opened", "reminder", "escalated")
RHYTHMS = {"quick": (2, 2), "slow": (4, 4), "mostly up": (2, 4), "mostly down": (4, 2), "uneven": (3, 2, 2, 4, 4, 3)}
"""Minutes down, minutes up, and so on."""


@pytest.fixture
async def stage(database: Database) -> Stage:
    made = await Stage.make(database, regions=("eu", "us"))
    await made.all_up()
    await made.bind_channel()
    return made


async def minutes(stage: Stage, outcome: str, count: int) -> None:
    """So long the target is so: every region looks each minute, and the jobs run."""
    for minute in range(count):
        seen = (outcome, outcome) if minute == 0 else (outcome,)  # the second comes from a re-check
        await all_say(stage, stage.monitor_id, *seen, at=soon(stage))
        await judge_due(stage.database)
        await remind_of_incidents(stage.database)
        await pass_time(stage.database, seconds=60)


async def flap(stage: Stage, rhythm: tuple[int, ...], *, ending: str) -> None:
    """For an hour, and until the phase begins that it ends with."""
    passed, phases = 0, cycle(rhythm)
    outcome = "down"
    while passed < 60 or outcome != ending:
        length = next(phases)
        await minutes(stage, outcome, length)
        passed += length
        outcome = "up" if outcome == "down" else "down"


async def told(stage: Stage) -> list[str]:
    return [row["notice"] for row in await stage.deliveries()]


@pytest.mark.parametrize("rhythm", RHYTHMS)
async def test_it_ends_up_and_the_last_word_is_that_it_is_over(stage: Stage, rhythm: str) -> None:
    await flap(stage, RHYTHMS[rhythm], ending="up")
    await minutes(stage, "up", 80)
    notices = await told(stage)
    assert sum(notice in PAGES for notice in notices) == 3
    assert notices[-1] == "resolved"
    assert [row["state"] for row in await stage.incidents()] == ["resolved"] * 3


@pytest.mark.parametrize("rhythm", RHYTHMS)
async def test_it_ends_down_and_the_last_word_is_that_it_is_down(stage: Stage, rhythm: str) -> None:
    await flap(stage, RHYTHMS[rhythm], ending="down")
    notices = await told(stage)
    assert sum(notice in PAGES for notice in notices) <= 3
    assert notices[-1] != "resolved", "it is known to be open"
    await minutes(stage, "down", 60)
    assert (await told(stage))[-1] == "reminder"
    [*_, last] = await stage.deliveries()
    assert "Still down" in last["body"]
    assert [row["state"] for row in await stage.incidents()] == ["resolved", "resolved", "triggered"]
