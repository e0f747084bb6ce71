"""End sessions: one's own, one or all, or that of a browser which signs out. Every process hears of it."""

from __future__ import annotations

from uuid import UUID

from control_plane.errors import NotFound
from control_plane.store import sessions
from control_plane.store.pool import Database
from shared.ids import TenantId


async def end_session(
    database: Database, tenant_id: TenantId, session_id: UUID, *, user_id: UUID | None, key_id: UUID | None
) -> None:
    """End a session of this member, or of this key. Raises NotFound SESSION_NOT_FOUND for any other."""
    async with database.tenant_transaction(tenant_id) as conn:
        if not await sessions.delete(conn, tenant_id=tenant_id, user_id=user_id, key_id=key_id, session_id=session_id):
            raise NotFound("You have no such session", code="SESSION_NOT_FOUND")
        await sessions.notify_ended(conn)


async def end_all_sessions(
    database: Database, tenant_id: TenantId, *, user_id: UUID | None, key_id: UUID | None
) -> None:
    """Sign this member, or this key, out everywhere."""
    async with database.tenant_transaction(tenant_id) as conn:
        await sessions.delete_all(conn, tenant_id=tenant_id, user_id=user_id, key_id=key_id)
        await sessions.notify_ended(conn)


async def sign_out(database: Database, *, digest: bytes) -> None:
    """End the session of a browser."""
    async with database.app_transaction() as conn:
        await sessions.delete_by_digest(conn, digest=digest)
        await sessions.notify_ended(conn)
