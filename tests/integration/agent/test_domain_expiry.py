"""The `domain_expiry` check against a registry on loopback: outcomes, and a registry that misbehaves."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from agent.checks import crowd_of
from agent.checks.check import CheckContext
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.results import Outcome, Reason
from tests.support import targets
from tests.support.http_checks import context
from tests.support.rdap_server import (
    DOMAIN,
    answered,
    asking,
    expiry,
    message,
    rdap,
    registration,
    registry,
    verdict,
)
from tests.support.scripted_dns import serving_dns
from tests.support.targets import Target, serving

UPSTREAM = (Outcome.ERROR, Reason.UPSTREAM)
INCAPABLE = (Outcome.ERROR, Reason.INCAPABLE)
EXPIRED = (Outcome.DOWN, Reason.EXPIRED)


# -- what the registry says


async def test_a_domain_that_is_paid_for_is_up_with_its_facts() -> None:
    async with registry() as served:
        seen = await expiry(asking(served))
        assert served.asked == ["/dns.json", f"/rdap/domain/{DOMAIN}"]
        assert b"\r\nAccept: application/rdap+json\r\n" in served.heads[1]
    assert verdict(seen) == (Outcome.UP, Reason.NONE), seen.detail.message
    assert seen.detail.message is None
    assert seen.detail.evidence is None
    facts = seen.detail.domain
    assert facts is not None
    assert facts.registrar == "Good Names Ltd"
    assert facts.status == ("active", "client transfer prohibited")
    assert facts.server == served.base
    assert seen.http_status == 200
    assert seen.detail.address == "127.0.0.1"


@pytest.mark.parametrize(
    ("days", "outcome", "reason", "words"),
    [
        (31, Outcome.UP, Reason.NONE, None),
        (29, Outcome.DEGRADED, Reason.EXPIRING, "expires in 29.0 days"),
        (8, Outcome.DEGRADED, Reason.EXPIRING, "expires in 8.0 days"),
        (6, Outcome.DOWN, Reason.EXPIRING, "expires in 6.0 days"),
        (0.5, Outcome.DOWN, Reason.EXPIRING, "expires in 0.5 days"),
        (-0.5, Outcome.DOWN, Reason.EXPIRED, "expired 0.5 days ago"),
        (-400, Outcome.DOWN, Reason.EXPIRED, "expired 400.0 days ago"),
    ],
)
async def test_the_days_that_are_left_decide(days: float, outcome: Outcome, reason: Reason, words: str | None) -> None:
    seen = await answered(rdap(registration(days=days)))
    assert verdict(seen) == (outcome, reason)
    assert words is None or f"The registration of {DOMAIN} {words} (" in message(seen)
    assert seen.detail.domain is not None
    assert (seen.detail.evidence is None) is (outcome is Outcome.UP)


async def test_the_thresholds_are_the_tenants() -> None:
    seen = await answered(rdap(registration(days=200)), warn_days=365, critical_days=300)
    assert verdict(seen) == (Outcome.DOWN, Reason.EXPIRING)


async def test_the_servers_clock_tells_the_days() -> None:
    async with registry() as served:
        using = asking(served)
        late = CheckContext(using.dialer, using.tls, lambda: using.now_s() + 201 * 86_400, rdap=using.rdap)
        assert verdict(await expiry(late)) == EXPIRED


async def test_a_domain_that_the_registry_does_not_know_is_not_registered() -> None:
    async with registry() as served:
        seen = await expiry(asking(served), "gone.test")
    assert verdict(seen) == EXPIRED
    assert message(seen) == "gone.test is not registered"
    assert seen.http_status == 404
    assert seen.detail.evidence is not None
    assert seen.detail.evidence.status_line == "HTTP/1.1 404 Not Found"
    assert "No such object" in (seen.detail.evidence.body_excerpt or "")


async def test_a_bare_404_counts_but_a_page_for_people_does_not() -> None:
    assert verdict(await answered(targets.ok(b"", status="404 Not Found"))) == EXPIRED
    page = targets.ok(b"<!doctype html><h1>404</h1>", status="404 Not Found", headers={"Content-Type": "text/html"})
    assert verdict(await answered(page)) == UPSTREAM
    assert verdict(await answered(targets.ok(b"\n<html>404</html>", status="404 Not Found"))) == UPSTREAM


async def test_a_registry_that_tells_no_expiration_leaves_us_incapable() -> None:
    seen = await answered(rdap(registration(days=None)))
    assert verdict(seen) == INCAPABLE
    assert message(seen) == f"The registry does not say when {DOMAIN} expires"


@pytest.mark.parametrize("name", ["EXAMPLE.test", "example.test.", "Example.Test"])
async def test_the_name_is_asked_for_in_its_canonical_form(name: str) -> None:
    async with registry() as served:
        assert verdict(await expiry(asking(served), name)) == (Outcome.UP, Reason.NONE)
        assert served.asked[-1] == f"/rdap/domain/{DOMAIN}"


async def test_an_internationalised_name_is_asked_for_by_its_a_labels() -> None:
    async with registry() as served:
        served.domains["xn--bcher-kva.test"] = rdap(registration("xn--bcher-kva.test"))
        assert verdict(await expiry(asking(served), "bücher.test")) == (Outcome.UP, Reason.NONE)


@pytest.mark.parametrize("name", ["test", "127.0.0.1", "[::1]", "a b.test", "-.test", "", "a/../b.test", "a..test"])
async def test_what_no_registry_registers_is_never_asked_for(name: str) -> None:
    async with registry() as served:
        seen = await expiry(asking(served), name)
        assert served.asked == []
    assert verdict(seen) == INCAPABLE
    assert seen.total is None


# -- a registry that misbehaves: our check could not be made, and the domain is not down


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (rdap(registration("other.test")), "about OTHER.TEST, not about example.test"),
        (rdap(b"not json"), "its answer is not JSON"),
        (rdap(b"[" * 200_000), "its answer is not JSON"),
        (rdap([]), "its answer is not a JSON object"),
        (rdap({"errorCode": 200}), "its answer names no domain"),
        (rdap(registration(days=None, events=[{"eventAction": "expiration", "eventDate": "soon"}])), "soon"),
        (targets.ok(b"<html>Welcome</html>", headers={"Content-Type": "text/html"}), "its answer is not JSON"),
        (rdap({}, status="500 Oops"), "answered HTTP 500"),
        (rdap({}, status="400 Bad Request"), "answered HTTP 400"),
        (rdap({}, status="403 Forbidden"), "answered HTTP 403"),
        (rdap(registration(), status="203 Hm"), "answered HTTP 203"),
        (rdap({}, status="429 Slow Down"), "takes no more questions for now (HTTP 429)"),
        (rdap({}, status="429 Slow Down", headers={"Retry-After": "120"}), "may be asked again in 120 seconds"),
        (
            rdap({}, status="503 Busy", headers={"Retry-After": "Fri, 01 Jan 2027 00:00:00 GMT"}),
            "(HTTP 503); it may be asked again after Fri, 01 Jan 2027 00:00:00 GMT",
        ),
        (targets.hang_up, "closed the connection without an answer"),
        (targets.reset, "cannot be asked"),
        (targets.raw(b"HTTP/1.1 999\x00\r\n\r\n"), "cannot be asked"),
        (targets.endless, "longer than 256 KiB"),
        (targets.endless_chunks, "longer than 256 KiB"),
        (targets.header_flood, "headers exceed"),
        (targets.gzip_bomb, "longer than 256 KiB"),
        (rdap(registration(notices=["x" * 300_000])), "longer than 256 KiB"),
        (rdap(b"x" * 10_000_000), "longer than 256 KiB"),
        (rdap(registration(), headers={"Content-Encoding": "gzip"}), "is not valid gzip"),
        (rdap(registration(), headers={"Content-Encoding": "br"}), "was not asked for"),
        (targets.raw(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), "answered HTTP 302"),
    ],
)
async def test_a_registry_that_misbehaves_never_takes_the_domain_down(target: Target, words: str) -> None:
    seen = await answered(target)
    assert verdict(seen) == UPSTREAM, seen.detail.message
    assert words in message(seen)
    assert seen.if_resolver_works is None
    assert seen.detail.domain is None


@pytest.mark.parametrize("target", [targets.silent, targets.drip, targets.slow(60), targets.interim_storm])
async def test_a_registry_without_an_end_is_cut_off_at_the_timeout(target: Target) -> None:
    async with asyncio.timeout(30):
        seen = await answered(target, timeout=1000)
    assert verdict(seen) == UPSTREAM


@pytest.mark.parametrize(
    ("target", "phase"), [(targets.silent, "waiting for the response"), (targets.drip, "reading the response")]
)
async def test_the_words_of_a_timeout_say_what_was_under_way(target: Target, phase: str) -> None:
    async with registry() as served:
        using = asking(served)
        assert verdict(await expiry(using)) == (Outcome.UP, Reason.NONE)
        served.domains[DOMAIN] = target
        seen = await expiry(using, timeout=2000)
    assert message(seen) == f"Timed out after 2000 ms during {phase} (127.0.0.1)"


async def test_a_compressed_answer_is_read() -> None:
    body = gzip.compress(json.dumps(registration()).encode())
    assert verdict(await answered(rdap(body, headers={"Content-Encoding": "gzip"}))) == (Outcome.UP, Reason.NONE)


async def test_a_server_that_does_not_listen_is_upstream() -> None:
    async with serving(targets.hang_up) as port:
        pass
    async with registry() as served:
        served.serve_list([[["test"], [f"http://127.0.0.1:{port}/"]]])
        seen = await expiry(asking(served))
    assert verdict(seen) == UPSTREAM
    assert message(seen) == "The RDAP server 127.0.0.1 cannot be asked: the connection was refused"


@pytest.mark.parametrize("base", ["http://", "ftp://127.0.0.1/", "nonsense", "http://user:pw@127.0.0.1/"])
async def test_a_server_whose_address_is_none_is_upstream(base: str) -> None:
    async with registry() as served:
        served.serve_list([[["test"], [base]]])
        assert verdict(await expiry(asking(served))) == UPSTREAM


async def test_a_server_whose_name_does_not_resolve_is_upstream_and_never_down() -> None:
    async with registry() as served, serving_dns({}) as (script, dns):
        served.serve_list([[["test"], ["http://rdap.example.com/"]]])
        missing = await expiry(asking(served, using=context(dns=dns)))
        script.silent = True
        silent = await expiry(asking(served, using=context(dns=dns)), timeout=60_000)
    for seen in (missing, silent):
        assert verdict(seen) == UPSTREAM, seen.detail.message
        assert seen.if_resolver_works is None
        assert "rdap.example.com" in message(seen)


def test_all_checks_of_a_top_level_domain_are_one_crowd_over_all_tenants() -> None:
    keys = {name: crowd_of(DomainExpiryCheck(domain=name)) for name in ("a.com", "B.COM", "c.co.com.", "", "…", "com")}
    assert {keys[name].key for name in ("a.com", "B.COM", "c.co.com.", "com")} == {"rdap:com"}
    assert not any(crowd.per_tenant for crowd in keys.values())
