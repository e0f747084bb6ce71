"""Results as JSON. Durations in milliseconds; a slot both as an instant and in Unix milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import UNSET, Struct

from control_plane.store.results_read import ResultRow
from shared.clock import from_unix_ms
from shared.results import OUTCOMES, REASONS, CheckResult, Detail, Evidence, Outcome, Reason, Timings


class ResultJson(Struct, frozen=True, kw_only=True):
    """What one region saw for one slot. `cert_expires_at` is when the first certificate of the chain ends."""

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
    lag_ms: float | None
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
    expires = detail.cert_expires_at
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
        cert_expires_at=None if expires is None else from_unix_ms(expires * 1000),
        lag_ms=detail.lag_ms,
        evidence=detail.evidence,
    )


def _ms(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1000
