"""Open a session for a browser that proved who it is. The secret was just made, whatever the browser came with."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.services.installation.identity import new_id
from control_plane.store import sessions, users
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId

_AGENT_LIMIT = 300
"""Characters of a User-Agent that are kept."""


class Browser(Struct, frozen=True):
    """The browser that signs in: the digest of its new session, and of the one that this takes the place of."""

    digest: bytes
    before: bytes | None
    address: str
    user_agent: str
    lasts: timedelta


async def open_key_session(database: Database, *, tenant_id: TenantId, key_id: UUID, browser: Browser) -> None:
    """A session that an API key opened: it ends with the key."""
    async with database.app_transaction() as conn:
        await _open(conn, tenant_id=tenant_id, key_id=key_id, browser=browser)


async def open_member_session(conn: Connection, *, tenant_id: TenantId, user_id: UUID, browser: Browser) -> None:
    """A member's session, inside the caller's transaction: it ends with the membership."""
    await _open(conn, tenant_id=tenant_id, user_id=user_id, browser=browser)
    await users.note_sign_in(conn, user_id=user_id)


async def _open(
    conn: Connection,
    *,
    tenant_id: TenantId,
    user_id: UUID | None = None,
    key_id: UUID | None = None,
    browser: Browser,
) -> None:
    if browser.before is not None:
        await sessions.delete_by_digest(conn, digest=browser.before)
        await sessions.notify_ended(conn)
    await sessions.insert(
        conn,
        tenant_id=tenant_id,
        session_id=new_id(),
        digest=browser.digest,
        user_id=user_id,
        key_id=key_id,
        lasts=browser.lasts,
        address=browser.address,
        user_agent=browser.user_agent[:_AGENT_LIMIT],
    )
