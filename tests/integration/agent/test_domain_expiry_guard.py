"""The guard in the `domain_expiry` check: registries and the list of them are third parties, guarded like targets."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from agent.checks.check import CheckContext
from agent.dialer import Dialer, P
from agent.dns.resolver import Resolver, no_hosts
from agent.rdap.servers import CACHE
from agent.region import policy_of
from agent.tls.contexts import TlsContexts
from shared.netpolicy import SHARED
from shared.results import Outcome, Reason
from tests.support import targets
from tests.support.http_checks import LOOPBACK, context, server_tls
from tests.support.rdap_server import (
    DOMAIN,
    Registry,
    answered,
    asking,
    expiry,
    message,
    rdap,
    registration,
    registry,
    sum_of_phases,
    verdict,
)
from tests.support.scripted_dns import serving_dns
from tests.support.targets import serving

UPSTREAM = (Outcome.ERROR, Reason.UPSTREAM)
INCAPABLE = (Outcome.ERROR, Reason.INCAPABLE)
BLOCKED = (Outcome.ERROR, Reason.BLOCKED)

ONE_ADDRESS = policy_of(("127.0.0.1/32",))
"""A private region for which the rest of loopback is as blocked as it is for a shared one."""


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


async def test_an_agent_without_a_way_to_the_server_is_incapable(tmp_path: Path) -> None:
    only_six = Dialer(policy=LOOPBACK, names=Resolver(servers=list, hosts=no_hosts), family="6")
    async with registry() as served:
        assert verdict(await expiry(asking(served, path=tmp_path / CACHE))) == (Outcome.UP, Reason.NONE)
        using = CheckContext(only_six, TlsContexts(), time.time)
        no_list = await expiry(asking(served, using=using))
        no_server = await expiry(asking(served, using=using, path=tmp_path / CACHE))
    for seen in (no_list, no_server):
        assert verdict(seen) == INCAPABLE
        assert message(seen).endswith("this agent is set to use IPv6 alone")
