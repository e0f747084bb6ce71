"""Flapping over real rows: the third opening within an hour, and the ten minutes until such an incident resolves."""

from __future__ import annotations

import pytest

from control_plane.services.judging.judge_due import judge_due
from control_plane.store.pool import Database
from tests.support.deciding import Stage
from tests.support.restraining import all_say, pass_time, soon


@pytest.fixture
async def stage(database: Database) -> Stage:
    return await Stage.make(database, regions=("eu", "us"))


async def up_and_down(stage: Stage, *, minutes: int = 1) -> None:
    """An outage of so long, and up after it."""
    await all_say(stage, stage.monitor_id, "down", "down", at=soon(stage))
    await pass_time(stage.database, seconds=60 * minutes)
    await all_say(stage, stage.monitor_id, "up", "up", at=soon(stage, 4))
    await pass_time(stage.database, seconds=60)


async def stays_up(stage: Stage, *, minutes: int) -> None:
    """Looked at every minute, as by agents."""
    for _ in range(minutes):
        await pass_time(stage.database, seconds=60)
        await all_say(stage, stage.monitor_id, "up", at=soon(stage))
        await judge_due(stage.database)


async def types(stage: Stage) -> list[tuple[str, str]]:
    return [(row["type"], row["state"]) for row in await stage.incidents()]


async def test_the_third_opening_within_an_hour_is_flapping_and_pages_like_any_other(stage: Stage) -> None:
    await stage.all_up()
    await stage.bind_channel()
    for _ in range(2):
        await up_and_down(stage)
    await all_say(stage, stage.monitor_id, "down", "down", at=soon(stage))

    assert await types(stage) == [("down", "resolved"), ("down", "resolved"), ("flapping", "triggered")]
    assert [row["notice"] for row in await stage.deliveries()].count("opened") == 3


async def test_it_resolves_after_ten_minutes_of_proven_up_and_not_before(stage: Stage) -> None:
    await stage.all_up()
    for _ in range(3):
        await up_and_down(stage)
    assert (await types(stage))[-1] == ("flapping", "triggered")

    state = await stage.state()
    assert (state["due_at"] - state["well_since"]).total_seconds() == 600
    await stays_up(stage, minutes=8)
    assert (await types(stage))[-1] == ("flapping", "triggered")
    await stays_up(stage, minutes=2)
    assert (await types(stage))[-1] == ("flapping", "resolved")


async def test_down_in_between_begins_the_ten_minutes_anew_in_the_same_incident(stage: Stage) -> None:
    await stage.all_up()
    for _ in range(3):
        await up_and_down(stage)
    await stays_up(stage, minutes=7)
    await up_and_down(stage)
    await stays_up(stage, minutes=7)
    assert (await types(stage))[2:] == [("flapping", "triggered")]
    await stays_up(stage, minutes=3)
    assert (await types(stage))[2:] == [("flapping", "resolved")]


async def test_openings_of_more_than_an_hour_ago_do_not_count(stage: Stage) -> None:
    await stage.all_up()
    for _ in range(2):
        await up_and_down(stage)
    await stage.rows("UPDATE incidents SET opened_at = opened_at - interval '57 minutes' WHERE number = 1")
    await all_say(stage, stage.monitor_id, "down", "down", at=soon(stage))
    assert (await types(stage))[-1] == ("down", "triggered")


async def test_an_incident_that_a_person_declared_is_no_opening(stage: Stage) -> None:
    await stage.all_up()
    for _ in range(2):
        await up_and_down(stage)
    await stage.rows("UPDATE incidents SET origin = 'person', title = 'By hand' WHERE number = 1")
    await all_say(stage, stage.monitor_id, "down", "down", at=soon(stage))
    assert (await types(stage))[-1] == ("down", "triggered")
