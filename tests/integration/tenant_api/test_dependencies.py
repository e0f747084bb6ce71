"""What depends on what: written with the monitor, never in a circle, and read both ways."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import UUID

import httpx

from control_plane.domain.judging.dependency_graph import find_cycle
from tests.support.tenant_world import CHECK, World


async def named(world: World, name: str, **body: Any) -> str:
    monitor = await world.monitor(name=name, **body)
    return str(monitor["id"])


async def depend(world: World, monitor_id: str, *upstreams: str) -> httpx.Response:
    return await world.http.patch(f"/api/v1/monitors/{monitor_id}", json={"depends_on": list(upstreams)})


async def upstreams_of(world: World, monitor_id: str) -> list[str]:
    found: list[str] = (await world.get(f"/monitors/{monitor_id}"))["depends_on"]
    return found


async def test_upstreams_are_written_at_creation_changed_and_cleared(world: World) -> None:
    db, cache = await named(world, "DB", key="db"), await named(world, "Cache")
    api = await named(world, "API", depends_on=["db"])
    assert await upstreams_of(world, api) == [db]
    assert (await depend(world, api, db, cache)).json()["depends_on"] == sorted([db, cache])
    assert (await world.http.patch(f"/api/v1/monitors/{api}", json={"depends_on": None})).json()["depends_on"] == []


async def test_a_clone_depends_on_the_same(world: World) -> None:
    db = await named(world, "DB")
    api = await named(world, "API", depends_on=[db], sla={"target": 99.5}, backoff_when_down=True)
    clone = (await world.http.post(f"/api/v1/monitors/{api}/clone", json={})).json()
    assert clone["depends_on"] == [db]
    assert (clone["sla"], clone["backoff_when_down"]) == ({"target": 99.5, "period_days": 30}, True)


async def test_a_circle_is_refused_with_the_way_round_by_names(world: World) -> None:
    a = await named(world, "A")
    b = await named(world, "B", depends_on=[a])
    c = await named(world, "C", depends_on=[b])
    reply = await depend(world, a, c)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["field"]) == (422, "DEPENDENCY_CYCLE", "/depends_on")
    assert "“A” → “C” → “B” → “A”" in error["message"]
    assert error["details"]["cycle"] == [a, c, b, a]
    assert await upstreams_of(world, a) == []
    assert (await depend(world, a, a)).json()["error"]["code"] == "DEPENDENCY_CYCLE"


async def test_another_tenants_monitor_is_unknown_here(world: World) -> None:
    theirs = (await world.stranger.post("/api/v1/monitors", json={"name": "T", "check": CHECK})).json()
    api = await named(world, "API")
    before = await world.fingerprint()
    reply = await depend(world, api, theirs["id"])
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "INVALID_DEPENDENCY")
    assert reply.json()["error"]["field"] == "/depends_on/0"
    assert await world.fingerprint() == before


async def test_both_directions_are_read_with_verdicts_and_distances(world: World) -> None:
    power = await named(world, "Power")
    network = await named(world, "Network", depends_on=[power])
    api = await named(world, "API", depends_on=[network])
    found = await world.get(f"/monitors/{api}/dependencies")
    assert [(one["name"], one["distance"], one["state"]) for one in found["items"]] == [
        ("Network", 1, "unknown"),
        ("Power", 2, "unknown"),
    ]
    assert found["depends_on"] == [network]
    found = await world.get(f"/monitors/{power}/dependents")
    assert [(one["name"], one["distance"]) for one in found["items"]] == [("Network", 1), ("API", 2)]
    assert found["dependents"] == [network]
    for path in ("dependencies", "dependents"):
        assert (await world.stranger.get(f"/api/v1/monitors/{api}/{path}")).status_code == 404


async def test_a_whole_list_can_be_put(world: World) -> None:
    db, api = await named(world, "DB"), await named(world, "API")
    reply = await world.http.put(f"/api/v1/monitors/{api}/dependencies", json={"depends_on": [db]})
    assert (reply.status_code, reply.json()["depends_on"]) == (200, [db])
    reply = await world.http.put(f"/api/v1/monitors/{db}/dependencies", json={"depends_on": [api]})
    assert reply.json()["error"]["code"] == "DEPENDENCY_CYCLE"


async def test_deleting_an_upstream_takes_its_edges_along_and_judges_what_it_held(world: World) -> None:
    db = await named(world, "DB")
    api = await named(world, "API", depends_on=[db])
    await world.rows("UPDATE monitor_states SET verdict = 'down' WHERE monitor_id = $1", UUID(db))
    before = await world.rows("SELECT judged_at FROM monitor_states WHERE monitor_id = $1", UUID(api))
    assert (await world.http.delete(f"/api/v1/monitors/{db}")).status_code == 204
    assert await upstreams_of(world, api) == []
    after = await world.rows("SELECT judged_at FROM monitor_states WHERE monitor_id = $1", UUID(api))
    assert after[0]["judged_at"] > before[0]["judged_at"]


async def test_changing_upstreams_judges_the_monitor(world: World) -> None:
    db, api = await named(world, "DB"), await named(world, "API")
    before = await world.rows("SELECT judged_at FROM monitor_states WHERE monitor_id = $1", UUID(api))
    await depend(world, api, db)
    after = await world.rows("SELECT judged_at FROM monitor_states WHERE monitor_id = $1", UUID(api))
    assert after[0]["judged_at"] > before[0]["judged_at"]


async def test_many_who_change_the_graph_at_once_never_close_a_circle(world: World) -> None:
    """Random edges from many connections, with deletions between them; every answer is a clear one."""
    dice = random.Random(4)
    monitors = [await named(world, f"M{i}") for i in range(8)]
    answers: set[tuple[int, str]] = set()

    async def worker(turns: list[tuple[str, list[str]]]) -> None:
        for monitor, wanted in turns:
            reply = await depend(world, monitor, *wanted)
            answers.add((reply.status_code, "" if reply.is_success else reply.json()["error"]["code"]))
            assert_acyclic(await edges(world))

    plans = [[(dice.choice(monitors), dice.sample(monitors, dice.randint(1, 2))) for _ in range(12)] for _ in range(10)]
    doomed = [await named(world, f"X{i}", depends_on=[dice.choice(monitors)]) for i in range(4)]
    plans[0] += [(dice.choice(monitors), [one]) for one in doomed]
    await asyncio.gather(*(worker(plan) for plan in plans), *(deleted(world, one) for one in doomed))
    assert answers <= {(200, ""), (422, "DEPENDENCY_CYCLE"), (400, "INVALID_DEPENDENCY")}
    assert (200, "") in answers
    assert (422, "DEPENDENCY_CYCLE") in answers
    assert_acyclic(await edges(world))


async def deleted(world: World, monitor_id: str) -> None:
    assert (await world.http.delete(f"/api/v1/monitors/{monitor_id}")).status_code == 204


async def edges(world: World) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = {}
    for row in await world.rows("SELECT monitor_id, depends_on FROM monitor_dependencies"):
        found.setdefault(row["monitor_id"], []).append(row["depends_on"])
    return found


def assert_acyclic(graph: dict[UUID, list[UUID]]) -> None:
    for monitor, upstreams in graph.items():
        assert find_cycle(graph, start=monitor, wanted=upstreams) is None


async def test_two_halves_of_a_circle_do_not_both_commit(world: World) -> None:
    for _ in range(10):
        a, b = await named(world, "A"), await named(world, "B")
        replies = await asyncio.gather(depend(world, a, b), depend(world, b, a))
        assert sorted(reply.status_code for reply in replies) == [200, 422]
