"""HTTPS: trust, expiry and the handshake's own failures."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import trustme

from agent.checks.check import CheckContext
from shared.results import Outcome, Reason
from tests.support import targets
from tests.support.http_checks import context, probe, server_tls
from tests.support.targets import serving
from tests.support.tls_servers import (
    DAY,
    NOW,
    Authority,
    Subject,
    huge_certificate,
    long_chain,
    new_key,
    only_1_2,
    quiet,
    server_context,
    sign,
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA, tmp_path: Path) -> CheckContext:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return context(ca_file=str(path))


async def test_a_trusted_certificate_is_up_and_its_facts_are_told(
    authority: trustme.CA, trusting: CheckContext
) -> None:
    tls = server_tls(authority.issue_cert("127.0.0.1", not_after=NOW + dt.timedelta(days=90)))
    async with serving(targets.ok(), tls=tls) as port:
        seen = await probe(f"https://127.0.0.1:{port}/", using=trusting)
    assert seen.outcome is Outcome.UP, seen.detail.message
    assert seen.detail.tls_version == "TLSv1.3"
    assert seen.detail.cipher
    assert seen.detail.cert_expires_at is not None
    assert abs(seen.detail.cert_expires_at - (NOW + dt.timedelta(days=90)).timestamp()) < 5
    assert seen.tls is not None
    assert seen.connect is not None


async def test_a_certificate_near_its_end_is_degraded_as_expiring_unless_that_is_off(
    authority: trustme.CA, trusting: CheckContext
) -> None:
    tls = server_tls(authority.issue_cert("127.0.0.1", not_after=NOW + dt.timedelta(days=5)))
    async with serving(targets.ok(), tls=tls) as port:
        near = await probe(f"https://127.0.0.1:{port}/", using=trusting)
        off = await probe(f"https://127.0.0.1:{port}/", using=trusting, cert_warn_days=None)
    assert (near.outcome, near.reason) == (Outcome.DEGRADED, Reason.EXPIRING)
    assert off.outcome is Outcome.UP


async def test_an_expired_certificate_is_down_and_without_verification_still_a_warning(
    authority: trustme.CA, trusting: CheckContext
) -> None:
    expired = authority.issue_cert(
        "127.0.0.1", not_before=NOW - dt.timedelta(days=60), not_after=NOW - dt.timedelta(days=2)
    )
    async with serving(targets.ok(), tls=server_tls(expired)) as port:
        strict = await probe(f"https://127.0.0.1:{port}/", using=trusting)
        lax = await probe(f"https://127.0.0.1:{port}/", using=trusting, verify_tls=False)
    assert (strict.outcome, strict.reason) == (Outcome.DOWN, Reason.EXPIRED)
    assert "expired" in (strict.detail.message or "")
    assert (lax.outcome, lax.reason) == (Outcome.DEGRADED, Reason.EXPIRING)


async def test_a_certificate_of_another_host_is_not_accepted(authority: trustme.CA, trusting: CheckContext) -> None:
    async with serving(targets.ok(), tls=server_tls(authority.issue_cert("other.example"))) as port:
        seen = await probe(f"https://127.0.0.1:{port}/", using=trusting)
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.TLS)
    assert "127.0.0.1" in (seen.detail.message or "")


async def test_a_self_signed_certificate_is_accepted_only_without_verification(trusting: CheckContext) -> None:
    tls = server_context(sign(Subject(names=["lonely.example"], not_after=NOW + DAY), None))
    async with serving(targets.ok(), tls=tls) as port:
        strict = await probe(f"https://127.0.0.1:{port}/", using=trusting)
        lax = await probe(f"https://127.0.0.1:{port}/", using=trusting, verify_tls=False, cert_warn_days=None)
    assert (strict.outcome, strict.reason) == (Outcome.DOWN, Reason.TLS)
    assert strict.tls is None
    assert lax.outcome is Outcome.UP


@pytest.mark.parametrize("target", [targets.hang_up_in_handshake, targets.garbage_in_handshake])
async def test_a_server_that_does_not_speak_tls_is_down_for_tls(target: targets.Target) -> None:
    async with serving(target) as port:
        seen = await probe(f"https://127.0.0.1:{port}/")
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.TLS), seen.detail.message


async def test_a_handshake_that_does_not_end_times_out() -> None:
    async with serving(targets.silent) as port:
        seen = await probe(f"https://127.0.0.1:{port}/", timeout=1000)
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.TIMEOUT)
    assert seen.detail.message == "Timed out after 1000 ms during the TLS handshake"


async def test_a_large_body_over_tls_is_read_up_to_the_cap(authority: trustme.CA, trusting: CheckContext) -> None:
    async with serving(targets.endless, tls=server_tls(authority.issue_cert("127.0.0.1"))) as port:
        seen = await probe(f"https://127.0.0.1:{port}/", using=trusting, expected_body_contains="xx")
    assert seen.outcome is Outcome.UP, seen.detail.message


# -- what is told of a certificate that is not accepted


@pytest.fixture(scope="module")
def root() -> Authority:
    return Authority("Root")


@pytest.fixture
def trusting_root(root: Authority, tmp_path: Path) -> CheckContext:
    return context(ca_file=str(root.write(tmp_path / "root.pem")))


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize(
    ("flaw", "reason", "words"),
    [
        ({"not_after": NOW - DAY}, Reason.EXPIRED, "certificate has expired"),
        ({"not_before": NOW + DAY}, Reason.TLS, "certificate is not yet valid"),
        ({"names": ["other.example"]}, Reason.TLS, "IP address mismatch, certificate is not valid for '127.0.0.1'."),
        ({"by": None}, Reason.TLS, "self-signed certificate"),
        ({"by": "stranger"}, Reason.TLS, "unable to get local issuer certificate"),
    ],
    ids=["expired", "not yet valid", "wrong host", "self-signed", "unknown authority"],
)
async def test_a_certificate_that_is_not_accepted_is_in_the_evidence(
    flaw: dict[str, Any], reason: Reason, words: str, is_old: bool, root: Authority, *, trusting_root: CheckContext
) -> None:
    subject = {"common_name": "flawed", "names": ["127.0.0.1"], **flaw}
    by = subject.pop("by", "root")
    issuer = {"root": Authority("Step", parent=root), "stranger": Authority("Stranger")}.get(by)
    leaf = sign(Subject(**subject), issuer)
    tls = server_context(leaf)
    async with serving(targets.ok(), tls=only_1_2(tls) if is_old else tls) as port:
        seen = await probe(f"https://127.0.0.1:{port}/", using=trusting_root)
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, reason)
    assert seen.detail.message == f"TLS: the certificate is not accepted: {words}"
    assert seen.detail.evidence is not None
    assert len(seen.detail.evidence.chain) == len(leaf.chain)
    assert seen.detail.evidence.chain[0].startswith("subject CN=flawed, issuer CN=")
    assert seen.detail.cert_expires_at == leaf.not_after_s
    if not is_old:  # before TLS 1.3 the cipher does not tell the version
        assert seen.detail.tls_version == "TLSv1.3"
        assert seen.detail.cipher
    assert (seen.tls, seen.ttfb) == (None, None)


async def test_a_chain_without_its_intermediate_is_not_accepted(root: Authority, trusting_root: CheckContext) -> None:
    leaf = Authority("Step", parent=root).leaf("127.0.0.1")
    async with serving(targets.ok(), tls=server_context(leaf, chain=[leaf.certificate])) as port:
        seen = await probe(f"https://127.0.0.1:{port}/", using=trusting_root)
    assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.TLS)
    assert seen.detail.evidence is not None
    assert len(seen.detail.evidence.chain) == 1


@pytest.mark.parametrize("kind", ["ec", "rsa", "ed25519"])
async def test_every_kind_of_key_is_verified(kind: str, root: Authority, trusting_root: CheckContext) -> None:
    leaf = root.leaf("127.0.0.1", key=new_key(kind))
    async with serving(targets.ok(), tls=server_context(leaf)) as port:
        seen = await probe(f"https://127.0.0.1:{port}/", using=trusting_root)
    assert seen.outcome is Outcome.UP, seen.detail.message


async def test_a_certificate_of_a_megabyte_and_a_chain_of_a_hundred_end_the_handshake(
    trusting_root: CheckContext,
) -> None:
    for tls in (huge_certificate(), long_chain()):
        async with serving(quiet, tls=tls) as port:
            seen = await probe(f"https://127.0.0.1:{port}/", using=trusting_root)
        assert (seen.outcome, seen.reason) == (Outcome.DOWN, Reason.TLS), seen.detail.message
        assert seen.detail.evidence is not None
        assert len(seen.detail.evidence.chain) <= 10
