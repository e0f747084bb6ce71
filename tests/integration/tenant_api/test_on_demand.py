"""A test and a check-now: ordered, taken up by an agent of the region, answered; or nobody is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from msgspec import structs

from control_plane.services.fleet.hand_out_dispatches import claim_dispatches, store_tests
from control_plane.services.fleet.ingest_results import Reporter, ingest_results
from shared.checks.http import HttpCheck
from shared.ids import AgentId
from shared.protocol import Dispatch, TestOutcome
from shared.results import CheckResult, Detail, Outcome
from tests.support import seed
from tests.support.reporting import now_ms, reporters
from tests.support.tenant_world import World


class Agent:
    """A region's agent that claims work and answers it as it is told; `seen` is what it was handed."""

    def __init__(self, world: World, reporter: Reporter) -> None:
        self.world = world
        self.reporter = reporter
        self.seen: list[Dispatch] = []

    async def work(self) -> None:
        while True:
            due = await claim_dispatches(
                self.world.database,
                self.world.door.deps.sealer,
                agent_id=AgentId(self.reporter.agent_id),
                region_id=self.reporter.region_id,
            )
            for item in due.items:
                self.seen.append(item)
                await self._answer(item)
            await asyncio.sleep(0.02)

    async def _answer(self, item: Dispatch) -> None:
        result = CheckResult(
            monitor_id=item.monitor_id or item.id,
            check_version=item.check_version or 1,
            slot=item.slot,
            outcome=Outcome.UP,
            http_status=200,
            total=5.0,
            detail=Detail(address="192.0.2.7"),
        )
        if item.kind == "test":
            await store_tests(self.world.database, [TestOutcome(item.id, result)], region_id=self.reporter.region_id)
        else:
            result = structs.replace(result, dispatch_id=item.id)
            await ingest_results(self.world.database, self.reporter, sent_at=now_ms(), items=[result])


@asynccontextmanager
async def at_work(world: World, *regions: str) -> AsyncIterator[dict[str, Agent]]:
    made = await reporters(world)
    agents = {slug: Agent(world, made[slug]) for slug in regions}
    tasks = [asyncio.create_task(agent.work()) for agent in agents.values()]
    try:
        yield agents
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def seen_by_test(world: World, **body: Any) -> Any:
    reply = await world.http.post("/api/v1/monitors/test", json={"check": "https://example.com/", **body})
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_a_test_runs_in_one_live_region_and_stores_nothing(world: World) -> None:
    before = await world.fingerprint()
    async with at_work(world, "eu", "us") as agents:
        answer = await seen_by_test(world)
    assert [(each["region"], each["outcome"], each["http_status"]) for each in answer["results"]] == [("eu", "up", 200)]
    assert answer["warnings"] == []
    assert len(agents["eu"].seen) == 1
    assert await world.fingerprint() == before
    assert await world.rows("SELECT * FROM results") == []


async def test_a_test_runs_in_each_region_that_is_named(world: World) -> None:
    async with at_work(world, "eu", "us"):
        answer = await seen_by_test(world, regions=["us", "eu"])
    assert [each["region"] for each in answer["results"]] == ["eu", "us"]


async def test_a_tests_secrets_reach_the_agent_alone(world: World) -> None:
    check = {"type": "http", "url": "https://example.com/", "bearer_token": "s3cret"}
    async with at_work(world, "eu", "us") as agents:
        answer = await seen_by_test(world, check=check)
    handed = agents["eu"].seen[0].check
    assert isinstance(handed, HttpCheck)
    assert handed.bearer_token == "s3cret"
    assert "s3cret" not in str(answer)
    assert "s3cret" not in str(await world.rows('SELECT "check"::text FROM dispatches'))


async def test_a_test_is_judged_like_a_creation(world: World) -> None:
    for body, status, code in (
        ({"check": "http://127.0.0.1/"}, 400, "SSRF_BLOCKED"),
        ({"check": "ftp://example.com/"}, 400, "INVALID_URL_SCHEME"),
        ({}, 400, "MISSING_FIELD"),
        ({"check": "https://example.com/", "regions": ["nowhere"]}, 422, "INVALID_REGIONS"),
        ({"check": "https://example.com/", "name": "x"}, 400, "UNKNOWN_FIELD"),
        ({"check": {"type": "http", "url": "https://example.com/", "bearer_token": "***"}}, 400, "REDACTION_SENTINEL"),
    ):
        reply = await world.http.post("/api/v1/monitors/test", json=body)
        assert (reply.status_code, reply.json()["error"]["code"]) == (status, code), body
    assert await world.rows("SELECT * FROM dispatches") == []


async def test_without_a_live_agent_a_test_is_refused_at_once(world: World) -> None:
    reply = await world.http.post("/api/v1/monitors/test", json={"check": "https://example.com/"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "PROBE_UNAVAILABLE")
    assert reply.elapsed.total_seconds() < 3


async def test_what_nobody_takes_up_in_five_seconds_is_refused_and_withdrawn(world: World) -> None:
    monitor = await world.monitor()
    await reporters(world)  # live, and not looking
    begun = time.monotonic()
    test, now = await asyncio.gather(
        world.http.post("/api/v1/monitors/test", json={"check": "https://example.com/"}),
        world.http.post(f"/api/v1/monitors/{monitor['id']}/check-now"),
    )
    for reply in (test, now):
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, "PROBE_UNAVAILABLE")
    assert 5 <= time.monotonic() - begun < 12
    assert await world.rows("SELECT * FROM dispatches") == []


async def test_check_now_answers_the_stored_results_of_all_regions(world: World) -> None:
    monitor = await world.monitor()
    async with at_work(world, "eu", "us"):
        reply = await world.http.post(f"/api/v1/monitors/{monitor['id']}/check-now")
    assert reply.status_code == 200, reply.text
    assert [(each["region"], each["outcome"]) for each in reply.json()["results"]] == [("eu", "up"), ("us", "up")]
    stored = await world.get(f"/monitors/{monitor['id']}/results")
    assert sorted(stored["items"], key=lambda each: str(each["region"])) == reply.json()["results"]
    assert (await world.get(f"/monitors/{monitor['id']}"))["state"]["verdict"] == "up"


async def test_check_now_may_be_of_one_region(world: World) -> None:
    monitor = await world.monitor()
    async with at_work(world, "eu", "us") as agents:
        reply = await world.http.post(f"/api/v1/monitors/{monitor['id']}/check-now?region=us")
    assert [each["region"] for each in reply.json()["results"]] == ["us"]
    assert agents["eu"].seen == []


async def test_check_now_is_once_in_ten_seconds(world: World) -> None:
    monitor = await world.monitor()
    path = f"/api/v1/monitors/{monitor['id']}/check-now"
    async with at_work(world, "eu", "us"):
        replies = await asyncio.gather(*(world.http.post(path) for _ in range(3)))
    assert sorted(reply.status_code for reply in replies) == [200, 429, 429]
    refused = next(reply for reply in replies if reply.status_code == 429)
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert refused.json()["error"]["code"] == "RATE_LIMITED"


async def test_check_now_needs_a_running_monitor_and_its_own_region(world: World) -> None:
    monitor = await world.monitor(regions=["eu"])
    path = f"/api/v1/monitors/{monitor['id']}"
    reply = await world.http.post(f"{path}/check-now?region=us")
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "INVALID_REGIONS")
    await world.http.post(f"{path}/pause")
    reply = await world.http.post(f"{path}/check-now")
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "MONITOR_PAUSED")


async def test_a_region_that_is_silent_is_named_beside_the_others_results(world: World) -> None:
    monitor = await world.monitor()
    async with at_work(world, "eu"):
        reply = await world.http.post(f"/api/v1/monitors/{monitor['id']}/check-now")
    assert [each["region"] for each in reply.json()["results"]] == ["eu"]
    assert [(each["code"], "us" in each["message"]) for each in reply.json()["warnings"]] == [
        ("PROBE_UNAVAILABLE", True)
    ]


async def test_a_private_region_tests_a_private_address(world: World) -> None:
    async with world.database.app() as conn:
        region_id = await seed.a_region(conn, "home", world.tenant_id)
        agent_id, _ = await seed.an_agent(conn, region_id)
        number = await conn.fetchval("SELECT number FROM agents WHERE id = $1", agent_id)
    agent = Agent(world, Reporter(UUID(str(agent_id)), number, region_id))
    task = asyncio.create_task(agent.work())
    try:
        answer = await seen_by_test(world, check="http://127.0.0.1:9/")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert [each["region"] for each in answer["results"]] == ["home"]
