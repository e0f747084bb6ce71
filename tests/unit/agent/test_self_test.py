"""Is it us? One self-test serves all who wait, and it starts after they asked."""

from __future__ import annotations

import asyncio
import time

import pytest

from agent.dns.resolver import Resolver
from agent.health import self_test
from agent.health.lag import LagMeter
from agent.health.probes import ResolverProbes, canary_probes, way_out_probe
from agent.health.self_test import RESOLVERS, Probe, SelfTest


def probe(answers: list[bool], started: list[float]) -> Probe:
    async def attempt() -> None:
        started.append(time.perf_counter())
        if not answers[min(len(started), len(answers)) - 1]:
            raise OSError("no route")

    return Probe("canary.example:443", attempt)


@pytest.fixture(autouse=True)
def short_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "MIN_GAP_S", 0.05)


async def test_a_canary_that_never_answered_does_not_count() -> None:
    tester = SelfTest(groups={"canary": [probe([False], [])]}, lag=LagMeter())
    assert (await tester.after_now()).is_healthy


async def test_a_canary_that_once_answered_counts_from_then_on() -> None:
    tester = SelfTest(groups={"canary": [probe([True, False, True], [])]}, lag=LagMeter())
    seen = [await tester.after_now() for _ in range(3)]
    assert [health.is_healthy for health in seen] == [True, False, True]
    assert seen[1].reason == "No canary works (canary.example:443: no route)"


async def test_one_of_several_is_enough() -> None:
    tester = SelfTest(groups={"canary": [probe([True, False], []), probe([True], [])]}, lag=LagMeter())
    await tester.after_now()
    assert (await tester.after_now()).is_healthy


async def test_what_answers_somebody_else_while_we_ask_has_answered() -> None:
    heard = [float("-inf")]
    way_out = probe([True, False], [])
    way_out.heard_at = lambda: heard[0]
    tester = SelfTest(groups={"control plane or target": [way_out]}, lag=LagMeter())
    await tester.after_now()
    assert not (await tester.after_now()).can_judge
    heard[0] = time.perf_counter()
    assert not (await tester.after_now()).can_judge, "what answered before the test began proves nothing now"
    heard[0] = time.perf_counter() + 60
    assert (await tester.after_now()).can_judge


@pytest.mark.parametrize("is_listening", [True, False])
async def test_a_control_plane_that_refuses_connections_can_still_be_reached(is_listening: bool) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if not is_listening:
        server.close()
        await server.wait_closed()
    way_out = way_out_probe(f"http://127.0.0.1:{port}", heard_at=lambda: float("-inf"))
    await way_out.run()
    server.close()
    assert (way_out.trouble, way_out.is_counted) == (None, True)


async def test_everyone_who_waits_is_served_by_one_test_that_starts_after_they_asked() -> None:
    started: list[float] = []
    tester = SelfTest(groups={"canary": [probe([True], started)]}, lag=LagMeter())
    await tester.after_now()
    asked = time.perf_counter()
    await asyncio.gather(*(tester.after_now() for _ in range(50)))
    assert tester.runs == 2
    assert started[1] >= asked


async def test_who_asks_while_one_runs_gets_the_next() -> None:
    begun, gate = asyncio.Event(), asyncio.Event()

    async def attempt() -> None:
        begun.set()
        await gate.wait()

    tester = SelfTest(groups={"canary": [Probe("c", attempt)]}, lag=LagMeter())
    first = asyncio.create_task(tester.after_now())
    await begun.wait()
    second = asyncio.create_task(tester.after_now())
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(first, second)
    assert tester.runs == 2


async def test_a_change_of_health_is_told() -> None:
    told: list[bool] = []
    tester = SelfTest(groups={"canary": [probe([True, False, False, True], [])]}, lag=LagMeter())
    tester.on_change(lambda: told.append(tester.health.is_healthy))
    for _ in range(4):
        await tester.after_now()
    assert told == [False, True]


async def test_nobody_waits_for_what_has_never_answered() -> None:
    never = asyncio.Event()

    async def attempt() -> None:
        await never.wait()

    tester = SelfTest(groups={"canary": [Probe("c", attempt)]}, lag=LagMeter())
    async with asyncio.timeout(1):
        assert (await tester.after_now()).is_healthy
    never.set()


async def test_a_resolver_is_asked_only_once_it_has_answered_a_check() -> None:
    started: list[float] = []
    heard: set[str] = set()
    one = probe([True], started)
    one.is_due = lambda: "here" in heard
    tester = SelfTest(groups={"resolver": [one]}, lag=LagMeter())
    await tester.after_now()
    await asyncio.sleep(0)
    assert started == []
    heard.add("here")
    await tester.after_now()
    await asyncio.sleep(0)
    assert len(started) == 1


async def test_the_servers_in_use_now_are_those_that_count() -> None:
    servers = [("192.0.2.1", 53)]
    heard = {("192.0.2.1", 53): 0.0}
    probes = ResolverProbes(lambda: servers, heard)
    (first,) = probes
    first.is_counted, first.trouble = True, "no answer"
    assert list(probes) == [first]
    servers[:] = [("192.0.2.2", 53)]
    (second,) = probes
    assert (second.name, second.is_counted, second.is_due()) == ("192.0.2.2:53", False, False)
    heard["192.0.2.2", 53] = 1.0
    assert second.is_due()


async def test_whoever_needs_proof_waits_for_a_resolver_that_has_never_answered() -> None:
    started: list[float] = []
    one = probe([False, True], started)
    one.is_due = lambda: False
    tester = SelfTest(groups={RESOLVERS: [one]}, lag=LagMeter())
    assert not (await tester.after_now()).resolves
    assert started == []
    assert not (await tester.after_now(prove_resolver=True)).resolves
    health = await tester.after_now(prove_resolver=True)
    assert (health.resolves, health.is_healthy) == (True, True)


class Late(LagMeter):
    """A loop that is late by this much."""

    lag = 5000.0

    def worst_since(self, _instant: float) -> float:
        return self.lag


async def test_a_late_loop_judges_nobody_and_keeps_its_share_until_it_has_lasted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(self_test, "LASTING_S", 0.2)
    late = Late()
    tester = SelfTest(groups={}, lag=late)
    first = await tester.after_now()
    assert (first.can_judge, first.is_healthy) == (False, True)
    async with asyncio.timeout(5):
        while (await tester.after_now()).is_healthy:
            pass
    assert "overloaded" in (tester.health.reason or "")
    late.lag = 0.0
    last = await tester.after_now()
    assert (last.can_judge, last.is_healthy) == (True, True)


async def test_a_loop_that_is_late_now_and_then_stays_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "LASTING_S", 0.12)
    late = Late()
    tester = SelfTest(groups={}, lag=late)
    for lag in (5000.0, 5000.0, 0.0) * 3:
        late.lag = lag
        assert (await tester.after_now()).is_healthy


async def test_what_did_not_answer_a_loop_that_stood_still_is_not_held_against_it() -> None:
    late = Late()
    late.lag = 0.0
    tester = SelfTest(groups={"canary": [probe([True, False], [])]}, lag=late)
    await tester.after_now()
    late.lag = 3000.0
    health = await tester.after_now()
    assert (health.can_judge, health.is_healthy) == (False, True)
    late.lag = 0.0
    assert not (await tester.after_now()).is_healthy


async def test_a_canary_that_is_no_address_does_no_harm() -> None:
    nobody = Resolver(servers=tuple, hosts=lambda _name: [])
    tester = SelfTest(
        groups={"canary": canary_probes(["127.0.0.1:99999", "a..example", ":", "x" * 300], nobody)}, lag=LagMeter()
    )
    assert (await tester.after_now()).is_healthy
    assert tester._recruiting is not None
    await tester._recruiting
    assert (await tester.after_now()).is_healthy
