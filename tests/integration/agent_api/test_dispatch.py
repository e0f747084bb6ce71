"""GET /dispatch and POST /dispatch/results over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from control_plane.agent_api import dispatch
from control_plane.services.monitors.credentials import dispatch_context, seal_check
from control_plane.store import cases, dispatches
from control_plane.store.pool import Connection, Database
from shared.checks.http import HttpCheck
from shared.protocol import Dispatches
from tests.support.door import Served
from tests.support.seed import a_monitor, a_region, a_tenant, an_agent, new_id
from tests.support.waiting import until_async

ORDER = """
INSERT INTO dispatches (id, region_id, tenant_id, monitor_id, check_version, kind, slot, "check", sealed, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + interval '60 seconds')
"""
COUNTED = """
INSERT INTO votes (monitor_id, region_id, tenant_id, check_version, window_ms, newest_slot)
VALUES ($1, $2, $3, 1, 160000, $4)
"""
NOTIFY = "SELECT pg_notify('farwatch_dispatch', $1::integer::text)"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def order(conn: Connection, region_id: int, tenant_id: UUID, **over: Any) -> UUID:
    row: dict[str, Any] = {"monitor_id": None, "check_version": None, "kind": "test", "slot": now_ms(), **over}
    dispatch_id = row.pop("id", None) or new_id()
    columns = (row["monitor_id"], row["check_version"], row["kind"], row["slot"], row.get("check"), row.get("sealed"))
    await conn.execute(ORDER, dispatch_id, region_id, tenant_id, *columns)
    await conn.execute(NOTIFY, region_id)
    return dispatch_id


async def recheck(conn: Connection, region_id: int, tenant_id: UUID, monitor_id: UUID, *, due_in: int = 0) -> UUID:
    return await order(
        conn,
        region_id,
        tenant_id,
        monitor_id=monitor_id,
        check_version=1,
        kind="recheck",
        slot=now_ms() + due_in,
    )


async def ask(agent: httpx.AsyncClient, wait: float = 0) -> Dispatches:
    answer = await agent.get("/api/agent/v1/dispatch", params={"wait": wait})
    assert answer.status_code == 200, answer.text
    assert "X-Farwatch-Time-Ms" in answer.headers
    return msgspec.json.decode(answer.content, type=Dispatches)


def ids(answer: Dispatches) -> list[UUID]:
    return [item.id for item in answer.items]


async def test_nothing_to_do_is_answered_when_the_time_is_over(door: Served, database: Database) -> None:
    async with database.app() as conn:
        _, key = await an_agent(conn, await a_region(conn))
    async with door.client(key) as agent:
        started = time.monotonic()
        answer = await ask(agent, 0.3)
    assert (answer.items, answer.assignments_changed) == ((), False)
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("wait", ["31", "-1", "soon", "nan", "inf"])
async def test_a_wait_that_is_out_of_bounds_is_refused(door: Served, database: Database, wait: str) -> None:
    async with database.app() as conn:
        _, key = await an_agent(conn, await a_region(conn))
    async with door.client(key) as agent:
        answer = await agent.get("/api/agent/v1/dispatch", params={"wait": wait})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_WAIT")


async def test_work_is_handed_out_as_it_falls_due(
    door: Served, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "LOOK_EVERY_S", 60.0)  # it is not found by chance
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        monitor_id = await a_monitor(conn, tenant_id, [region_id])
    async with door.client(key) as agent:
        waiting = asyncio.create_task(ask(agent, 25))
        async with database.app() as conn:
            dispatch_id = await recheck(conn, region_id, tenant_id, monitor_id, due_in=600)
        answer = await waiting
        (item,) = answer.items
        assert (item.id, item.kind, item.monitor_id, item.check_version) == (dispatch_id, "recheck", monitor_id, 1)
        assert item.check is None
        assert 0 <= answer.server_time - item.slot < 10_000, "not before, and not at the end of the wait"
        assert ids(await ask(agent)) == [], "it is handed out once"


async def test_work_that_nobody_hinted_at_is_found_all_the_same(door: Served, database: Database) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
    async with door.client(key) as agent:
        waiting = asyncio.create_task(ask(agent, 10))
        async with database.app() as conn:
            dispatch_id = new_id()
            await conn.execute(ORDER, dispatch_id, region_id, tenant_id, None, None, "test", now_ms(), None, None)
        assert ids(await waiting) == [dispatch_id]


async def test_two_agents_that_wait_together_never_get_the_same_work(door: Served, database: Database) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        keys = [(await an_agent(conn, region_id))[1] for _ in range(2)]
        ordered = {await order(conn, region_id, tenant_id) for _ in range(150)}

    async def take_all(key: str) -> list[UUID]:
        got: list[UUID] = []
        async with door.client(key) as agent:
            while answer := ids(await ask(agent)):
                assert len(answer) <= 32
                got += answer
        return got

    taken = [one for some in await asyncio.gather(*(take_all(key) for key in keys * 2)) for one in some]
    assert sorted(taken) == sorted(ordered)


async def test_a_recheck_waits_until_the_one_before_is_finished(
    door: Served, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "LOOK_EVERY_S", 60.0)
    async with database.app() as conn:
        tenant_id, eu, us = await a_tenant(conn), await a_region(conn, "eu"), await a_region(conn, "us")
        _, key = await an_agent(conn, eu)
        _, other = await an_agent(conn, us)
        monitor_id = await a_monitor(conn, tenant_id, [eu, us])
        first, second = [await recheck(conn, eu, tenant_id, monitor_id, due_in=n - 10) for n in range(2)]
        elsewhere = await recheck(conn, us, tenant_id, monitor_id)
    async with door.client(key) as agent, door.client(other) as far:
        assert ids(await ask(agent)) == [first]
        assert ids(await ask(agent, 0.1)) == []
        assert ids(await ask(far)) == [elsewhere], "another region does not wait"
        waiting = asyncio.create_task(ask(agent, 25))
        async with database.app() as conn:
            await dispatches.finish(conn, [first], region_id=eu)
        finished_at = time.monotonic()
        assert ids(await waiting) == [second]
        assert time.monotonic() - finished_at < 15, "the finish wakes the one who waits"


async def test_a_recheck_that_a_newer_slot_has_overtaken_is_passed_over(door: Served, database: Database) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        monitor_id = await a_monitor(conn, tenant_id, [region_id])
        await recheck(conn, region_id, tenant_id, monitor_id, due_in=-3000)
        counts = await recheck(conn, region_id, tenant_id, monitor_id, due_in=-1000)
        await conn.execute(COUNTED, monitor_id, region_id, tenant_id, now_ms() - 2000)
        pending = await cases.pending_rechecks(conn, [monitor_id])
    async with door.client(key) as agent:
        assert ids(await ask(agent)) == [counts]
    assert pending == {monitor_id}
    async with database.app() as conn:
        assert await cases.pending_rechecks(conn, [monitor_id]) == set()


async def test_a_recheck_whose_predecessor_never_ends_goes_on_after_its_timeout(
    door: Served, database: Database
) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        monitor_id = await a_monitor(conn, tenant_id, [region_id])
        first, second = [await recheck(conn, region_id, tenant_id, monitor_id, due_in=n - 10) for n in range(2)]
    async with door.client(key) as agent:
        assert ids(await ask(agent)) == [first]
        async with database.app() as conn:
            await conn.execute("UPDATE dispatches SET claimed_at = now() - interval '10.9 s' WHERE id = $1", first)
            assert ids(await ask(agent)) == []
            await conn.execute("UPDATE dispatches SET claimed_at = now() - interval '11 s' WHERE id = $1", first)
        assert ids(await ask(agent)) == [second]


NOBODY_GETS = {
    "another region's": "UPDATE dispatches SET region_id = (SELECT id FROM regions WHERE slug = 'us')",
    "another check version's": "UPDATE monitors SET check_version = 2",
    "a paused monitor's": "UPDATE monitors SET enabled = false",
    "a removed assignment's": "UPDATE assignments SET removed_at = now()",
    "a suspended tenant's": "UPDATE tenants SET suspended_at = now()",
    "what has expired": "UPDATE dispatches SET expires_at = now()",
    "what is not yet due": "UPDATE dispatches SET slot = slot + 60000",
    "a disabled region's": "UPDATE regions SET enabled = false",
    "while the kill switch is on": "INSERT INTO installation VALUES ('kill_switch', 'true')",
    "an unhealthy agent": "UPDATE agents SET healthy = false",
    "an agent without a lease": "UPDATE agents SET lease_until = now()",
}


@pytest.mark.parametrize("statement", NOBODY_GETS.values(), ids=NOBODY_GETS.keys())
async def test_work_that_must_not_be_run_is_not_handed_out(door: Served, database: Database, statement: str) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        await a_region(conn, "us")
        _, key = await an_agent(conn, region_id)
        monitor_id = await a_monitor(conn, tenant_id, [region_id])
        await recheck(conn, region_id, tenant_id, monitor_id)
        await conn.execute(statement)
    async with door.client(key) as agent:
        assert ids(await ask(agent)) == []


async def test_an_agent_that_waits_is_told_that_assignments_changed(door: Served, database: Database) -> None:
    async with database.app() as conn:
        region_id = await a_region(conn)
        _, key = await an_agent(conn, region_id)
        async with door.client(key) as agent:
            waiting = asyncio.create_task(ask(agent, 10))
            topic = f"farwatch_assignments:{region_id}"
            await until_async(lambda: _has_subscriber(door, topic), "the poll waits")
            await conn.execute("SELECT pg_notify('farwatch_assignments', $1::integer::text)", region_id)
            assert (await waiting).assignments_changed
            assert not (await ask(agent)).assignments_changed
            with door.deps.hub.subscribe(topic) as hints:
                await conn.execute("SELECT pg_notify('farwatch_assignments', $1::integer::text)", region_id)
                assert await hints.get(5)
            assert (await ask(agent, 10)).assignments_changed, "also of a change between two polls"


async def _has_subscriber(door: Served, topic: str) -> bool:
    return topic in door.deps.hub._subscribers


async def test_work_for_an_agent_that_has_gone_is_not_lost(door: Served, database: Database) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
    topic = f"farwatch_dispatch:{region_id}"
    _, writer = await asyncio.open_connection(door.host, door.port)
    writer.write(
        f"GET /api/agent/v1/dispatch?wait=20 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    )
    await until_async(lambda: _has_subscriber(door, topic), "the poll waits")
    writer.close()
    await writer.wait_closed()
    async with door.client(key) as agent:
        async with database.app() as conn:
            ordered = {await order(conn, region_id, tenant_id)}
        got: set[UUID] = set()

        async def has_all() -> bool:
            got.update(ids(await ask(agent, 0.2)))
            return got == ordered

        await until_async(has_all, "another poll gets what the gone one would have got")


async def test_a_test_brings_its_own_check_opened(door: Served, database: Database) -> None:
    check = HttpCheck(url="https://a.example/", bearer_token="s3cret")
    good, bad = new_id(), new_id()
    document, sealed = seal_check(door.deps.sealer, check, context=dispatch_context(good))
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        for dispatch_id in (good, bad):
            await order(conn, region_id, tenant_id, id=dispatch_id, check=document, sealed=sealed)
    async with door.client(key) as agent:
        given = {item.id: item for item in (await ask(agent)).items}
    assert (given[good].check, given[good].unavailable, given[good].monitor_id) == (check, None, None)
    assert given[bad].unavailable == "The stored credential cannot be opened."


def outcome(dispatch_id: UUID) -> dict[str, Any]:
    result = {"monitor_id": str(dispatch_id), "check_version": 1, "slot": now_ms(), "outcome": "up", "total": 1.5}
    return {"id": str(dispatch_id), "result": result}


async def report(agent: httpx.AsyncClient, dispatch_ids: Sequence[UUID]) -> list[str]:
    answer = await agent.post(
        "/api/agent/v1/dispatch/results", json={"items": [outcome(each) for each in dispatch_ids]}
    )
    assert answer.status_code == 200, answer.text
    statuses: list[str] = answer.json()["statuses"]
    return statuses


async def test_what_a_test_saw_is_kept_once_and_wakes_whoever_asked(door: Served, database: Database) -> None:
    async with database.app() as conn:
        tenant_id, region_id, other = await a_tenant(conn), await a_region(conn), await a_region(conn, "us")
        (_, key), (_, stranger) = await an_agent(conn, region_id), await an_agent(conn, other)
        dispatch_id = await order(conn, region_id, tenant_id)
    async with door.client(key) as agent, door.client(stranger) as far:
        assert await report(agent, [dispatch_id]) == ["rejected:UNKNOWN_DISPATCH"], "nobody has claimed it"
        assert ids(await ask(agent)) == [dispatch_id]
        assert await report(far, [dispatch_id]) == ["rejected:UNKNOWN_DISPATCH"], "it is another region's"
        woken = asyncio.create_task(door.deps.hub.wait(f"farwatch_tests:{dispatch_id}", 10))
        await asyncio.sleep(0)
        assert await report(agent, [new_id(), dispatch_id]) == ["rejected:UNKNOWN_DISPATCH", "stored"]
        assert await woken
        assert await report(agent, [dispatch_id]) == ["rejected:UNKNOWN_DISPATCH"]
    async with database.app() as conn:
        row = await conn.fetchrow("SELECT result, finished_at FROM dispatches WHERE id = $1", dispatch_id)
    assert msgspec.json.decode(row["result"])["total"] == 1.5
    assert row["finished_at"] is not None
