"""kill -9 of a control plane, an agent and PostgreSQL in turn, under load: what was acknowledged is what is stored.

Two witnesses outside the system: a ledger of what a sender had acknowledged (region us), and the site's own count
of the real agent's visits (region eu).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from control_plane.postgres import EmbeddedPostgres
from control_plane.store.migrate import migrate
from shared.results import OUTCOMES, Outcome
from tests.support.farm import Child, Farm, a_farm
from tests.support.ledger import Ledger
from tests.support.waiting import until, until_async

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("TEST_FARWATCH_KILL_ROUNDS", "2"))
MONITORS = 100
INTERVAL_S = 10


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
        restarted_ms = time.time_ns() // 1_000_000  # everything was started before this
        await _agent_goes_on(farm)
        await _compare_agent(farm, monitors, restarted_ms)
        assert await farm.audit(acknowledged={"us": ledger.acknowledged}) == []


@asynccontextmanager
async def _postgres() -> AsyncIterator[EmbeddedPostgres]:
    """One that is durable and started again when it is killed, as `farwatch up` has it."""
    with tempfile.TemporaryDirectory(prefix="fw-kills-", dir="/tmp") as directory:
        os.chmod(directory, 0o755)  # the server runs as a user of its own
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
                "interval": INTERVAL_S,
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


async def _compare_agent(farm: Farm, monitors: list[UUID], restarted_ms: int) -> None:
    """The real agent's results: one a slot, none that the site did not see, and no gap after the last restart."""
    rows = await farm.rows(
        "SELECT r.monitor_id, r.slot, r.outcome FROM results r JOIN regions g ON g.id = r.region_id"
        " WHERE g.slug = 'eu' ORDER BY r.slot"
    )
    now_ms = time.time_ns() // 1_000_000
    assert len({(row["monitor_id"], row["slot"]) for row in rows}) == len(rows)

    visits = Counter(path for region, path in farm.site.visits if region == "eu")
    good = Counter(row["monitor_id"] for row in rows if row["outcome"] == OUTCOMES.index(Outcome.UP))
    assert good.keys() == set(monitors)
    unseen = {n: (good[each], visits[f"/{n}"]) for n, each in enumerate(monitors) if good[each] > visits[f"/{n}"]}
    assert not unseen, "results of visits that never happened"

    slots: dict[UUID, list[int]] = defaultdict(list)
    for row in rows:
        if row["slot"] >= restarted_ms:
            slots[row["monitor_id"]].append(row["slot"])
    gaps = {each: _longest([restarted_ms, *slots[each], now_ms]) for each in monitors}
    assert max(gaps.values()) <= INTERVAL_S * 1000 + 30_000


def _longest(instants: list[int]) -> int:
    return max(b - a for a, b in itertools.pairwise(instants))
