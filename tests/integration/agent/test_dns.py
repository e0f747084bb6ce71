"""The dns check against a real server on loopback: every type, every failure."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from agent.checks import CHECKS
from shared.checks.dns import DnsCheck
from shared.netpolicy import SHARED
from shared.results import Outcome, Reason
from tests.support.dns_checks import ANSWERS, ZONE, ask, at, seen
from tests.support.farm import free_port
from tests.support.http_checks import context
from tests.support.scripted_dns import serving_dns


@pytest.mark.parametrize(("name", "record_type", "answers"), ANSWERS)
@pytest.mark.parametrize("chosen", [False, True])
async def test_every_type_is_answered_in_canonical_words(
    name: str, record_type: str, answers: tuple[str, ...], chosen: bool
) -> None:
    async with serving_dns(ZONE) as (_, server):
        resolver = at(server) if chosen else None
        outcome = await ask(name, record_type, using=context(dns=None if chosen else server), resolver=resolver)
    assert seen(outcome) == (Outcome.UP, Reason.NONE), outcome.detail
    assert set(outcome.detail.answers) == set(answers)
    assert outcome.detail.address == "127.0.0.1"
    assert outcome.detail.evidence is None
    assert outcome.dns is None
    assert outcome.ttfb is not None


async def test_a_shared_region_may_hear_of_addresses_that_it_may_not_reach() -> None:
    async with serving_dns(ZONE) as (_, server):
        outcome = await ask("inside.example.com", using=context(SHARED, dns=server))
    assert seen(outcome) == (Outcome.UP, Reason.NONE)
    assert outcome.detail.answers == ("10.0.0.1",)


async def test_a_missing_value_is_down_and_says_what_came_instead() -> None:
    async with serving_dns(ZONE) as (_, server):
        outcome = await ask("example.com", using=context(dns=server), expected=("192.0.2.1", "192.0.2.3"))
    assert seen(outcome) == (Outcome.DOWN, Reason.ASSERTION)
    assert outcome.detail.message == "Expected 192.0.2.3 among the A records, got 192.0.2.1, 192.0.2.2"
    assert outcome.detail.answers == ("192.0.2.1", "192.0.2.2")
    evidence = outcome.detail.evidence
    assert evidence is not None
    assert evidence.answers == ("example.com 60 A 192.0.2.1", "example.com 60 A 192.0.2.2")
    assert evidence.status_line == f"NOERROR (qr rd ra) from 127.0.0.1 port {server[1]} over UDP"


@pytest.mark.parametrize(("exact", "outcome"), [(False, Outcome.UP), (True, Outcome.DOWN)])
async def test_other_values_are_a_failure_only_where_the_list_is_exact(exact: bool, outcome: Outcome) -> None:
    async with serving_dns(ZONE) as (_, server):
        found = await ask("example.com", using=context(dns=server), expected=("192.0.2.1",), exact=exact)
    assert found.outcome is outcome
    if exact:
        assert found.detail.message == "Did not expect 192.0.2.2 among the A records, got 192.0.2.1, 192.0.2.2"


FINAL = [
    ("missing.example.com", "A", "missing.example.com does not exist (NXDOMAIN)"),
    ("www.example.com", "MX", "www.example.com, an alias of edge.example.net, has no MX record"),
    ("example.com", "SRV", "example.com has no SRV record"),
    ("nowhere.example.com", "A", "nowhere.example.com, an alias of gone.example.net, has no A record"),
]


@pytest.mark.parametrize(("name", "record_type", "message"), FINAL)
@pytest.mark.parametrize("chosen", [False, True])
async def test_an_answer_without_a_value_is_down(name: str, record_type: str, message: str, chosen: bool) -> None:
    async with serving_dns(ZONE) as (_, server):
        resolver = at(server) if chosen else None
        outcome = await ask(name, record_type, using=context(dns=None if chosen else server), resolver=resolver)
    assert seen(outcome) == (Outcome.DOWN, Reason.DNS)
    assert outcome.detail.message == message


@pytest.mark.parametrize("rcode", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.NOTAUTH])
async def test_the_failure_of_a_chosen_resolver_is_down(rcode: dns.rcode.Rcode) -> None:
    async with serving_dns(ZONE) as (script, server):
        script.rcode_of_all = rcode
        outcome = await ask("example.com", using=context(), resolver=at(server))
    assert seen(outcome) == (Outcome.DOWN, Reason.DNS)
    assert dns.rcode.to_text(rcode) in str(outcome.detail.message)


async def test_the_silence_of_a_chosen_resolver_is_a_timeout() -> None:
    async with serving_dns(ZONE) as (script, server):
        script.silent = True
        outcome = await ask("example.com", using=context(), resolver=at(server), timeout=1000)
    assert seen(outcome) == (Outcome.DOWN, Reason.TIMEOUT)
    assert outcome.if_resolver_works is None
    assert outcome.ttfb is None
    assert outcome.detail.evidence is not None
    assert outcome.detail.evidence.status_line == f"No answer from 127.0.0.1 port {server[1]} over UDP"


async def test_a_lost_datagram_is_sent_again() -> None:
    async with serving_dns(ZONE) as (script, server):
        lost: list[bytes] = []

        def lose_the_first(wire: bytes) -> list[bytes]:
            lost.append(wire)
            return [] if len(lost) == 1 else [wire]

        script.mangle = lose_the_first
        outcome = await ask("example.com", using=context(), resolver=at(server), timeout=30_000)
    assert outcome.outcome is Outcome.UP


async def test_a_closed_port_of_a_chosen_resolver_is_a_refused_connection() -> None:
    outcome = await ask("example.com", using=context(), resolver=f"127.0.0.1:{free_port()}")
    assert seen(outcome) == (Outcome.DOWN, Reason.CONNECT)


async def test_the_silence_of_the_agents_own_resolvers_proves_nothing() -> None:
    async with serving_dns(ZONE) as (script, server):
        script.silent = True
        outcome = await ask("example.com", using=context(dns=server), timeout=1000)
    assert outcome.outcome is Outcome.ERROR
    assert outcome.if_resolver_works is Reason.TIMEOUT


async def test_the_failure_of_the_agents_own_resolvers_proves_nothing() -> None:
    async with serving_dns(ZONE) as (script, server):
        script.rcode_of_all = dns.rcode.SERVFAIL
        outcome = await ask("example.com", using=context(dns=server))
    assert outcome.outcome is Outcome.ERROR
    assert outcome.if_resolver_works is Reason.DNS


async def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    async with serving_dns(ZONE) as (script, server):
        script.truncate = True
        for using, resolver in ((context(dns=server), None), (context(), at(server))):
            outcome = await ask("example.com", "TXT", using=using, resolver=resolver)
            assert outcome.outcome is Outcome.UP, outcome.detail
            assert outcome.connect is not None


async def test_a_server_that_does_not_know_edns_is_asked_without() -> None:
    async with serving_dns(ZONE) as (script, server):
        script.refuses_edns = True
        outcome = await ask("example.com", using=context(), resolver=at(server))
    assert outcome.outcome is Outcome.UP


async def test_a_slow_answer_is_degraded() -> None:
    async with serving_dns(ZONE) as (_, server):
        outcome = await ask("example.com", using=context(dns=server), degraded_above_ms=0)
    assert seen(outcome) == (Outcome.DEGRADED, Reason.SLOW)


async def test_a_resolver_by_name_is_resolved_and_its_addresses_shown() -> None:
    async with serving_dns({**ZONE, "ns.example.com": ["A 127.0.0.1"]}) as (_, server):
        outcome = await ask("missing.example.com", using=context(dns=server), resolver=f"ns.example.com:{server[1]}")
    assert seen(outcome) == (Outcome.DOWN, Reason.DNS)
    assert outcome.dns is not None
    assert outcome.detail.evidence is not None
    assert outcome.detail.evidence.resolved == ("127.0.0.1",)


def test_checks_of_one_resolver_are_one_crowd() -> None:
    def key(resolver: str | None) -> str:
        return CHECKS["dns"].crowd(DnsCheck(name="example.com", resolver=resolver)).key

    assert key(None) == "resolver"
    assert key("192.0.2.53") == key("192.0.2.53:53")
    assert key("Dns.example.com:853") == key("dns.example.com:853") != key("dns.example.com")
    assert key("no [resolver") == "no [resolver"
