"""The dns check among liars, and the guard before its servers."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from shared.netpolicy import SHARED, Policy
from shared.results import Outcome, Reason
from tests.support.dns_checks import ZONE, ask, at, seen
from tests.support.hostile import GuardRow, guard_rows
from tests.support.http_checks import context
from tests.support.scripted_dns import serving_dns


def changed(change: Callable[[dns.message.Message], object]) -> Callable[[bytes], list[bytes]]:
    def mangle(wire: bytes) -> list[bytes]:
        message = dns.message.from_wire(wire)
        change(message)
        return [message.to_wire(), wire]

    return mangle


def another_question(message: dns.message.Message) -> None:
    message.question = [dns.rrset.from_text("other.example.com.", 0, "IN", "A")]


def no_response(message: dns.message.Message) -> None:
    message.flags &= ~dns.flags.QR


def another_id(message: dns.message.Message) -> None:
    message.id ^= 1


LIES = [
    changed(another_question),
    changed(no_response),
    changed(another_id),
    lambda wire: [wire[:11], b"", wire[:-9], wire],
    lambda wire: [wire[:7] + b"\xff" + wire[8:], wire],  # more answers than there are
    lambda wire: [wire[:12] + b"\xc0\x0c" + wire[12:], wire],  # a name that points to itself
    lambda wire: [wire[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + wire[12:29] + b"\xc0\x1d" * 40, wire],
    lambda wire: [wire[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + wire[12:29] + b"\x01a" * 600, wire],
]


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("chosen", [False, True])
async def test_lies_before_the_truth_are_passed_over(lie: Callable[[bytes], list[bytes]], chosen: bool) -> None:
    async with serving_dns(ZONE) as (script, server):
        script.mangle = lie
        resolver = at(server) if chosen else None
        outcome = await ask("example.com", using=context(dns=None if chosen else server), resolver=resolver)
    assert outcome.outcome is Outcome.UP, outcome.detail
    assert outcome.detail.answers == ("192.0.2.1", "192.0.2.2")


async def test_an_answer_about_other_names_is_none() -> None:
    def about_others(message: dns.message.Message) -> None:
        message.answer = [dns.rrset.from_text("victim.example.", 60, "IN", "A", "192.0.2.66")]

    async with serving_dns(ZONE) as (script, server):
        script.mangle = lambda wire: changed(about_others)(wire)[:1]
        outcome = await ask("example.com", using=context(), resolver=at(server))
    assert seen(outcome) == (Outcome.DOWN, Reason.DNS)
    assert outcome.detail.answers == ()


async def test_an_answer_from_elsewhere_is_never_read() -> None:
    async with serving_dns(ZONE) as (script, server), serving_dns(ZONE) as (other, _):
        strangers: list[bytes] = []

        def from_elsewhere(wire: bytes) -> list[bytes]:
            strangers.append(wire)
            return []

        script.mangle = from_elsewhere
        script.also = other.send
        outcome = await ask("example.com", using=context(), resolver=at(server), timeout=1000)
    assert strangers
    assert seen(outcome) == (Outcome.DOWN, Reason.TIMEOUT)


async def test_a_storm_of_datagrams_ends_the_exchange() -> None:
    async with serving_dns(ZONE) as (script, server):
        script.mangle = lambda wire: [bytes([wire[0] ^ 1]) + wire[1:]] * 3000
        chosen = await ask("example.com", using=context(), resolver=at(server))
        own = await ask("example.com", using=context(dns=server))
    assert seen(chosen) == (Outcome.DOWN, Reason.PROTOCOL)
    assert own.outcome is Outcome.ERROR
    assert own.if_resolver_works is Reason.DNS


async def test_thousands_of_records_over_tcp_are_read_as_far_as_they_are_kept() -> None:
    def flood(wire: bytes) -> bytes:
        question = wire[12 : wire.index(b"\0", 12) + 5]
        records = b"".join(
            b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + (0x0A000000 + number).to_bytes(4, "big")
            for number in range(4000)
        )
        return wire[:2] + b"\x81\x80\0\1" + (4000).to_bytes(2, "big") + b"\0\0\0\0" + question + records

    async with serving_dns(ZONE) as (script, server):
        script.truncate = True
        script.mangle_tcp = flood
        outcome = await ask("example.com", using=context(), resolver=at(server), expected=("192.0.2.1",))
    assert seen(outcome) == (Outcome.DOWN, Reason.ASSERTION)
    assert len(outcome.detail.answers) == 32
    assert outcome.detail.evidence is not None
    assert len(outcome.detail.evidence.answers) == 32
    assert len(str(outcome.detail.message)) <= 500


@pytest.mark.parametrize("mangle", [lambda wire: b"\0\0" + wire[2:], lambda wire: wire[:9], lambda wire: b""])
async def test_a_lie_over_tcp_is_a_broken_protocol(mangle: Callable[[bytes], bytes]) -> None:
    async with serving_dns(ZONE) as (script, server):
        script.truncate = True
        script.mangle_tcp = mangle
        outcome = await ask("example.com", using=context(), resolver=at(server))
    assert seen(outcome) == (Outcome.DOWN, Reason.PROTOCOL), outcome.detail.message


async def test_a_value_that_is_not_of_its_type_is_a_broken_protocol() -> None:
    async with serving_dns(ZONE) as (script, server):
        script.mangle = lambda wire: [short_address(wire)]
        outcome = await ask("www.example.com", using=context(), resolver=at(server))
    assert seen(outcome) == (Outcome.DOWN, Reason.PROTOCOL)


def short_address(wire: bytes) -> bytes:
    question = wire[12 : wire.index(b"\0", 12) + 5]
    return wire[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + question + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\3\1\2\3"


@pytest.mark.parametrize("row", guard_rows("dns-check"))
async def test_the_guard_lets_pass_and_blocks_as_listed(row: GuardRow) -> None:
    question, _, resolver = row.input.partition(" via nameserver ")
    name, _, record_type = question.partition(" ")
    async with serving_dns(ZONE) as (script, server):
        using = context(SHARED, dns=server)
        outcome = await ask(name, record_type or "A", using=using, resolver=resolver or None)
    if row.expected == "block":
        assert seen(outcome) == (Outcome.ERROR, Reason.BLOCKED)
        assert script.asked == []
    else:
        assert seen(outcome) == (Outcome.UP, Reason.NONE)


@pytest.mark.parametrize("name", ["db.internal", "LOCALHOST", "printer.local.", "metadata.google.internal"])
async def test_a_shared_region_tells_nobody_what_its_own_resolvers_know_of_an_inner_network(name: str) -> None:
    async with serving_dns({name.lower().rstrip("."): ["A 192.0.2.1"]}) as (script, server):
        refused = await ask(name, using=context(SHARED, dns=server))
        assert seen(refused) == (Outcome.ERROR, Reason.BLOCKED)
        assert script.asked == []
        assert seen(await ask(name, using=context(dns=server))) == (Outcome.UP, Reason.NONE)


@pytest.mark.parametrize(
    "resolver", ["localhost", "127.0.0.1", "[::1]:53", "::1", "0x7f.1", "a b", "8.8.8.8:0", "[::1"]
)
async def test_a_resolver_that_is_no_public_host_is_blocked_for_a_shared_region(resolver: str) -> None:
    outcome = await ask("example.com", using=context(SHARED), resolver=resolver)
    assert seen(outcome) == (Outcome.ERROR, Reason.BLOCKED)


async def test_a_resolver_whose_name_leads_inside_is_blocked() -> None:
    only_two = Policy(allow_cidrs=(ip_network("127.0.0.2/32"),))
    async with serving_dns({**ZONE, "ns.example.com": ["A 127.0.0.1"]}) as (script, server):
        for policy, port in ((SHARED, 53), (only_two, server[1])):
            outcome = await ask("example.com", using=context(policy, dns=server), resolver=f"ns.example.com:{port}")
            assert seen(outcome) == (Outcome.ERROR, Reason.BLOCKED)
    assert set(script.asked) == {"ns.example.com"}


@pytest.mark.parametrize("name", ["", "a..example.com", "a b.example.com", "x" * 64 + ".com", ".".join(["abc"] * 70)])
async def test_a_name_that_is_none_is_refused(name: str) -> None:
    async with serving_dns(ZONE) as (script, server):
        outcome = await ask(name, using=context(dns=server))
    assert seen(outcome) == (Outcome.ERROR, Reason.BLOCKED)
    assert script.asked == []
