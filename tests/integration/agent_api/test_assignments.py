"""GET /assignments over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from control_plane.domain.checks.secrets_of_check import split
from control_plane.services.monitors.credentials import monitor_context, seal_check
from control_plane.store import assignments
from control_plane.store.pool import Database
from shared.checks.http import HttpCheck
from shared.ids import MonitorId
from shared.protocol import Assignments, digest_term
from tests.support.door import Served
from tests.support.seed import a_monitor, a_region, a_tenant, an_agent, new_id

NONE = "0" * 16
TOUCH = """
UPDATE assignments SET changed_xid = pg_current_xact_id(), change = nextval('assignment_changes') WHERE monitor_id = $1
"""
REMOVE = """
UPDATE assignments SET removed_at = now(), changed_xid = pg_current_xact_id(), change = nextval('assignment_changes')
 WHERE monitor_id = $1
"""


async def poll(agent: httpx.AsyncClient, cursor: str = "", tag: str | None = None) -> httpx.Response:
    headers = {} if tag is None else {"If-None-Match": tag}
    answer = await agent.get("/api/agent/v1/assignments", params={"cursor": cursor}, headers=headers)
    assert "X-Farwatch-Time-Ms" in answer.headers
    return answer


def read(answer: httpx.Response) -> Assignments:
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=Assignments)


async def test_an_agent_gets_its_regions_monitors_and_nothing_of_another_region(
    door: Served, database: Database
) -> None:
    async with database.app() as conn:
        tenant_id = await a_tenant(conn)
        eu, us = await a_region(conn, "eu"), await a_region(conn, "us")
        agent_id, key = await an_agent(conn, eu)
        await an_agent(conn, us)
        both = await a_monitor(conn, tenant_id, [eu, us])
        await a_monitor(conn, tenant_id, [us])
        row = await conn.fetchrow("SELECT * FROM assignments WHERE monitor_id = $1 AND region_id = $2", both, eu)
    async with door.client(key) as agent:
        answer = read(await poll(agent))
    assert answer.snapshot
    assert not answer.more
    assert answer.agents == (agent_id,)
    (given,) = answer.upserts
    assert (given.monitor_id, given.tenant_id, given.revision) == (both, tenant_id, row["change"])
    assert (given.cadence, given.phase, given.check_version) == (60_000, row["phase_ms"], 1)
    assert given.check == HttpCheck(url="https://a.example/health")
    assert answer.digest == f"{digest_term(both, row['change']):016x}"


async def test_an_unchanged_poll_is_304_without_a_body_and_renews_the_lease(door: Served, database: Database) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        agent_id, key = await an_agent(conn, region_id)
        monitor_id = await a_monitor(conn, tenant_id, [region_id])
        await conn.execute("UPDATE agents SET lease_until = NULL, last_seen_at = NULL WHERE id = $1", agent_id)
    async with door.client(key) as agent:
        first = await poll(agent)
        cursor, tag = read(first).cursor, first.headers["ETag"]
        for _ in range(3):
            unchanged = await poll(agent, cursor, tag)
            assert (unchanged.status_code, unchanged.content) == (304, b"")
            assert unchanged.headers["ETag"] == tag
        assert read(await poll(agent, "", tag)).snapshot, "who asks for everything gets it"
        async with database.app() as conn:
            seconds = await conn.fetchval(
                "SELECT extract(epoch FROM lease_until - now())::float8 FROM agents WHERE id = $1", agent_id
            )
            assert 10 < seconds <= 15
            await conn.execute(TOUCH, monitor_id)
        changed = read(await poll(agent, cursor, tag))
    assert [each.monitor_id for each in changed.upserts] == [monitor_id]
    assert not changed.snapshot


async def test_a_removed_monitor_is_told_of_and_leaves_the_digest(door: Served, database: Database) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        monitor_id = await a_monitor(conn, tenant_id, [region_id])
    async with door.client(key) as agent:
        cursor = read(await poll(agent)).cursor
        async with database.app() as conn:
            await conn.execute(REMOVE, monitor_id)
        changed = read(await poll(agent, cursor))
        fresh = read(await poll(agent))
    assert changed.removes == (monitor_id,)
    assert changed.digest == NONE
    assert (fresh.upserts, fresh.removes, fresh.digest) == ((), (), NONE)


@pytest.mark.parametrize("cursor", ["nonsense", "s.1:99999999999:", "s.1:1:5", "w." + "9" * 4000])
async def test_a_cursor_that_means_nothing_here_is_answered_with_a_snapshot(
    door: Served, database: Database, cursor: str
) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        await a_monitor(conn, tenant_id, [region_id])
    async with door.client(key) as agent:
        answer = await poll(agent, cursor)
    assert read(answer).snapshot
    assert len(read(answer).upserts) == 1


async def test_agents_that_are_lost_unhealthy_or_disabled_do_not_share_the_region(
    door: Served, database: Database
) -> None:
    async with database.app() as conn:
        region_id = await a_region(conn)
        (me, key), (peer, _), (lost, _), (ill, _), (off, _) = [await an_agent(conn, region_id) for _ in range(5)]
        await conn.execute("UPDATE agents SET lease_until = now() - interval '1 second' WHERE id IN ($1, $2)", me, lost)
        await conn.execute("UPDATE agents SET healthy = false WHERE id = $1", ill)
        await conn.execute("UPDATE agents SET enabled = false WHERE id = $1", off)
    async with door.client(key) as agent:
        assert read(await poll(agent)).agents == tuple(sorted([me, peer]))
        first = await poll(agent, read(await poll(agent)).cursor)
        async with database.app() as conn:
            await conn.execute("UPDATE agents SET lease_until = now() WHERE id = $1", peer)
        changed = await poll(agent, read(first).cursor, first.headers["ETag"])
    assert read(changed).agents == (me,)


async def suspend(conn: Any, tenant_id: Any, region_id: int) -> None:
    await conn.execute("UPDATE tenants SET suspended_at = now() WHERE id = $1", tenant_id)
    await assignments.touch_tenant(conn, tenant_id=tenant_id)


async def test_a_suspended_tenants_monitors_are_taken_back_and_returned(door: Served, database: Database) -> None:
    async with database.app() as conn:
        bad, good, region_id = await a_tenant(conn), await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        taken, kept = await a_monitor(conn, bad, [region_id]), await a_monitor(conn, good, [region_id])
    async with door.client(key) as agent:
        cursor = read(await poll(agent)).cursor
        async with database.app_transaction() as conn:
            await suspend(conn, bad, region_id)
        suspended = read(await poll(agent, cursor))
        assert [each.monitor_id for each in read(await poll(agent)).upserts] == [kept]
        async with database.app_transaction() as conn:
            await conn.execute("UPDATE tenants SET suspended_at = NULL WHERE id = $1", bad)
            await assignments.touch_tenant(conn, tenant_id=bad)
        returned = read(await poll(agent, suspended.cursor))
    assert suspended.removes == (taken,)
    assert [each.monitor_id for each in returned.upserts] == [taken]


@pytest.mark.parametrize(
    ("stop", "go", "reason"),
    [
        ("UPDATE regions SET enabled = false", "UPDATE regions SET enabled = true", "The region is disabled."),
        (
            """INSERT INTO installation VALUES ('kill_switch', '{"reason": "Maintenance of the fleet"}')""",
            "DELETE FROM installation",
            "Maintenance of the fleet",
        ),
    ],
)
async def test_while_nothing_may_run_assignments_are_empty_and_say_why(
    door: Served, database: Database, stop: str, go: str, reason: str
) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        await a_monitor(conn, tenant_id, [region_id])
    async with door.client(key) as agent:
        cursor = read(await poll(agent)).cursor
        async with database.app() as conn:
            await conn.execute(stop)
        stopped = await poll(agent, cursor)
        paused = read(stopped)
        assert (paused.paused, paused.upserts, paused.digest, paused.snapshot) == (reason, (), NONE, True)
        assert (await poll(agent, paused.cursor, stopped.headers["ETag"])).status_code == 304
        async with database.app() as conn:
            await conn.execute(go)
        assert len(read(await poll(agent, paused.cursor)).upserts) == 1


async def test_a_private_region_is_not_given_another_tenants_monitor(door: Served, database: Database) -> None:
    async with database.app() as conn:
        mine, other = await a_tenant(conn), await a_tenant(conn)
        region_id = await a_region(conn, "home", mine)
        _, key = await an_agent(conn, region_id)
        own = await a_monitor(conn, mine, [region_id])
        await a_monitor(conn, other, [region_id])
    async with door.client(key) as agent:
        answer = read(await poll(agent))
    assert [each.monitor_id for each in answer.upserts] == [own]
    assert len(answer.removes) == 0


async def test_credentials_travel_opened_and_one_that_cannot_be_opened_says_so(
    door: Served, database: Database
) -> None:
    check = HttpCheck(url="https://a.example/", bearer_token="s3cret", headers={"X-Api-Key": "k3y", "Accept": "*/*"})
    good, bad = MonitorId(new_id()), MonitorId(new_id())
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        document, sealed = seal_check(door.deps.sealer, check, context=monitor_context(tenant_id, good))
        for monitor_id in (good, bad):  # what was sealed for one monitor opens for no other
            await a_monitor(conn, tenant_id, [region_id], id=monitor_id, check=document, sealed=sealed)
    async with door.client(key) as agent:
        given = {each.monitor_id: each for each in read(await poll(agent)).upserts}
    assert given[good].check == check
    assert given[good].unavailable is None
    assert given[bad].check == split(check)[0]
    assert given[bad].unavailable == "The stored credential cannot be opened."


async def test_a_check_that_cannot_be_read_hides_neither_itself_nor_the_others(
    door: Served, database: Database
) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        good = await a_monitor(conn, tenant_id, [region_id])
        odd = await a_monitor(conn, tenant_id, [region_id], check={"type": "http", "url": 7})
    async with door.client(key) as agent:
        given: dict[UUID, Any] = {each.monitor_id: each for each in read(await poll(agent)).upserts}
    assert given[good].unavailable is None
    assert given[odd].unavailable == "The stored check cannot be read."
