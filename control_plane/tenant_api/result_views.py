"""Results as JSON. Durations in milliseconds; a slot both as an instant and in Unix milliseconds.

What a kind alone reads is null for all others: `answers` of dns, `ping`, `certificate` of tls_cert, `domain` of
domain_expiry.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import UNSET, Struct

from control_plane.domain.instants import from_unix_s
from control_plane.store.results_read import ResultRow
from shared.clock import from_unix_ms
from shared.results import (
    OUTCOMES,
    REASONS,
    CertificateFacts,
    CheckResult,
    Detail,
    DomainFacts,
    Evidence,
    Outcome,
    PingFacts,
    Reason,
    Timings,
)

_NOTHING_SEEN = Evidence()


class CertificateJson(Struct, frozen=True, kw_only=True):
    """The certificate that a tls_cert check read, whether or not it is to be trusted.

    `serial` and `fingerprint` (SHA-256 of the DER form) are hexadecimal in lower case. `names` are the first 100 of
    `names_total` subject alternative names, `chain` the subjects of the presented certificates, leaf first.
    `is_trusted`: the chain leads to an authority that the agent trusts; `trust_problem` says why it does not.
    """

    subject: str
    issuer: str
    serial: str
    fingerprint: str
    not_before: datetime | None
    not_after: datetime | None
    is_trusted: bool
    trust_problem: str | None
    host_matches: bool
    names: tuple[str, ...]
    names_total: int
    chain: tuple[str, ...]


class DomainEvidenceJson(Struct, frozen=True, kw_only=True):
    """What the registry says of a domain; `server` is the RDAP server that said so."""

    expires_at: datetime | None
    registrar: str | None
    status: tuple[str, ...]
    server: str | None


class ResultJson(Struct, frozen=True, kw_only=True):
    """What one region saw for one slot. `cert_expires_at` is when the first certificate of the chain ends.

    `answers` are the values that a dns check got, `ping` counts echoes and measures round trips in milliseconds.
    `lag_ms`: the agent was late with itself by so much while the check ran, which may have touched the timings.
    `late_ms`: the check began so long after its slot, given from a second on.
    """

    slot: datetime
    slot_ms: int
    region: str
    agent: str | None
    outcome: Outcome
    reason: Reason
    http_status: int | None
    timings: dict[str, float | None]
    message: str | None
    address: str | None
    http_version: str | None
    tls_version: str | None
    cipher: str | None
    cert_expires_at: datetime | None
    answers: tuple[str, ...] | None
    ping: PingFacts | None
    certificate: CertificateJson | None
    domain: DomainEvidenceJson | None
    lag_ms: float | None
    late_ms: float | None
    evidence: Evidence | None


def stored_result(row: ResultRow, agents: Mapping[int, str]) -> ResultJson:
    """A stored result; `agents` are names by number."""
    timings = Timings(
        dns=_ms(row.dns_us),
        connect=_ms(row.connect_us),
        tls=_ms(row.tls_us),
        ttfb=_ms(row.ttfb_us),
        download=_ms(row.download_us),
        total=_ms(row.total_us),
    )
    return _result(
        slot_ms=row.slot,
        region=row.region,
        agent=agents.get(row.agent_number),
        outcome=OUTCOMES[row.outcome],
        reason=REASONS[row.reason],
        http_status=row.http_status,
        timings=timings,
        detail=Detail() if row.detail is None else msgspec.json.decode(row.detail, type=Detail),
    )


def tested_result(result: CheckResult, *, region: str) -> ResultJson:
    """What a test saw; it was never stored."""
    return _result(
        slot_ms=result.slot,
        region=region,
        agent=None,
        outcome=result.outcome,
        reason=result.reason,
        http_status=result.http_status,
        timings=Timings(result.dns, result.connect, result.tls, result.ttfb, result.download, result.total),
        detail=Detail() if result.detail is UNSET else result.detail,
    )


def _result(
    *,
    slot_ms: int,
    region: str,
    agent: str | None,
    outcome: Outcome,
    reason: Reason,
    http_status: int | None,
    timings: Timings,
    detail: Detail,
) -> ResultJson:
    return ResultJson(
        slot=from_unix_ms(slot_ms),
        slot_ms=slot_ms,
        region=region,
        agent=agent,
        outcome=outcome,
        reason=reason,
        http_status=http_status,
        timings={phase: getattr(timings, phase) for phase in Timings.__struct_fields__},
        message=detail.message,
        address=detail.address,
        http_version=detail.http_version,
        tls_version=detail.tls_version,
        cipher=detail.cipher,
        cert_expires_at=from_unix_s(detail.cert_expires_at),
        answers=detail.answers or None,
        ping=detail.ping,
        certificate=None if detail.certificate is None else _certificate(detail.certificate),
        domain=None if detail.domain is None else _domain(detail.domain),
        lag_ms=detail.lag_ms,
        late_ms=detail.late_ms,
        evidence=None if detail.evidence == _NOTHING_SEEN else detail.evidence,
    )


def _certificate(facts: CertificateFacts) -> CertificateJson:
    return CertificateJson(
        subject=facts.subject,
        issuer=facts.issuer,
        serial=facts.serial,
        fingerprint=facts.fingerprint,
        not_before=from_unix_s(facts.not_before),
        not_after=from_unix_s(facts.not_after),
        is_trusted=facts.is_trusted,
        trust_problem=facts.trust_problem,
        host_matches=facts.host_matches,
        names=facts.names,
        names_total=facts.names_total,
        chain=facts.chain,
    )


def _domain(facts: DomainFacts) -> DomainEvidenceJson:
    return DomainEvidenceJson(
        expires_at=from_unix_s(facts.expires_at),
        registrar=facts.registrar,
        status=facts.status,
        server=facts.server,
    )


def _ms(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000
