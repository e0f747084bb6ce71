"""Agents keep up with their region however transactions interleave.

One schedule of steps is drawn per seed: writers begin, change, commit and roll back; agents poll. So late commits,
pages cut by changes, digests of several processes and fresh snapshots meet in every order.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from control_plane.sealing import Sealer
from control_plane.services.fleet.hand_out_assignments import Asker, RegionDigests, hand_out_assignments
from control_plane.store.pool import Database
from shared.protocol import Assignments, digest_term
from tests.support.seed import a_monitor, a_region, a_tenant, an_agent

SEALER = Sealer({"k1": b"k" * 32})
CHANGED = "changed_xid = pg_current_xact_id(), change = nextval('assignment_changes')"
OPERATIONS = (
    f"UPDATE assignments SET removed_at = NULL, {CHANGED} WHERE region_id = $1 AND monitor_id = $2",
    f"UPDATE assignments SET removed_at = now(), {CHANGED} WHERE region_id = $1 AND monitor_id = $2",
)
TABLE = "SELECT monitor_id, change FROM assignments WHERE region_id = $1 AND removed_at IS NULL"


@dataclass
class Agent:
    """Does with an answer what the protocol says, and holds the answer to it."""

    database: Database
    asker: Asker
    digests: RegionDigests
    page: int
    cursor: str = ""
    held: dict[UUID, int] = field(default_factory=dict)
    settled: bool = False

    async def poll(self) -> Assignments:
        answer = await hand_out_assignments(
            self.database,
            SEALER,
            self.digests,
            self.asker,
            cursor=self.cursor,
            now=datetime.now(UTC),
            page=self.page,
        )
        if answer.snapshot:
            self.held.clear()
        self.held.update((each.monitor_id, each.revision) for each in answer.upserts)
        for monitor_id in answer.removes:
            self.held.pop(monitor_id, None)
        assert len(answer.upserts) + len(answer.removes) <= self.page
        assert answer.more == (answer.digest is None)
        if answer.digest is not None:
            assert answer.digest == self.digest(), "the digest is that of what the agent holds"
        self.cursor, self.settled = answer.cursor, not answer.more
        return answer

    def digest(self) -> str:
        return f"{sum(digest_term(*item) for item in self.held.items()) % 2**64:016x}"

    async def settle(self) -> None:
        for _ in range(50):
            await self.poll()
            if self.settled:
                return
        pytest.fail("an agent that polls a quiet region comes to an end")


@dataclass
class Writer:
    """Changes its own monitors, one step at a time, in transactions that stay open across others' steps."""

    conn: Any
    region_id: int
    monitors: list[UUID]
    transaction: Any = None

    async def step(self, draw: random.Random) -> None:
        if self.transaction is None:
            self.transaction = self.conn.transaction()
            await self.transaction.start()
        elif draw.random() < 0.4:
            await self.end(rollback=draw.random() < 0.3)
        else:
            await self.conn.execute(draw.choice(OPERATIONS), self.region_id, draw.choice(self.monitors))

    async def end(self, *, rollback: bool) -> None:
        if self.transaction is not None:
            await (self.transaction.rollback() if rollback else self.transaction.commit())
            self.transaction = None


@pytest.fixture
async def wide(dsn: str) -> AsyncIterator[Database]:
    database = await Database.connect(dsn, max_size=12)
    yield database
    await database.close()


@pytest.mark.parametrize("seed", range(6))
async def test_no_late_commit_is_lost_and_every_digest_is_right(wide: Database, seed: int) -> None:
    draw = random.Random(seed)
    async with AsyncExitStack() as stack:
        async with wide.app() as conn:
            tenant_id, region_id = await a_tenant(conn), await a_region(conn)
            monitors = [await a_monitor(conn, tenant_id, [region_id]) for _ in range(12)]
            agent_id, _ = await an_agent(conn, region_id)
        processes = [RegionDigests(), RegionDigests()]
        asker = Asker(agent_id, region_id)
        agents = [Agent(wide, asker, processes[n % 2], page=draw.choice([1, 2, 3, 50])) for n in range(5)]
        writers = [
            Writer(await stack.enter_async_context(wide.app()), region_id, list(monitors[n::4])) for n in range(4)
        ]
        for _ in range(700):
            if draw.random() < 0.5:
                await draw.choice(writers).step(draw)
            else:
                agent = draw.choice(agents)
                if draw.random() < 0.03:
                    agent.cursor = ""
                if draw.random() < 0.1:  # the next poll goes to another process
                    agent.digests = draw.choice(processes)
                await agent.poll()
        for writer in writers:
            await writer.end(rollback=False)
        async with wide.app() as conn:
            table = {row["monitor_id"]: row["change"] for row in await conn.fetch(TABLE, region_id)}
        for agent in agents:
            await agent.settle()
            assert agent.held == table


async def test_a_change_that_commits_after_later_ones_still_arrives(database: Database) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        early, late = [await a_monitor(conn, tenant_id, [region_id]) for _ in range(2)]
        agent_id, _ = await an_agent(conn, region_id)
    agent = Agent(database, Asker(agent_id, region_id), RegionDigests(), page=100)
    await agent.settle()
    async with database.app() as slow, database.app() as quick:
        transaction = slow.transaction()
        await transaction.start()
        await slow.execute(OPERATIONS[1], region_id, early)
        await quick.execute(OPERATIONS[0], region_id, late)
        answer = await agent.poll()
        assert [each.monitor_id for each in answer.upserts] == [late]
        await transaction.commit()
    answer = await agent.poll()
    assert (answer.upserts, answer.removes) == ((), (early,))
    assert set(agent.held) == {late}


async def test_a_region_larger_than_a_page_comes_in_pages_and_ends_with_its_digest(database: Database) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        monitors = {await a_monitor(conn, tenant_id, [region_id]) for _ in range(7)}
        agent_id, _ = await an_agent(conn, region_id)
    agent = Agent(database, Asker(agent_id, region_id), RegionDigests(), page=3)
    answers = [await agent.poll() for _ in range(4)]
    assert [(len(each.upserts), each.snapshot, each.more) for each in answers] == [
        (3, True, True),
        (3, False, True),
        (1, False, True),
        (0, False, False),
    ]
    assert set(agent.held) == monitors


async def test_rows_restored_from_another_cluster_do_not_come_again_and_again(database: Database) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        for _ in range(7):
            await a_monitor(conn, tenant_id, [region_id])
        await conn.execute("UPDATE assignments SET changed_xid = '999999999999'")
        agent_id, _ = await an_agent(conn, region_id)
    agent = Agent(database, Asker(agent_id, region_id), RegionDigests(), page=3)
    await agent.settle()
    assert len(agent.held) == 7
    assert (await agent.poll()).upserts == ()
