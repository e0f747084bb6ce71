"""Certificates as tls_cert results carry them."""

from __future__ import annotations

import hashlib
from uuid import UUID

from shared.results import CertificateFacts, CheckResult, Detail, Outcome

NOT_AFTER = 1_900_000_000


def fingerprint(name: str) -> str:
    """A fingerprint that is always the same for one name."""
    return hashlib.sha256(name.encode()).hexdigest()


def facts(name: str, *, not_after: int = NOT_AFTER) -> CertificateFacts:
    return CertificateFacts(
        subject=f"CN={name}.example",
        issuer="CN=Test authority",
        serial="0a1b",
        fingerprint=fingerprint(name),
        not_before=1_700_000_000,
        not_after=not_after,
        is_trusted=True,
        host_matches=True,
        names=(f"{name}.example",),
        names_total=1,
        chain=(f"CN={name}.example", "CN=Test authority"),
    )


def shows(
    name: str,
    *,
    monitor_id: UUID,
    slot: int,
    outcome: Outcome = Outcome.UP,
    check_version: int = 1,
    certificate: CertificateFacts | None = None,
) -> CheckResult:
    """A result whose check read the certificate `name`."""
    return CheckResult(
        monitor_id=monitor_id,
        check_version=check_version,
        slot=slot,
        outcome=outcome,
        tls=4.0,
        total=12.5,
        detail=Detail(certificate=certificate or facts(name)),
    )
