"""Back-off over real rows: a longer cadence after ten minutes down, told to agents, until the first good result."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from control_plane.services.fleet.hand_out_assignments import Asker, RegionDigests, hand_out_assignments
from control_plane.services.judging.judge_due import judge_due
from control_plane.services.judging.sweep_verdicts import sweep_verdicts
from control_plane.store.pool import Database
from shared.ids import AgentId
from shared.protocol import Assignments
from tests.support.deciding import Stage
from tests.support.outbox import SEALER
from tests.support.restraining import all_say, look_again, pass_time, say, soon

USUAL = 2 * 60_000 + 10_000 + 30_000
LONGER = 2 * 300_000 + 10_000 + 30_000


class Agent:
    """What one region's agent holds, poll by poll."""

    def __init__(self, stage: Stage, region: str) -> None:
        reporter = stage.reporters[region]
        self.stage, self.asker = stage, Asker(AgentId(reporter.agent_id), reporter.region_id)
        self.digests, self.cursor, self.digest = RegionDigests(), "", ""

    async def poll(self) -> Assignments:
        now = datetime.now(UTC)
        answer = await hand_out_assignments(
            self.stage.database, SEALER, self.digests, self.asker, cursor=self.cursor, now=now
        )
        self.cursor, self.digest = answer.cursor, answer.digest or self.digest
        return answer

    async def cadences(self) -> list[int]:
        return [each.cadence for each in (await self.poll()).upserts]


@pytest.fixture
async def stage(database: Database) -> Stage:
    return await Stage.make(database, regions=("eu", "us"), backoff_when_down=True)


async def goes_on(stage: Stage, outcome: str, *, minutes: int) -> None:
    for _ in range(minutes):
        await pass_time(stage.database, seconds=60)
        await all_say(stage, stage.monitor_id, outcome, at=soon(stage))
        await judge_due(stage.database)


async def down_for_long(stage: Stage) -> None:
    await stage.outage("eu", "us")
    await goes_on(stage, "down", minutes=10)


async def cadences(stage: Stage) -> list[tuple[int | None, int]]:
    rows = await stage.rows("SELECT cadence_s, window_ms FROM assignments ORDER BY region_id")
    return [(row["cadence_s"], row["window_ms"]) for row in rows]


async def test_after_ten_minutes_down_the_agents_are_told_of_the_longer_cadence(stage: Stage) -> None:
    eu = Agent(stage, "eu")
    assert await eu.cadences() == [60_000]
    before = eu.digest
    await stage.outage("eu", "us")
    await goes_on(stage, "down", minutes=9)
    assert (await eu.cadences(), eu.digest) == ([], before)

    await goes_on(stage, "down", minutes=1)

    assert (await stage.state())["backed_off_at"] is not None
    assert await cadences(stage) == [(300, LONGER)] * 2
    assert await eu.cadences() == [300_000]
    assert eu.digest != before
    assert await eu.cadences() == []


async def test_votes_do_not_expire_between_the_slots_of_the_longer_cadence(stage: Stage) -> None:
    await down_for_long(stage)
    for _ in range(3):
        await pass_time(stage.database, seconds=299)
        await sweep_verdicts(stage.database)
        assert (await stage.state())["verdict"] == "down"
        await all_say(stage, stage.monitor_id, "down", at=soon(stage))
    assert [row["verdict"] for row in await stage.rows("SELECT verdict FROM transitions ORDER BY number")][-1] == "down"
    await pass_time(stage.database, seconds=LONGER // 1000 + 5)
    await sweep_verdicts(stage.database)
    assert (await stage.state())["verdict"] == "unknown"


async def test_the_first_good_result_restores_the_interval_and_settled_votes_their_window(stage: Stage) -> None:
    await down_for_long(stage)
    eu = Agent(stage, "eu")
    assert await eu.cadences() == [300_000]
    await pass_time(stage.database, seconds=290)

    await say(stage, stage.monitor_id, "us", "up", at=soon(stage))

    assert (await stage.state())["backed_off_at"] is None
    assert await cadences(stage) == [(None, LONGER)] * 2
    assert await eu.cadences() == [60_000]

    await say(stage, stage.monitor_id, "us", "up", at=soon(stage, 3))
    await say(stage, stage.monitor_id, "eu", "up", "up", at=soon(stage, 3))
    await look_again(stage.database)
    assert (await stage.state())["verdict"] == "up"
    assert await cadences(stage) == [(None, USUAL)] * 2
    assert [await stage.vote(region, "window_ms") for region in ("eu", "us")] == [USUAL] * 2
    [incident] = await stage.incidents()
    assert incident["state"] == "resolved"


async def test_it_begins_by_time_alone_at_its_instant(stage: Stage) -> None:
    await stage.outage("eu", "us")
    state = await stage.state()
    assert (state["due_at"] - state["since"]).total_seconds() == 600


async def test_who_does_not_want_it_keeps_the_interval(database: Database) -> None:
    stage = await Stage.make(database, regions=("eu",))
    await stage.outage("eu")
    await goes_on(stage, "down", minutes=12)
    assert await cadences(stage) == [(None, USUAL)]
