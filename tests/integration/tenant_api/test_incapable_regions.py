"""A region whose agents cannot run a check is shown as incapable, with the reason, and never as merely silent."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from control_plane.services.fleet.ingest_results import Reporter, ingest_results
from shared.results import CheckResult, Detail, Outcome, Reason
from tests.support.reporting import now_ms, report, reporters
from tests.support.tenant_world import World

NO_ICMP = "This agent may not send ICMP: give it CAP_NET_RAW"


async def _incapable(reporter: Reporter, world: World, monitor_id: str, *, message: str | None = NO_ICMP) -> None:
    result = CheckResult(UUID(monitor_id), 1, now_ms(), Outcome.ERROR, Reason.INCAPABLE, detail=Detail(message=message))
    await ingest_results(world.database, reporter, sent_at=now_ms(), items=[result])


async def _votes(world: World, monitor_id: str) -> dict[str, dict[str, Any]]:
    return {vote["region"]: vote for vote in (await world.get(f"/monitors/{monitor_id}/votes"))["regions"]}


async def _capabilities(world: World, region: str, *told: str) -> None:
    async with world.database.app() as conn:
        await conn.execute("UPDATE agents SET capabilities = $2 WHERE region_id = $1", world.regions[region], told)


async def test_a_region_that_says_it_cannot_is_incapable_for_the_reason_it_gives(world: World) -> None:
    monitor_id = (await world.monitor())["id"]
    agents = await reporters(world)
    await report(world, agents["us"], monitor_id, "up", slot=now_ms())

    await _incapable(agents["eu"], world, monitor_id)

    votes = await _votes(world, monitor_id)
    assert (votes["eu"]["shown"], votes["eu"]["incapable"], votes["eu"]["vote"]) == ("incapable", NO_ICMP, None)
    assert (votes["us"]["shown"], votes["us"]["incapable"]) == ("up", None)
    state = (await world.get(f"/monitors/{monitor_id}"))["state"]
    assert [region["incapable"] for region in state["regions"]] == [NO_ICMP, None]


async def test_an_incapable_region_still_counts_among_those_assigned_and_never_votes(world: World) -> None:
    monitor_id = (await world.monitor())["id"]
    agents = await reporters(world)
    for _ in range(3):
        await _incapable(agents["eu"], world, monitor_id)

    verdict = await world.get(f"/monitors/{monitor_id}/verdict")

    assert (verdict["assigned"], verdict["fresh_up"], verdict["fresh_down"], verdict["verdict"]) == (2, 0, 0, "unknown")
    assert verdict["incapable"] == [
        f"eu cannot run this check: {NO_ICMP}",
        "Down cannot be proven: it takes 2 regions, and 1 can vote",
    ]


async def test_agents_that_lack_the_kind_make_their_region_incapable_before_any_result(world: World) -> None:
    monitor_id = (await world.monitor())["id"]
    await reporters(world)
    await _capabilities(world, "eu", "tcp", "ipv4")
    await _capabilities(world, "us", "http", "ipv4")

    votes = await _votes(world, monitor_id)

    assert (votes["eu"]["shown"], votes["eu"]["incapable"]) == ("incapable", "Its agent does not run http checks")
    assert (votes["us"]["shown"], votes["us"]["incapable"]) == ("none", None)


async def test_a_result_that_says_nothing_of_it_is_still_told_in_words(world: World) -> None:
    monitor_id = (await world.monitor())["id"]
    agents = await reporters(world)
    await _incapable(agents["eu"], world, monitor_id, message=None)

    assert (await _votes(world, monitor_id))["eu"]["incapable"] == "Its agents cannot run this check"


async def test_a_region_that_can_again_is_no_longer_incapable(world: World) -> None:
    monitor_id = (await world.monitor())["id"]
    agents = await reporters(world)
    await _incapable(agents["eu"], world, monitor_id)

    await report(world, agents["eu"], monitor_id, "up", slot=now_ms() + 1000)

    assert (await _votes(world, monitor_id))["eu"]["shown"] == "up"


async def test_a_region_without_live_agents_is_silent_and_not_incapable(world: World) -> None:
    monitor_id = (await world.monitor())["id"]
    agents = await reporters(world)
    await report(world, agents["eu"], monitor_id, "up", slot=now_ms())
    await _capabilities(world, "eu", "tcp")
    async with world.database.app() as conn:
        await conn.execute("UPDATE agents SET lease_until = now() - interval '1 minute'")
        await conn.execute("UPDATE votes SET newest_slot = newest_slot - 3600000")

    vote = (await _votes(world, monitor_id))["eu"]

    assert (vote["shown"], vote["vote"], vote["incapable"]) == ("silent", "up", None)


async def test_what_an_older_check_could_not_says_nothing_of_the_new_one(world: World) -> None:
    monitor_id = (await world.monitor())["id"]
    agents = await reporters(world)
    await _incapable(agents["eu"], world, monitor_id)

    changed = await world.http.patch(f"/api/v1/monitors/{monitor_id}", json={"check": "https://b.example.com/"})

    assert changed.status_code == 200
    assert (await _votes(world, monitor_id))["eu"]["shown"] == "none"


async def test_a_paused_monitor_and_a_list_do_not_ask(world: World) -> None:
    monitor_id = (await world.monitor())["id"]
    agents = await reporters(world)
    await _incapable(agents["eu"], world, monitor_id)

    (listed,) = (await world.get("/monitors"))["items"]
    assert "incapable" not in listed["state"]["regions"][0]

    paused = (await world.http.post(f"/api/v1/monitors/{monitor_id}/pause")).json()
    assert paused["state"]["regions"][0]["incapable"] is None


async def test_a_monitor_that_nobody_could_judge_says_so_and_does_not_wait_for_its_first_result(world: World) -> None:
    monitor_id = (await world.monitor())["id"]
    agents = await reporters(world)
    said = Detail(message="The address 10.0.0.1 is blocked")
    blocked = CheckResult(UUID(monitor_id), 1, now_ms(), Outcome.ERROR, Reason.BLOCKED, detail=said)
    await ingest_results(world.database, agents["eu"], sent_at=now_ms(), items=[blocked])

    state = (await world.get(f"/monitors/{monitor_id}"))["state"]

    assert state["verdict"] == "unknown"
    assert state["reason"] == "Not judged yet; eu says: The address 10.0.0.1 is blocked"
    await report(world, agents["us"], monitor_id, "up", slot=now_ms())
    state = (await world.get(f"/monitors/{monitor_id}"))["state"]
    assert "Not judged" not in state["reason"]
