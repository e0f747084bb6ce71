"""Every way in which a `ping` check comes out: real ICMP on loopback, scripted answers in a namespace of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any, cast
from uuid import uuid4

import pytest

from agent.app import make_hello
from agent.checks import CHECKS
from agent.checks.check import CheckContext, CheckOutcome
from agent.dialer import Dialer, Family
from agent.dns.resolver import Resolver, Server, no_hosts
from agent.health import capabilities
from agent.health.capabilities import has_route
from agent.icmp.echo import IcmpSockets
from agent.icmp.sockets import Opened, open_socket
from agent.tls.contexts import TlsContexts
from shared.checks.ping import PingCheck
from shared.netpolicy import SHARED, Policy, UrlRefused
from shared.results import Outcome, Reason
from tests.support.hostile import GuardRow, guard_rows
from tests.support.http_checks import LOOPBACK
from tests.support.icmp_targets import IcmpNet, Request, answering, icmp_net
from tests.support.scripted_dns import serving_dns
from tests.support.waiting import until

LONG = 60_000
"""A timeout that no test may wait for: what ends earlier was settled."""


@pytest.fixture
def net() -> Iterator[IcmpNet]:
    with icmp_net() as made:
        yield made


@pytest.fixture
def here() -> Iterator[IcmpSockets]:
    """On the machine's own loopback."""
    made = IcmpSockets()
    yield made
    made.close()


@pytest.fixture
def within(net: IcmpNet) -> Iterator[IcmpSockets]:
    """In the namespace."""
    made = IcmpSockets(net.opener)
    yield made
    made.close()


def context(
    sockets: IcmpSockets,
    *,
    policy: Policy = LOOPBACK,
    dns: Server | None = None,
    source: str = "",
    family: Family = "any",
) -> CheckContext:
    names = Resolver(servers=lambda: [dns] if dns else [], hosts=no_hosts)
    dialer = Dialer(policy=policy, names=names, source_address=source, family=family)
    return CheckContext(dialer, TlsContexts(), lambda: 0.0, icmp=sockets)


async def probe(using: CheckContext, host: str = "127.0.0.1", **options: Any) -> CheckOutcome:
    check = PingCheck(host=host, **{"timeout": 10_000, **options})
    return await asyncio.wait_for(CHECKS["ping"].run(check, using), 50)


def all_answered(request: Request) -> list[bytes]:
    return [request.reply()]


def nobody(_request: Request) -> list[bytes]:
    return []


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]"])
async def test_a_host_that_answers_is_up(here: IcmpSockets, host: str) -> None:
    outcome = await probe(context(here), host)
    assert (outcome.outcome, outcome.reason) == (Outcome.UP, Reason.NONE), outcome.detail.message
    facts = outcome.detail.ping
    assert facts is not None
    assert (facts.sent, facts.received) == (3, 3)
    assert facts.min is not None
    assert facts.avg is not None
    assert facts.max is not None
    assert 0 <= facts.min <= facts.avg <= facts.max
    assert (outcome.ttfb, outcome.total) == (facts.avg, facts.avg)
    assert (outcome.connect, outcome.tls, outcome.download) == (None, None, None)
    assert outcome.detail.address == host.strip("[]")


async def test_the_phases_of_a_name_add_up_and_it_is_asked_over_ipv6_where_there_is_a_route(here: IcmpSockets) -> None:
    async with serving_dns({"a.example.com": ["A 127.0.0.1", "AAAA ::1"]}) as (_, dns):
        outcome = await probe(context(here, dns=dns), "a.example.com", count=1)
    assert outcome.outcome is Outcome.UP
    assert outcome.detail.address == ("::1" if has_route(6) else "127.0.0.1")
    assert outcome.dns is not None
    assert outcome.ttfb is not None
    assert outcome.total == pytest.approx(outcome.dns + outcome.ttfb, abs=0.01)


async def test_pings_at_the_same_time_share_one_socket_and_do_not_mix(net: IcmpNet, within: IcmpSockets) -> None:
    async with answering(net, lambda request: [request.reply()] if request.number % 2 else []) as seen:
        outcomes = await asyncio.gather(
            *(probe(context(within), f"127.0.1.{host}", count=2, timeout=4000) for host in range(100))
        )
    assert len(net.opened) == 1
    assert len(seen) == 200
    received = sum(outcome.detail.ping.received for outcome in outcomes if outcome.detail.ping is not None)
    assert received == 100
    assert len({request.payload for request in seen}) == 100


@pytest.mark.parametrize("version", [4, 6])
async def test_too_much_loss_is_down(net: IcmpNet, within: IcmpSockets, version: int) -> None:
    host = "127.0.0.1" if version == 4 else "::1"
    async with answering(net, lambda request: [request.reply()] if request.number == 1 else [], version=version):
        outcome = await probe(context(within), host, timeout=2000)
    assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.LOSS)
    assert outcome.detail.message == "2 of 3 echo requests stayed unanswered (67 % lost)"
    assert outcome.detail.ping is not None
    assert (outcome.detail.ping.sent, outcome.detail.ping.received) == (3, 1)


@pytest.mark.parametrize(
    ("max_loss_pct", "outcome"), [(33, Outcome.DOWN), (34, Outcome.UP), (0, Outcome.DOWN), (100, Outcome.UP)]
)
async def test_loss_up_to_the_limit_is_up(
    net: IcmpNet, within: IcmpSockets, max_loss_pct: int, outcome: Outcome
) -> None:
    async with answering(net, lambda request: [request.reply()] if request.number else []):
        seen = await probe(context(within), max_loss_pct=max_loss_pct, timeout=2000)
    assert seen.outcome is outcome
    assert seen.detail.ping is not None
    assert seen.detail.ping.received == 2


@pytest.mark.parametrize("max_loss_pct", [50, 100])
async def test_a_host_that_answers_nothing_is_down_whatever_loss_is_allowed(
    net: IcmpNet, within: IcmpSockets, max_loss_pct: int
) -> None:
    async with answering(net, nobody) as seen:
        outcome = await probe(context(within), count=5, timeout=1000, max_loss_pct=max_loss_pct)
    assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.LOSS)
    assert outcome.detail.message == "5 of 5 echo requests stayed unanswered (100 % lost)"
    assert (outcome.ttfb, len(seen)) == (None, 5)
    assert outcome.total is not None
    assert outcome.total >= 999


FORGERIES = {
    "another payload": lambda request: request.reply(payload=os.urandom(len(request.payload))),
    "a part of the payload": lambda request: request.reply(payload=request.payload[:-1]),
    "no payload": lambda request: request.reply(payload=b""),
    "another number": lambda request: request.reply(sequence=request.sequence + 100),
    "another identifier": lambda request: request.reply(identifier=request.identifier + 1),
}


@pytest.mark.parametrize("name", FORGERIES)
async def test_an_answer_that_is_not_to_our_request_does_not_count(
    net: IcmpNet, within: IcmpSockets, name: str
) -> None:
    async with answering(net, lambda request: [FORGERIES[name](request)]) as seen:
        outcome = await probe(context(within), timeout=1000)
    assert len(seen) == 3
    assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.LOSS)


async def test_an_answer_from_another_address_does_not_count(net: IcmpNet, within: IcmpSockets) -> None:
    async with answering(net, all_answered, source="127.0.0.2"):
        outcome = await probe(context(within), timeout=1000)
    assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.LOSS)


async def test_an_answer_that_comes_twice_counts_once(net: IcmpNet, within: IcmpSockets) -> None:
    async with answering(net, lambda request: [request.reply(), request.reply()]):
        outcome = await probe(context(within), timeout=LONG)
    assert outcome.detail.ping is not None
    assert (outcome.detail.ping.sent, outcome.detail.ping.received) == (3, 3)


@pytest.mark.parametrize("version", [4, 6])
async def test_an_error_about_our_requests_is_told_and_ends_the_wait(
    net: IcmpNet, within: IcmpSockets, version: int
) -> None:
    host, words = ("127.0.0.1", "the host is unreachable") if version == 4 else ("::1", "the address is unreachable")
    async with answering(net, lambda request: [request.unreachable(target=host)], version=version):
        outcome = await probe(context(within), host, timeout=LONG)
    assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.LOSS)
    message = f"3 of 3 echo requests stayed unanswered (100 % lost): {host} says that {words}"
    assert outcome.detail.message == message


async def test_an_error_about_another_target_is_nothing_to_us(net: IcmpNet, within: IcmpSockets) -> None:
    async with answering(net, lambda request: [request.unreachable(target="127.0.0.9"), request.reply()]):
        outcome = await probe(context(within), timeout=LONG)
    assert outcome.outcome is Outcome.UP


async def test_a_mean_above_the_threshold_is_degraded(net: IcmpNet, within: IcmpSockets) -> None:
    loop = asyncio.get_running_loop()
    mouth = net.raw(4)

    def later(request: Request) -> list[bytes]:
        loop.call_later(0.1, mouth.sendto, request.reply(), (request.sender, 0))
        return []

    async with answering(net, later):
        outcome = await probe(context(within), timeout=LONG, degraded_above_ms=50)
    mouth.close()
    assert (outcome.outcome, outcome.reason) == (Outcome.DEGRADED, Reason.SLOW), outcome.detail.message
    assert "more than 50 ms" in str(outcome.detail.message)
    assert outcome.ttfb is not None
    assert outcome.ttfb >= 95


async def test_a_flood_of_foreign_packets_is_read_bit_by_bit_and_hides_no_answer(
    net: IcmpNet, within: IcmpSockets
) -> None:
    turns = 0
    loop = asyncio.get_running_loop()

    def turn() -> None:
        nonlocal turns
        turns += 1
        if within.waiting:
            loop.call_soon(turn)

    def flood(request: Request) -> list[bytes]:
        loop.call_soon(turn)
        return [request.reply(sequence=request.sequence + 7)] * 200 + [request.reply()]

    async with answering(net, flood):
        outcome = await probe(context(within), count=1, timeout=LONG)
    assert outcome.outcome is Outcome.UP, outcome.detail.message
    assert turns >= 3


async def test_what_the_kernel_had_no_room_for_is_not_held_against_the_target(
    net: IcmpNet, within: IcmpSockets
) -> None:
    def drown(request: Request) -> list[bytes]:
        return [request.reply(sequence=request.sequence + 7)] * 20_000 + [request.reply()]

    async with answering(net, drown):
        outcome = await probe(context(within), count=1, timeout=3000)
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.INTERNAL)
    assert "overflowed" in str(outcome.detail.message)


async def test_what_came_in_while_nobody_listened_hides_no_answer(net: IcmpNet, within: IcmpSockets) -> None:
    using = context(within)
    noise = net.raw(4)
    async with answering(net, all_answered) as seen:
        assert (await probe(using, count=1)).outcome is Outcome.UP
        for _ in range(20_000):
            noise.sendto(seen[0].reply(sequence=9), ("127.0.0.1", 0))
        outcome = await probe(using, timeout=LONG)
    noise.close()
    assert outcome.outcome is Outcome.UP, outcome.detail.message


async def test_requests_are_spread_over_the_first_half_of_the_timeout(net: IcmpNet, within: IcmpSockets) -> None:
    loop = asyncio.get_running_loop()
    moments: list[float] = []

    def note(request: Request) -> list[bytes]:
        moments.append(loop.time())
        return [request.reply()]

    async with answering(net, note):
        outcome = await probe(context(within), count=5, timeout=2000)
    assert outcome.outcome is Outcome.UP
    assert len(moments) == 5
    assert moments[-1] - moments[0] >= 0.3


async def test_checks_come_from_the_address_that_the_agent_is_told(net: IcmpNet, within: IcmpSockets) -> None:
    async with answering(net, all_answered) as seen:
        outcome = await probe(context(within, source="127.0.0.5"), count=1)
    assert outcome.outcome is Outcome.UP
    assert [request.sender for request in seen] == ["127.0.0.5"]


async def test_a_name_whose_ipv6_address_cannot_be_reached_is_asked_over_ipv4(
    net: IcmpNet, within: IcmpSockets
) -> None:
    net.take_ipv6_away()
    records = {"a.example.com": ["A 127.0.0.1", "AAAA ::1"]}
    async with answering(net, all_answered), serving_dns(records) as (_, dns):
        outcome = await probe(context(within, dns=dns), "a.example.com", count=1)
    assert (outcome.outcome, outcome.detail.address) == (Outcome.UP, "127.0.0.1"), outcome.detail.message


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_an_agent_that_may_send_no_icmp_says_so_and_how_to_change_that(
    net: IcmpNet, within: IcmpSockets, host: str
) -> None:
    net.take_net_raw_away()
    outcome = await probe(context(within), host)
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.INCAPABLE)
    message = str(outcome.detail.message)
    assert message.startswith("This agent may not send ICMP: ")
    assert "NET_RAW" in message
    assert "ping_group_range" in message
    assert net.run(lambda: capabilities.capabilities(("http", "ping"), family="4")) in (("http",), ("http", "ipv4"))


@pytest.mark.parametrize(("version", "host"), [(4, "127.0.0.1"), (6, "::1")])
async def test_without_raw_sockets_unprivileged_ones_do(
    net: IcmpNet, within: IcmpSockets, version: int, host: str
) -> None:
    async with answering(net, lambda request: [request.reply()] if request.number else [], version=version):
        net.let_groups_ping()
        net.take_net_raw_away()
        outcome = await probe(context(within), host, timeout=2000)
    assert [opened.is_raw for opened in net.opened] == [False]
    assert outcome.outcome is Outcome.UP, outcome.detail.message
    assert outcome.detail.ping is not None
    assert (outcome.detail.ping.sent, outcome.detail.ping.received) == (3, 2)


def test_a_machine_without_a_route_is_incapable_and_says_so(net: IcmpNet) -> None:
    def within() -> tuple[tuple[str, ...], CheckOutcome]:
        capabilities._known.clear()
        sockets = IcmpSockets()
        try:
            # A documentation address, which the namespace has no way to.
            allowed = Policy.of(("192.0.2.0/24",))
            outcome = asyncio.run(probe(context(sockets, policy=allowed), "192.0.2.1"))
            return capabilities.capabilities(("http", "ping")), outcome
        finally:
            sockets.close()
            capabilities._known.clear()

    can, outcome = net.run(within)
    assert can == ("http", "ping")
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.INCAPABLE)
    assert outcome.detail.message == "This agent has no route for IPv4"


def test_an_agent_tells_only_the_address_family_that_it_may_use() -> None:
    assert "ipv6" not in capabilities.capabilities(("ping",), family="4")
    assert "ipv4" not in capabilities.capabilities(("ping",), family="6")
    assert "ping" in capabilities.capabilities(("ping",))
    said = make_hello(uuid4(), family="4").capabilities
    assert {"http", "ping", "tcp"} <= set(said)
    assert "ipv6" not in said


async def test_an_agent_told_to_use_the_other_family_alone_is_incapable(here: IcmpSockets) -> None:
    outcome = await probe(context(here, family="6"))
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.INCAPABLE)


async def test_a_name_that_does_not_exist_is_down_and_a_silent_resolver_proves_nothing(here: IcmpSockets) -> None:
    async with serving_dns({}) as (script, dns):
        outcome = await probe(context(here, dns=dns), "gone.example.com")
        assert (outcome.outcome, outcome.reason) == (Outcome.DOWN, Reason.DNS)
        script.silent = True
        outcome = await probe(context(here, dns=dns), "gone.example.com", timeout=500)
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.UNHEALTHY)
    assert outcome.if_resolver_works is not None


BLOCKED = (
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "0.0.0.0",
    "::1",
    "fe80::1",
    "ff02::1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
)


def never(version: int) -> Opened:
    raise AssertionError(f"a socket of IPv{version} is opened")


@pytest.mark.parametrize("row", guard_rows("icmp"))
async def test_every_hostile_text_is_refused_before_a_socket_is_opened(row: GuardRow) -> None:
    async with serving_dns({}) as (script, dns):
        outcome = await probe(context(IcmpSockets(never), policy=SHARED, dns=dns), row.input)
    assert row.expected == "block"
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.BLOCKED)
    assert script.asked == []


@pytest.mark.parametrize("address", BLOCKED)
async def test_a_blocked_address_is_refused_as_a_text_and_as_an_answer(address: str) -> None:
    record = f"AAAA {address}" if ":" in address else f"A {address}"
    async with serving_dns({"evil.example.com": ["A 8.8.8.8", record]}) as (_, dns):
        using = context(IcmpSockets(never), policy=SHARED, dns=dns)
        for host in (address, "evil.example.com"):
            outcome = await probe(using, host)
            assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.BLOCKED)


async def test_the_socket_itself_refuses_a_blocked_address_whatever_came_before(
    net: IcmpNet, within: IcmpSockets
) -> None:
    async with answering(net, all_answered) as seen:
        for address in BLOCKED:
            for literal in (True, False):
                echoes = within.echoes(address, policy=SHARED, literal=literal)
                with pytest.raises(UrlRefused):
                    echoes.send()
        outcome = await probe(context(within), count=1)  # what was sent before would have been seen before
    assert outcome.outcome is Outcome.UP
    assert len(seen) == 1
    assert within.waiting == 0


def test_a_cancelled_check_leaves_no_reader_no_timer_and_no_request_behind(net: IcmpNet, within: IcmpSockets) -> None:
    """On the stock loop, which can be looked into."""

    async def main() -> None:
        loop = cast("Any", asyncio.get_running_loop())
        async with answering(net, nobody) as seen:
            before = set(loop._selector.get_map())
            task = asyncio.create_task(probe(context(within), count=1, timeout=LONG))
            await until(lambda: seen, "the request is out", timeout=20)
            assert within.waiting == 1
            assert set(loop._selector.get_map()) - before == {net.opened[0].socket.fileno()}
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert within.waiting == 0
            assert set(loop._selector.get_map()) == before
            assert [timer for timer in loop._scheduled if not timer.cancelled()] == []

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(main())


def test_a_socket_that_is_opened_by_root_is_a_raw_one() -> None:
    for version in (4, 6):
        opened = open_socket(version)
        opened.socket.close()
        assert opened.is_raw


def test_a_crowd_is_a_host_however_it_is_written() -> None:
    crowd = CHECKS["ping"].crowd
    assert crowd(PingCheck(host="A.Example.com.")) == crowd(PingCheck(host="a.example.com"))
    assert crowd(PingCheck(host="[::1]")) == crowd(PingCheck(host="0:0::1"))
    assert crowd(PingCheck(host="-f 8.8.8.8")) != crowd(PingCheck(host="8.8.8.8"))
