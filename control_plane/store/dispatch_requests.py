"""Asking for work outside the schedule: tests and check-now. The claiming side is store/dispatches.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class DispatchRequest(Struct, frozen=True, kw_only=True):
    """One region's share of a request. `slot` and `expires_ms` in Unix ms; `check` and `sealed` of a test only.

    `domain`: whom it bothers (domain/safety/registrable_domain.py).
    """

    id: UUID
    region_id: int
    kind: str
    slot: int
    expires_ms: int
    monitor_id: UUID | None = None
    check_version: int | None = None
    check: dict[str, Any] | None = None
    sealed: bytes | None = None
    domain: str | None = None


class DispatchFate(Struct, frozen=True):
    """How far a dispatch has come. `result` is JSON (shared.results.CheckResult), of a test only."""

    id: UUID
    region_id: int
    slot: int
    claimed: bool
    result: str | None


INSERT_DISPATCH = """
INSERT INTO dispatches (tenant_id, id, region_id, kind, slot, expires_at, monitor_id, check_version, "check", sealed,
    domain)
VALUES ($1, $2, $3, $4, $5, to_timestamp($6 / 1000.0), $7, $8, $9, $10, $11)
"""
TELL_REGIONS = "SELECT pg_notify('farwatch_dispatch', region::text) FROM unnest($1::integer[]) AS region"


async def insert_dispatches(conn: Connection, *, tenant_id: UUID, requests: Sequence[DispatchRequest]) -> None:
    """Order the work, and hint at the commit that it waits."""
    rows = [
        (
            tenant_id,
            r.id,
            r.region_id,
            r.kind,
            r.slot,
            r.expires_ms,
            r.monitor_id,
            r.check_version,
            r.check,
            r.sealed,
            r.domain,
        )
        for r in requests
    ]
    await conn.executemany(INSERT_DISPATCH, rows)
    await conn.execute(TELL_REGIONS, sorted({r.region_id for r in requests}))


READ_FATES = """
SELECT id, region_id, slot, claimed_at IS NOT NULL AS claimed, result FROM dispatches
WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
"""


async def read_fates(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> list[DispatchFate]:
    """How far these dispatches have come; one that was cleared away is absent."""
    records = await conn.fetch(READ_FATES, tenant_id, list(ids))
    return [DispatchFate(*record.values()) for record in records]


WITHDRAW = "DELETE FROM dispatches WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND claimed_at IS NULL"


async def withdraw(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> None:
    """Take back what nobody has claimed: the one who asked has gone."""
    await conn.execute(WITHDRAW, tenant_id, list(ids))


LAST_CHECK_NOW = """
SELECT max(slot) FROM dispatches WHERE tenant_id = $1 AND monitor_id = $2 AND kind = 'check_now' AND slot > $3
"""


async def last_check_now(conn: Connection, *, tenant_id: UUID, monitor_id: UUID, after_ms: int) -> int | None:
    """When a check-now was last asked for after this Unix ms, if one was."""
    slot: int | None = await conn.fetchval(LAST_CHECK_NOW, tenant_id, monitor_id, after_ms)
    return slot
