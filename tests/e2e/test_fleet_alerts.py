"""One agent of three is wrong about itself: no tenant hears of it, and the operator hears of it exactly once."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiohttp import web

from tests.support.farm import Child, Farm, a_farm
from tests.support.namespaces import Namespace, a_namespace, relayed
from tests.support.scripted_dns import ScriptedDns, answering_dns
from tests.support.waiting import until_async

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

MONITORS = 36
"""Enough for each of three agents of one region to have a share of them."""
SITE = "11.22.33.1"
RESOLVER = "11.22.33.53"
WITHIN_S = 90
QUIET_S = 15
"""How long we go on looking for a second alert: longer than one watch takes to come round."""

NAMES = {"a-site.farwatch.dev": [f"A {SITE}"]}


@dataclass
class Post:
    """One agent's place: a namespace with a wire to the control plane and one to the rest of the world."""

    namespace: Namespace
    number: int
    resolver: ScriptedDns
    key: str = ""
    agent: Child | None = None

    def lose_resolver(self) -> None:
        self.resolver.silent = True

    def find_resolver(self) -> None:
        self.resolver.silent = False

    def lose_route(self) -> None:
        self.namespace.ip("link", "set", f"up{self.number}", "down")

    def find_route(self) -> None:
        self.namespace.ip("link", "set", f"up{self.number}", "up")
        self.namespace.ip("route", "replace", "default", "via", f"11.22.{40 + self.number}.1")

    @property
    def control_plane(self) -> str:
        return f"http://10.213.{self.number}.1:80"

    @property
    def resolver_text(self) -> str:
        return f"{RESOLVER}:{53 + self.number}"


@dataclass
class World:
    farm: Farm
    posts: list[Post] = field(default_factory=list)


@asynccontextmanager
async def a_world(dsn: str, directory: Path, *, regions: Sequence[str]) -> AsyncIterator[World]:
    """Three agents of shared regions, each behind wires of its own, and a site that they know by name."""
    async with AsyncExitStack() as stack:
        farm = await stack.enter_async_context(a_farm(dsn, directory))
        hub = stack.enter_context(a_namespace())
        for address in (SITE, RESOLVER):
            hub.ip("addr", "add", f"{address}/32", "dev", "lo")
        await stack.enter_async_context(_a_site(hub.socket(socket.SOCK_STREAM, (SITE, 80))))
        await farm.start_control_plane()
        world = World(farm)
        for number, region in enumerate(regions):
            post = await _a_post(stack, hub, farm, number)
            world.posts.append(post)
            post.key = await _an_agent(farm, region, f"post-{number}")
            await _start(farm, post)
        await farm.wait_agents(len(regions))
        yield world


async def _start(farm: Farm, post: Post) -> None:
    post.agent = await farm.start_agent_elsewhere(
        post.key, prefix=post.namespace.prefix, url=post.control_plane, resolvers=post.resolver_text
    )


async def _a_post(stack: AsyncExitStack, hub: Namespace, farm: Farm, number: int) -> Post:
    namespace = stack.enter_context(a_namespace())
    hub.link(namespace, f"cp{number}", network=f"10.213.{number}")
    hub.link(namespace, f"up{number}", network=f"11.22.{40 + number}")
    namespace.ip("route", "add", "default", "via", f"11.22.{40 + number}.1")
    await stack.enter_async_context(relayed(hub.socket(socket.SOCK_STREAM, (f"10.213.{number}.1", 80)), farm.port))
    listening = hub.socket(socket.SOCK_DGRAM, (RESOLVER, 53 + number))
    resolver = await stack.enter_async_context(answering_dns(NAMES, listening))
    return Post(namespace, number, resolver)


async def _an_agent(farm: Farm, region: str, name: str) -> str:
    """A new agent's probe key. Its region is shared, and made if it is not there yet."""
    async with farm.operator() as operator:
        await operator.post("/regions", json={"id": region, "name": region})
        made = await operator.post("/agents", json={"region": region, "name": name})
        assert made.status_code == 201, made.text
        key: str = made.json()["key"]
        return key


@asynccontextmanager
async def _a_site(listening: socket.socket) -> AsyncIterator[None]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text="well\n")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listening.listen(64)
    try:
        await web.SockSite(runner, listening).start()
        yield
    finally:
        await runner.cleanup()


async def _watch(farm: Farm, regions: Sequence[str]) -> None:
    async with farm.operator() as operator:
        body = {"name": "On call", "config": {"type": "webhook", "url": farm.receiver.url()}}
        assert (await operator.post("/channels", json=body)).status_code == 201
    async with farm.api() as api:
        for number in range(MONITORS):
            page: dict[str, Any] = {
                "name": f"Page {number}",
                "check": f"http://a-site.farwatch.dev/{number}",
                "interval": 10,
                "regions": sorted(set(regions)),
            }
            made = await api.post("/monitors", json=page)
            assert made.status_code == 201, made.text


async def _all_is_well(world: World) -> bool:
    """Every monitor is up, and every agent's self-test asks its resolver."""
    states = await world.farm.rows("SELECT verdict FROM monitor_states")
    is_asked = all(any("." not in name for name in post.resolver.asked) for post in world.posts)
    return is_asked and [state["verdict"] for state in states] == ["up"] * MONITORS


async def _incidents(farm: Farm, **query: str) -> list[dict[str, Any]]:
    async with farm.operator() as operator:
        items: list[dict[str, Any]] = (await operator.get("/incidents", params=query)).json()["items"]
        return items


def _events(farm: Farm) -> list[str]:
    return [json.loads(request.body)["event"] for request in farm.receiver.received]


async def _no_tenant_heard(farm: Farm) -> None:
    assert await farm.rows("SELECT * FROM incidents") == []
    assert await farm.rows("SELECT * FROM results WHERE outcome = 2") == [], (
        "an agent told its own fault as the target's"
    )
    assert {row["verdict"] for row in await farm.rows("SELECT verdict FROM monitor_states")} == {"up"}
    assert await farm.audit() == []


async def _told_once(farm: Farm, kind: str, *, since: float) -> dict[str, Any]:
    """The one incident, once its notice has arrived and no other follows."""
    await until_async(lambda: _incidents(farm), "the operator has an incident", timeout=WITHIN_S)
    left = max(1.0, since + WITHIN_S - time.monotonic())
    await farm.receiver.wait_for(1, deadline_s=left)
    await asyncio.sleep(QUIET_S)  # what is shown is that nothing more comes in this time
    (incident,) = await _incidents(farm)
    assert (incident["kind"], incident["state"]) == (kind, "triggered")
    assert _events(farm) == ["operator.incident.opened"]
    return incident


@pytest.mark.parametrize(
    ("regions", "breaks", "heals"),
    [
        pytest.param(("one", "two", "two"), Post.lose_resolver, Post.find_resolver, id="DNS down, two regions"),
        pytest.param(("one", "one", "one"), Post.lose_route, Post.find_route, id="route gone, one region"),
    ],
)
async def test_an_agent_whose_self_test_fails_is_told_to_the_operator_alone_and_once(
    dsn: str,
    tmp_path: Path,
    regions: Sequence[str],
    breaks: Callable[[Post], None],
    heals: Callable[[Post], None],
) -> None:
    async with a_world(dsn, tmp_path, regions=regions) as world:
        farm, broken = world.farm, world.posts[1]
        await _watch(farm, regions)
        await until_async(lambda: _all_is_well(world), "all is well", timeout=90)

        breaks(broken)
        incident = await _told_once(farm, "agent_offline", since=time.monotonic())
        assert incident["agent_name"] == "post-1"
        assert incident["reason"].startswith("Its self-test fails: No ")
        await _no_tenant_heard(farm)

        heals(broken)
        await until_async(lambda: _incidents(farm, state="resolved"), "the incident ends", timeout=WITHIN_S)
        await farm.receiver.wait_for(2, deadline_s=30)
        assert _events(farm) == ["operator.incident.opened", "operator.incident.resolved"]
        await _no_tenant_heard(farm)


async def test_a_silent_region_is_told_to_the_operator_alone_and_once(dsn: str, tmp_path: Path) -> None:
    """Both agents of region one are killed; region two alone still proves that everything is up."""
    regions = ("one", "one", "two")
    async with a_world(dsn, tmp_path, regions=regions) as world:
        farm, lost = world.farm, world.posts[:2]
        await _watch(farm, regions)
        await until_async(lambda: _all_is_well(world), "all is well", timeout=90)

        since = time.monotonic()
        for post in lost:
            assert post.agent is not None
            await post.agent.kill()
        incident = await _told_once(farm, "region_silent", since=since)
        assert (incident["region"], incident["agent_id"]) == ("one", None)
        await _no_tenant_heard(farm)

        for post in lost:
            await _start(farm, post)
        await until_async(lambda: _incidents(farm, state="resolved"), "the incident ends", timeout=WITHIN_S)
        await farm.receiver.wait_for(2, deadline_s=30)
        assert _events(farm) == ["operator.incident.opened", "operator.incident.resolved"]
        assert len(await _incidents(farm)) == 1
        await _no_tenant_heard(farm)


class OddClock:
    """An agent by protocol alone, a minute ahead, that calls every target down."""

    AHEAD_MS = 60_000

    def __init__(self, farm: Farm, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.AsyncClient(
            base_url=f"{farm.url}/api/agent/v1", headers=headers, timeout=20, trust_env=False
        )

    async def live(self) -> None:
        """Say hello and go on until cancelled."""
        async with self._http as http:
            hello = {"version": "0.1.0", "protocols": [1], "boot_id": str(uuid4())}
            assert (await http.post("/hello", json=hello)).status_code == 200
            while True:
                await self._once(http)
                await asyncio.sleep(5)

    async def _once(self, http: httpx.AsyncClient) -> None:
        plan = (await http.get("/assignments")).json()
        now = plan["server_time"]
        items = [
            {
                "monitor_id": each["monitor_id"],
                "check_version": each["check_version"],
                "slot": now,
                "outcome": "down",
                "reason": "connect",
                "total": 1.0,
            }
            for each in plan.get("upserts", ())
        ]
        sent_at = now + self.AHEAD_MS
        assert (await http.post("/results", json={"sent_at": sent_at, "items": items})).status_code == 200
        observed = {"sent_at": sent_at, "healthy": True, "clock_offset": float(self.AHEAD_MS)}
        assert (await http.post("/observations", json=observed)).status_code == 204


async def test_an_agent_whose_clock_is_off_is_told_to_the_operator_alone_and_once(dsn: str, tmp_path: Path) -> None:
    async with a_world(dsn, tmp_path, regions=("one", "two")) as world:
        farm, regions = world.farm, ("one", "two", "three")
        odd = OddClock(farm, await _an_agent(farm, "three", "odd"))
        await _watch(farm, regions)
        await until_async(lambda: _all_is_well(world), "all is well", timeout=90)

        living = asyncio.create_task(odd.live())
        try:
            incident = await _told_once(farm, "agent_skewed", since=time.monotonic())
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
        assert incident["agent_name"] == "odd"
        assert await farm.rows("SELECT * FROM incidents") == []
        assert len(await farm.rows("SELECT * FROM results WHERE outcome = 2")) > 0, "it did call the targets down"
