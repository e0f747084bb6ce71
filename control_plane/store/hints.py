"""Hints that belong to no table."""

from __future__ import annotations

from collections.abc import Sequence

from control_plane.store.pool import Connection
from shared.ids import TenantId

NOTIFY_WATCH = "SELECT pg_notify('farwatch_watch', $1::uuid::text)"


async def notify_watch(conn: Connection, *, tenant_id: TenantId) -> None:
    """Somebody watches this tenant's checks."""
    await conn.execute(NOTIFY_WATCH, tenant_id)


NOTIFY_CHECKS = "SELECT pg_notify('farwatch_checks', payload) FROM unnest($1::text[]) AS payload"


async def notify_checks(conn: Connection, payloads: Sequence[str]) -> None:
    """Results that were just stored; each payload is under 8000 bytes."""
    await conn.execute(NOTIFY_CHECKS, list(payloads))
