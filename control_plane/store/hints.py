"""Hints that belong to no table, and the words of those that several tables give."""

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


KEY_HINT = "'key ' || encode(substr(digest, 1, 8), 'hex')"
"""What farwatch_callers is told of a key that ended: the head of its digest, which finds it and proves nothing."""


def tenant_hint(tenant_id: TenantId) -> str:
    """What farwatch_callers is told of a tenant that was changed."""
    return f"tenant {tenant_id}"


NOTIFY_TENANT = "SELECT pg_notify('farwatch_callers', 'tenant ' || $1::uuid)"


async def notify_tenant(conn: Connection, *, tenant_id: TenantId) -> None:
    """Have every process look this tenant's callers up anew: told when the transaction commits."""
    await conn.execute(NOTIFY_TENANT, tenant_id)
