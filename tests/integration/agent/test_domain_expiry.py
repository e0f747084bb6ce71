"""The `domain_expiry` check against a registry on loopback: outcomes, the guard, and a registry that misbehaves."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from agent.checks import crowd_of
from agent.checks.check import CheckContext, CheckOutcome
from agent.dialer import Dialer, P
from agent.region import policy_of
from agent.resolver import Resolver, no_hosts
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.netpolicy import SHARED
from shared.results import Outcome, Reason
from tests.support import targets
from tests.support.http_checks import context, server_tls
from tests.support.rdap_server import DOMAIN, Registry, asking, expiry, rdap, registration, registry
from tests.support.scripted_dns import serving_dns
from tests.support.targets import Target, serving

UPSTREAM = (Outcome.ERROR, Reason.UPSTREAM)
INCAPABLE = (Outcome.ERROR, Reason.INCAPABLE)
BLOCKED = (Outcome.ERROR, Reason.BLOCKED)
EXPIRED = (Outcome.DOWN, Reason.EXPIRED)

ONE_ADDRESS = policy_of(("127.0.0.1/32",))
"""A private region for which the rest of loopback is as blocked as it is for a shared one."""


def verdict(outcome: CheckOutcome) -> tuple[Outcome, Reason]:
    return outcome.outcome, outcome.reason


def message(outcome: CheckOutcome) -> str:
    assert outcome.detail.message is not None
    return outcome.detail.message


def sum_of_phases(outcome: CheckOutcome) -> float:
    return sum(filter(None, (outcome.dns, outcome.connect, outcome.tls, outcome.ttfb, outcome.download)))


async def answered(target: Target, **options: Any) -> CheckOutcome:
    """The outcome when the registry answers like this."""
    async with registry() as served:
        served.domains[DOMAIN] = target
        return await expiry(asking(served), **options)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA, tmp_path: Path) -> CheckContext:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return context(ca_file=str(path))


def tls_for(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    return server_tls(authority.issue_cert(*names))


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
        (rdap(b"[" * 300_000), "its answer is not JSON"),
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
        (targets.endless, "longer than 1024 KiB"),
        (targets.endless_chunks, "longer than 1024 KiB"),
        (targets.header_flood, "headers exceed"),
        (targets.gzip_bomb, "longer than 1024 KiB"),
        (rdap(b"x" * 10_000_000), "longer than 1024 KiB"),
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


async def test_the_words_of_a_timeout_say_what_was_under_way() -> None:
    seen = await answered(targets.silent, timeout=1000)
    assert message(seen) == "Timed out after 1000 ms during waiting for the response (127.0.0.1)"
    seen = await answered(targets.drip, timeout=1000)
    assert message(seen) == "Timed out after 1000 ms during reading the response (127.0.0.1)"


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


# -- redirects and the guard


async def test_a_redirect_to_another_server_is_followed() -> None:
    async with registry() as served:
        served.domains["moved"] = rdap(registration())
        served.domains[DOMAIN] = targets.redirect("moved", 307)
        seen = await expiry(asking(served))
        assert served.asked[-1] == "/rdap/domain/moved"
        assert b"\r\nAccept: application/rdap+json\r\n" in served.heads[-1]
    assert verdict(seen) == (Outcome.UP, Reason.NONE)

    async with registry() as there, registry() as here:
        here.domains[DOMAIN] = targets.redirect(f"{there.base}/rdap/domain/{DOMAIN}")
        there.domains[DOMAIN] = rdap(registration(days=10))
        seen = await expiry(asking(here))
        assert b"\r\nAccept: application/rdap+json\r\n" in there.heads[0]
    assert verdict(seen) == (Outcome.DEGRADED, Reason.EXPIRING)
    assert seen.detail.domain is not None
    assert seen.detail.domain.server == there.base
    assert seen.detail.evidence is not None
    assert seen.detail.evidence.redirects == (f"{there.base}/rdap/domain/{DOMAIN}",)
    assert abs(sum_of_phases(seen) - (seen.total or 0)) < 1


async def test_a_redirect_loop_ends() -> None:
    async with registry() as served:
        served.domains[DOMAIN] = targets.redirect(DOMAIN)
        seen = await expiry(asking(served))
        assert len(served.asked) == 1 + 6
    assert verdict(seen) == UPSTREAM
    assert message(seen) == "The RDAP server 127.0.0.1 cannot be asked: more than 5 redirects"


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.2:{port}/", "http://[::1]:{port}/", "http://169.254.169.254/", "http://10.0.0.1/x"],
)
async def test_a_redirect_to_a_blocked_address_is_not_followed_and_not_the_domains_fault(location: str) -> None:
    seen_there: list[bytes] = []
    async with serving(targets.ok(seen=seen_there), host="127.0.0.2") as port, registry() as served:
        served.domains[DOMAIN] = targets.redirect(location.format(port=port))
        seen = await expiry(asking(served, using=context(ONE_ADDRESS)))
    assert verdict(seen) == BLOCKED
    assert "the redirect is not followed" in message(seen)
    assert seen_there == []


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "http://", "javascript:alert(1)", "http://a b/\x00"])
async def test_a_redirect_to_nowhere_is_upstream(location: str) -> None:
    seen = await answered(targets.redirect(location))
    assert verdict(seen) == UPSTREAM


async def test_a_server_that_resolves_to_a_blocked_address_is_not_asked() -> None:
    async with registry() as served, serving_dns({"rdap.example.com": ["A 127.0.0.2"]}) as (_, dns):
        served.serve_list([[["test"], ["http://rdap.example.com/"]]])
        seen = await expiry(asking(served, using=context(ONE_ADDRESS, dns=dns)))
    assert verdict(seen) == BLOCKED


class Rerouted(Dialer):
    """A dialer of a shared region whose last step leads to loopback, so that the layers above it are seen at work."""

    async def connect(
        self, addresses: Sequence[str], *, port: int, literal: bool, factory: Callable[[], P]
    ) -> tuple[P, str]:
        assert addresses == ("8.8.8.8",)
        _, protocol = await asyncio.get_running_loop().create_connection(factory, "127.0.0.1", port)
        return protocol, addresses[0]


@asynccontextmanager
async def shared_region(authority: trustme.CA, trusting: CheckContext) -> AsyncIterator[tuple[Registry, CheckContext]]:
    """A registry at https://rdap.example.com, a public name, and a shared region that asks it."""
    async with (
        serving_dns({"rdap.example.com": ["A 8.8.8.8"]}) as (_, dns),
        registry(tls=tls_for(authority, "rdap.example.com")) as served,
    ):
        served.base = served.base.replace("127.0.0.1", "rdap.example.com")
        served.serve_list([[["test"], [f"{served.base}/rdap/"]]])
        dialer = Rerouted(policy=SHARED, names=Resolver(servers=lambda: [dns], hosts=no_hosts))
        yield served, asking(served, using=CheckContext(dialer, trusting.tls, time.time))


async def test_a_shared_region_asks_public_servers_over_https(authority: trustme.CA, trusting: CheckContext) -> None:
    async with shared_region(authority, trusting) as (_, using):
        assert verdict(await expiry(using)) == (Outcome.UP, Reason.NONE)


@pytest.mark.parametrize("location", ["http://127.0.0.1/", "https://[::1]/", "https://localhost/", "https://10.1.2.3/"])
async def test_no_redirect_takes_a_shared_region_to_a_blocked_address(
    location: str, authority: trustme.CA, trusting: CheckContext
) -> None:
    async with shared_region(authority, trusting) as (served, using):
        served.domains[DOMAIN] = targets.redirect(location)
        seen = await expiry(using)
        assert len(served.asked) == 2
    assert verdict(seen) == BLOCKED
    assert "the redirect is not followed" in message(seen)


async def test_a_shared_region_believes_nothing_that_came_over_http(
    authority: trustme.CA, trusting: CheckContext
) -> None:
    async with shared_region(authority, trusting) as (served, using):
        served.domains[DOMAIN] = targets.redirect("http://rdap.example.com/rdap/domain/x")
        downgraded = await expiry(using)
        assert len(served.asked) == 2
        served.serve_list([[["test"], ["http://rdap.example.com/rdap/"]]])
        plain_server = await expiry(asking(served, using=using))
        served.base = served.base.replace("https:", "http:")
        plain_list = await expiry(asking(served, using=using))
        assert len(served.asked) == 3
    assert verdict(downgraded) == UPSTREAM
    assert "it leads from https to http" in message(downgraded)
    assert verdict(plain_server) == INCAPABLE
    assert message(plain_server) == "The RDAP server for .test does not speak https"
    assert verdict(plain_list) == UPSTREAM
    assert "is not https" in message(plain_list)


async def test_a_shared_region_never_asks_a_list_on_loopback(trusting: CheckContext) -> None:
    async with registry() as served:
        dialer = Dialer(policy=SHARED, names=Resolver(servers=list, hosts=no_hosts))
        seen = await expiry(asking(served, using=CheckContext(dialer, trusting.tls, time.time)))
        assert served.asked == []
    assert verdict(seen) == BLOCKED
    assert message(seen).startswith(f"The list of RDAP servers at {served.list_url} cannot be fetched: the address")


# -- https, and where the time went


async def test_over_https_the_chain_is_verified_and_every_phase_is_told(
    authority: trustme.CA, trusting: CheckContext
) -> None:
    async with registry(tls=tls_for(authority, "127.0.0.1")) as served:
        seen = await expiry(asking(served, using=trusting))
    assert verdict(seen) == (Outcome.UP, Reason.NONE), seen.detail.message
    assert seen.detail.tls_version == "TLSv1.3"
    assert seen.detail.cert_expires_at is None
    assert seen.dns is None
    for phase in (seen.connect, seen.tls, seen.ttfb, seen.download):
        assert phase is not None
        assert phase >= 0
    assert abs(sum_of_phases(seen) - (seen.total or 0)) < 1


async def test_a_server_whose_certificate_nobody_vouches_for_is_upstream(authority: trustme.CA) -> None:
    plain = context()
    async with registry(tls=tls_for(authority, "127.0.0.1")) as unknown, registry() as served:
        served.serve_list([[["test"], [f"{unknown.base}/rdap/"]]])
        seen = await expiry(asking(served, using=plain))
    assert verdict(seen) == UPSTREAM
    assert "TLS: the certificate is not accepted" in message(seen)
    assert seen.detail.evidence is not None
    assert seen.detail.evidence.chain


async def test_names_are_resolved_by_us_and_that_time_is_booked(authority: trustme.CA, trusting: CheckContext) -> None:
    records = {"rdap.example.com": ["A 127.0.0.1"]}
    async with (
        serving_dns(records) as (_, dns),
        registry(tls=tls_for(authority, "rdap.example.com", "127.0.0.1")) as served,
    ):
        port = served.base.rpartition(":")[2]
        served.serve_list([[["test"], [f"https://rdap.example.com:{port}/rdap/"]]])
        using = context(dns=dns)
        seen = await expiry(asking(served, using=CheckContext(using.dialer, trusting.tls, using.now_s)))
    assert verdict(seen) == (Outcome.UP, Reason.NONE), seen.detail.message
    assert seen.dns is not None
    assert abs(sum_of_phases(seen) - (seen.total or 0)) < 1


async def test_the_time_for_the_list_is_not_the_registrys() -> None:
    async with registry() as served:
        quick = served.listing

        async def slow_list(reader: targets.Reader, writer: targets.Writer) -> None:
            await asyncio.sleep(0.4)
            await quick(reader, writer)

        served.listing = slow_list
        using = asking(served)
        loop = asyncio.get_running_loop()
        started = loop.time()
        seen = await expiry(using)
        elapsed_ms = (loop.time() - started) * 1000
    assert verdict(seen) == (Outcome.UP, Reason.NONE)
    assert seen.total is not None
    assert seen.total <= elapsed_ms - 399
    assert abs(sum_of_phases(seen) - seen.total) < 1


def test_all_checks_of_a_top_level_domain_are_one_crowd_over_all_tenants() -> None:
    keys = {name: crowd_of(DomainExpiryCheck(domain=name)) for name in ("a.com", "B.COM", "c.co.com.", "", "…", "com")}
    assert {keys[name].key for name in ("a.com", "B.COM", "c.co.com.", "com")} == {"rdap:com"}
    assert not any(crowd.per_tenant for crowd in keys.values())
