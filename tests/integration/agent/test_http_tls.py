"""HTTPS: trust, expiry and the handshake's own failures."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agent.checks.check import CheckContext
from shared.results import Outcome, Reason
from tests.support import targets
from tests.support.http_checks import context, probe, server_tls
from tests.support.targets import serving

NOW = dt.datetime.now(dt.UTC)


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


async def test_a_self_signed_certificate_is_accepted_only_without_verification(
    trusting: CheckContext, tmp_path: Path
) -> None:
    tls = _self_signed(tmp_path)
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


def _self_signed(directory: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lonely.example")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=1))
        .not_valid_after(NOW + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = directory / "self.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    return tls
