"""Pings and runs are kept as long as the setting says, in batches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from control_plane.services.installation.forget_old_rows import forget_old_rows
from control_plane.settings import RetentionSettings
from control_plane.store import retention
from tests.integration.heartbeats.conftest import Beating
from tests.support.heartbeats import pinged

AGE_PINGS = "UPDATE heartbeat_pings SET at = at - $1::interval WHERE number <= 3"
AGE_RUNS = "UPDATE heartbeat_runs SET started_at = started_at - $1::interval WHERE number <= 3"


async def test_old_pings_and_runs_are_forgotten_and_the_count_stays(beating: Beating) -> None:
    for end in ("/start", "", "/start", "/start", "/log"):
        await beating.ping(end)
    async with beating.database.app() as conn:
        await conn.execute(AGE_PINGS, timedelta(days=91))
        await conn.execute(AGE_RUNS, timedelta(days=91))
    await forget_old_rows(beating.database, settings=RetentionSettings(), now=datetime.now(UTC))
    assert [row["number"] for row in (await pinged(beating.database))[beating.monitor_id]] == [4, 5]
    assert [run["number"] for run in (await beating.get("/runs"))["items"]] == [4]
    assert (await beating.get())["pings"] == 5
    await beating.ping()
    assert (await beating.get())["pings"] == 6


async def test_a_batch_is_no_larger_than_asked(beating: Beating) -> None:
    for _ in range(5):
        await beating.ping("/log")
    async with beating.database.owner() as conn:
        assert await retention.forget_pings(conn, older_than=timedelta(days=-1), limit=2) == 2
    assert len((await pinged(beating.database))[beating.monitor_id]) == 3
