"""The guard in the check path: names are resolved by us, every answer is judged, every hop is."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address, ip_network

import pytest
from dns.rcode import Rcode

from agent.dialer import Dialer
from agent.dns.resolver import Answers
from shared.netpolicy import SHARED, Policy, UrlRefused
from shared.results import Outcome, Reason
from tests.support import targets
from tests.support.http_checks import LOOPBACK, context, probe
from tests.support.scripted_dns import serving_dns
from tests.support.targets import serving

ONLY_TWO = Policy(allow_cidrs=(ip_network("127.0.0.2/32"),))


async def test_a_name_that_resolves_to_loopback_is_blocked_for_a_shared_region() -> None:
    seen: list[bytes] = []
    async with serving(targets.ok(seen=seen)) as port, serving_dns({"evil.example.com": ["A 127.0.0.1"]}) as (_, dns):
        outcome = await probe(f"http://evil.example.com:{port}/", using=context(SHARED, dns=dns))
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.BLOCKED)
    assert seen == []


@pytest.mark.parametrize("records", [["A 8.8.8.8", "A 10.0.0.1"], ["A 8.8.8.8", "AAAA ::1"], ["AAAA ::ffff:127.0.0.1"]])
async def test_one_blocked_answer_blocks_the_name(records: list[str]) -> None:
    async with serving_dns({"mixed.example.com": records}) as (_, dns):
        outcome = await probe("http://mixed.example.com/", using=context(SHARED, dns=dns))
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.BLOCKED)


async def test_an_alias_of_a_local_name_is_blocked() -> None:
    records = {"www.example.com": ["CNAME db.internal."], "db.internal": ["A 8.8.8.8"]}
    async with serving_dns(records) as (_, dns):
        outcome = await probe("http://www.example.com/", using=context(SHARED, dns=dns))
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.BLOCKED)


@pytest.mark.parametrize("rcode", [Rcode.NOERROR, Rcode.NXDOMAIN])
async def test_an_alias_of_a_local_name_that_leads_nowhere_is_blocked_too(rcode: Rcode) -> None:
    async with serving_dns({"www.example.com": ["CNAME metadata.google.internal."]}) as (script, dns):
        script.rcodes_after["www.example.com"] = rcode
        outcome = await probe("http://www.example.com/", using=context(SHARED, dns=dns))
        private = await probe("http://www.example.com/", using=context(LOOPBACK, dns=dns))
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.BLOCKED)
    assert (private.outcome, private.reason) == (Outcome.DOWN, Reason.DNS)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://[::1]/", "http://localhost/", "http://169.254.169.254/"])
async def test_a_blocked_literal_or_local_name_never_reaches_the_resolver(url: str) -> None:
    async with serving_dns({}) as (script, dns):
        outcome = await probe(url, using=context(SHARED, dns=dns))
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.BLOCKED)
    assert script.asked == []


async def test_the_socket_itself_refuses_a_blocked_address_whatever_came_before() -> None:
    dialer = Dialer(policy=SHARED, names=_Liar())
    for address in ("127.0.0.1", "::1", "10.1.2.3", "fe80::1"):
        with pytest.raises(UrlRefused):
            await dialer.connect((address,), port=80, literal=False, factory=_never)
    with pytest.raises(UrlRefused):
        await dialer.connect(("127.0.0.1", "::1"), port=80, literal=False, factory=_never)


async def test_a_redirect_to_a_blocked_address_is_not_followed() -> None:
    inside: list[bytes] = []
    async with (
        serving(targets.ok(seen=inside)) as inner,
        serving_dns({"a.example.com": ["A 127.0.0.2"]}) as (_, dns),
        serving(targets.redirect(f"http://127.0.0.1:{inner}/"), host="127.0.0.2") as port,
    ):
        outcome = await probe(f"http://a.example.com:{port}/", using=context(ONLY_TWO, dns=dns))
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.BLOCKED), outcome.detail.message
    assert outcome.http_status == 302
    assert inside == []


async def test_a_redirect_to_a_name_with_a_blocked_answer_is_not_followed() -> None:
    inside: list[bytes] = []
    records = {"a.example.com": ["A 127.0.0.2"], "rebind.example.com": ["A 127.0.0.1"]}
    async with serving(targets.ok(seen=inside)) as inner, serving_dns(records) as (_, dns):
        target = targets.redirect(f"http://rebind.example.com:{inner}/")
        async with serving(target, host="127.0.0.2") as port:
            outcome = await probe(f"http://a.example.com:{port}/", using=context(ONLY_TWO, dns=dns))
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.BLOCKED), outcome.detail.message
    assert inside == []


async def test_a_private_region_resolves_localhost_by_itself() -> None:
    async with serving(targets.ok()) as port:
        outcome = await probe(f"http://localhost:{port}/")
    assert outcome.outcome is Outcome.UP
    assert outcome.dns is not None


async def test_a_name_is_resolved_and_its_address_reported() -> None:
    records = {"a.example.com": ["CNAME b.example.com."], "b.example.com": ["A 127.0.0.1"]}
    async with serving(targets.ok()) as port, serving_dns(records) as (_, dns):
        outcome = await probe(f"http://a.example.com:{port}/", using=context(LOOPBACK, dns=dns))
    assert outcome.outcome is Outcome.UP
    assert outcome.detail.address == "127.0.0.1"


async def test_a_dead_address_does_not_hide_a_live_one() -> None:
    async with serving(targets.ok()) as port, serving_dns({"a.example.com": ["A 127.0.0.1", "AAAA ::1"]}) as (_, dns):
        outcome = await probe(f"http://a.example.com:{port}/", using=context(LOOPBACK, dns=dns))
    assert outcome.outcome is Outcome.UP
    assert outcome.detail.address == "127.0.0.1"


async def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    async with serving(targets.ok()) as port, serving_dns({"a.example.com": ["A 127.0.0.1"]}) as (script, dns):
        script.truncate = True
        outcome = await probe(f"http://a.example.com:{port}/", using=context(LOOPBACK, dns=dns))
    assert outcome.outcome is Outcome.UP


async def test_answers_to_other_questions_are_ignored() -> None:
    async with serving(targets.ok()) as port, serving_dns({"a.example.com": ["A 127.0.0.1"]}) as (script, dns):
        script.mangle = lambda wire: [bytes([wire[0] ^ 1]) + wire[1:], wire[:20], wire]
        outcome = await probe(f"http://a.example.com:{port}/", using=context(LOOPBACK, dns=dns))
    assert outcome.outcome is Outcome.UP


DNS_FAILURES = [
    ("absent.example.com", "does not exist"),
    ("empty.example.com", "no address"),
    ("broken.example.com", "SERVFAIL"),
]


@pytest.mark.parametrize(("name", "words"), DNS_FAILURES)
async def test_a_name_without_an_answer_is_down_for_dns_in_plain_words(name: str, words: str) -> None:
    async with serving_dns({"empty.example.com": []}) as (script, dns):
        script.rcodes["broken.example.com"] = Rcode.SERVFAIL
        outcome = await probe(f"http://{name}/", using=context(LOOPBACK, dns=dns))
    seen = (outcome.outcome, outcome.reason, outcome.if_resolver_works)
    if words == "SERVFAIL":  # the resolver's trouble, until it has answered another question
        assert seen == (Outcome.ERROR, Reason.UNHEALTHY, Reason.DNS)
    else:
        assert seen == (Outcome.DOWN, Reason.DNS, None)
    assert words in (outcome.detail.message or "")


async def test_a_resolver_that_says_nothing_runs_into_the_checks_own_deadline() -> None:
    async with serving_dns({}) as (script, dns):
        script.silent = True
        outcome = await probe("http://a.example.com/", using=context(LOOPBACK, dns=dns), timeout=1000)
    assert (outcome.outcome, outcome.reason) == (Outcome.ERROR, Reason.UNHEALTHY)
    assert outcome.if_resolver_works is Reason.TIMEOUT
    assert "DNS resolution" in (outcome.detail.message or "")


class _Liar:
    async def resolve(self, name: str) -> Answers:
        return Answers((ip_address("127.0.0.1"),))


def _never() -> asyncio.Protocol:
    raise AssertionError("the guard came too late")
