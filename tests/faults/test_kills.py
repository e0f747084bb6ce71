"""kill -9 of a control plane, an agent and PostgreSQL in turn, under load: what was acknowledged is what is stored."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from control_plane.postgres import EmbeddedPostgres
from control_plane.store.migrate import migrate
from tests.support.farm import Child, Farm, a_farm
from tests.support.ledger import Ledger
from tests.support.waiting import until, until_async

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("FARWATCH_TEST_KILL_ROUNDS", "2"))
MONITORS = 100


async def test_the_acknowledged_set_equals_the_stored_set_after_killing_each_in_turn(tmp_path: Path) -> None:
    async with _postgres() as postgres, a_farm(postgres.dsn, tmp_path) as farm:
        control_plane = await farm.start_control_plane()
        agent = await farm.start_agent("eu")
        await farm.wait_agents(1)
        monitors = await _watch(farm)
        ledger = Ledger(farm.url, farm.home.probe_keys["us"], monitors)
        stop = asyncio.Event()
        sending = asyncio.create_task(ledger.send_until(stop))
        for _ in range(ROUNDS):
            control_plane = await _kill_control_plane(farm, control_plane, ledger)
            await _kill_postgres(postgres, ledger)
            agent = await _kill_agent(farm, agent, ledger)
        await _more(ledger)
        stop.set()
        await sending
        await _compare(farm, ledger)
        await _agent_goes_on(farm)


@asynccontextmanager
async def _postgres() -> AsyncIterator[EmbeddedPostgres]:
    """One that is durable and started again when it is killed, as `farwatch up` has it."""
    with tempfile.TemporaryDirectory(prefix="fw-kills-", dir="/tmp") as directory:
        os.chmod(directory, 0o755)  # noqa: PTH101 - blocking for no time; the server runs as a user of its own
        postgres = EmbeddedPostgres(Path(directory) / "pg")
        await migrate(await postgres.start())
        try:
            yield postgres
        finally:
            await postgres.stop()


async def _watch(farm: Farm) -> list[UUID]:
    async with farm.api() as api:
        made = []
        for number in range(MONITORS):
            body = {
                "name": f"Page {number}",
                "check": farm.site.url(f"/{number}"),
                "interval": 10,
                "regions": ["eu", "us"],
            }
            response = await api.post("/monitors", json=body)
            assert response.status_code == 201, response.text
            made.append(UUID(response.json()["id"]))
    return made


async def _kill_control_plane(farm: Farm, running: Child, ledger: Ledger) -> Child:
    await _more(ledger)
    await running.kill()
    await until(lambda: ledger.refusals > 0, "a batch went unanswered")
    return await farm.start_control_plane()


async def _kill_postgres(postgres: EmbeddedPostgres, ledger: Ledger) -> None:
    await _more(ledger)
    pid = postgres.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: postgres.pid != pid, "PostgreSQL is started again", timeout=30)
    await _more(ledger)


async def _kill_agent(farm: Farm, running: Child, ledger: Ledger) -> Child:
    await _more(ledger)
    await running.kill()
    return await farm.start_agent("eu")


async def _more(ledger: Ledger) -> None:
    """The ledger's sender gets on: everything answers again."""
    goal = len(ledger.acknowledged) + 5 * MONITORS
    await until(lambda: len(ledger.acknowledged) >= goal, "more is acknowledged", timeout=60)


async def _compare(farm: Farm, ledger: Ledger) -> None:
    rows = await farm.rows(
        "SELECT r.monitor_id, r.slot FROM results r JOIN regions g ON g.id = r.region_id WHERE g.slug = 'us'"
    )
    stored = [(row["monitor_id"], row["slot"]) for row in rows]
    assert len(stored) == len(set(stored))
    assert set(stored) == set(ledger.acknowledged)
    assert set(ledger.acknowledged.values()) <= {"stored", "duplicate", "late"}


async def _agent_goes_on(farm: Farm) -> None:
    """The real agent reports again after everything that happened."""
    start = (await farm.rows("SELECT max(slot) AS newest FROM results r JOIN regions g ON g.id = r.region_id"
                             " WHERE g.slug = 'eu'"))[0]["newest"]  # fmt: skip

    async def newer() -> bool:
        found = await farm.rows("SELECT count(*) AS n FROM results r JOIN regions g ON g.id = r.region_id"
                                " WHERE g.slug = 'eu' AND r.slot > $1", start)  # fmt: skip
        return bool(found[0]["n"] >= MONITORS)

    await until_async(newer, "the agent reports every monitor again", timeout=60)
