"""The `domain_expiry` check over https, and where its time went."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from agent.checks.check import CheckContext
from shared.results import Outcome, Reason
from tests.support import targets
from tests.support.http_checks import context, server_tls
from tests.support.rdap_server import asking, expiry, message, registry, sum_of_phases, verdict
from tests.support.scripted_dns import serving_dns

UPSTREAM = (Outcome.ERROR, Reason.UPSTREAM)


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
    assert seen.total <= elapsed_ms - 390  # a timer may fire a little early
    assert abs(sum_of_phases(seen) - seen.total) < 1
