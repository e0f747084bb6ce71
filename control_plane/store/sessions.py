"""sessions and login_states: browsers that signed in, and those that are about to. Only digests are stored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.plans import TERMS_COLUMN
from control_plane.store.pool import Connection
from shared.ids import TenantId


class SessionOwner(Struct, frozen=True):
    """A live session, and what authentication needs to know of who opened it: a member, or an API key."""

    tenant_id: TenantId
    id: UUID
    expires_at: datetime
    last_seen_at: datetime
    plan: str
    suspended: bool
    terms: Mapping[str, Any]
    user_id: UUID | None
    name: str | None
    email: str | None
    role: str | None
    key_id: UUID | None
    label: str | None
    scopes: list[str] | None
    key_expires_at: datetime | None


class Session(Struct, frozen=True):
    """A session as its owner sees it."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    user_agent: str


FIND_OWNER = f"""
SELECT s.tenant_id, s.id, s.expires_at, s.last_seen_at, t.plan, t.suspended_at IS NOT NULL AS suspended, {TERMS_COLUMN},
       s.user_id, u.name, u.email, m.role, s.key_id, k.label, k.scopes, k.expires_at AS key_expires_at
FROM sessions AS s
JOIN tenants AS t ON t.id = s.tenant_id
JOIN plans AS p ON p.name = t.plan
LEFT JOIN members AS m ON m.tenant_id = s.tenant_id AND m.user_id = s.user_id
LEFT JOIN users AS u ON u.id = m.user_id
LEFT JOIN api_keys AS k ON k.tenant_id = s.tenant_id AND k.id = s.key_id
WHERE s.digest = $1 AND s.expires_at > now() AND s.last_seen_at > now() - $2::interval
  AND (u.id IS NOT NULL OR k.id IS NOT NULL AND (k.expires_at IS NULL OR k.expires_at > now()))
"""


async def find_owner(conn: Connection, *, digest: bytes, idle: timedelta) -> SessionOwner | None:
    """Whose live session this is: a look-up that knows no tenant yet. `idle`: how long it may have rested."""
    row = await conn.fetchrow(FIND_OWNER, digest, idle)
    return row and SessionOwner(**row)


INSERT = """
INSERT INTO sessions (tenant_id, id, digest, user_id, key_id, expires_at, address, user_agent)
VALUES ($1, $2, $3, $4, $5, now() + $6::interval, $7, $8)
"""


async def insert(
    conn: Connection,
    *,
    tenant_id: TenantId,
    session_id: UUID,
    digest: bytes,
    user_id: UUID | None = None,
    key_id: UUID | None = None,
    lasts: timedelta,
    address: str,
    user_agent: str,
) -> None:
    """A new session of a member or of a key."""
    await conn.execute(INSERT, tenant_id, session_id, digest, user_id, key_id, lasts, address, user_agent)


TOUCH = """
UPDATE sessions SET last_seen_at = now(), address = $3
WHERE tenant_id = $1 AND id = $2 AND last_seen_at < now() - interval '1 minute'
"""


async def touch(conn: Connection, *, tenant_id: TenantId, session_id: UUID, address: str) -> None:
    """Note that the session was used, at most once a minute, and where from."""
    await conn.execute(TOUCH, tenant_id, session_id, address)


_MINE = "tenant_id = $1 AND user_id IS NOT DISTINCT FROM $2 AND key_id IS NOT DISTINCT FROM $3"

LIST = f"""
SELECT id, created_at, last_seen_at, expires_at, address, user_agent FROM sessions
WHERE {_MINE} AND expires_at > now() AND last_seen_at > now() - $4::interval ORDER BY last_seen_at DESC, id LIMIT 200
"""


async def list_mine(
    conn: Connection, *, tenant_id: TenantId, user_id: UUID | None, key_id: UUID | None, idle: timedelta
) -> list[Session]:
    """The live sessions of a member, or of a key, the one used last first; at most 200."""
    return [Session(**row) for row in await conn.fetch(LIST, tenant_id, user_id, key_id, idle)]


DELETE = f"DELETE FROM sessions WHERE {_MINE} AND id = $4 RETURNING id"


async def delete(
    conn: Connection, *, tenant_id: TenantId, user_id: UUID | None, key_id: UUID | None, session_id: UUID
) -> bool:
    """End one session of a member, or of a key; False when they have no such one."""
    return await conn.fetchval(DELETE, tenant_id, user_id, key_id, session_id) is not None


DELETE_ALL = f"DELETE FROM sessions WHERE {_MINE}"


async def delete_all(conn: Connection, *, tenant_id: TenantId, user_id: UUID | None, key_id: UUID | None) -> None:
    """End every session of a member, or of a key."""
    await conn.execute(DELETE_ALL, tenant_id, user_id, key_id)


FLEET_DELETE_BY_DIGEST = "DELETE FROM sessions WHERE digest = $1"


async def delete_by_digest(conn: Connection, *, digest: bytes) -> None:
    """End the session of this cookie, whosever it is."""
    await conn.execute(FLEET_DELETE_BY_DIGEST, digest)


NOTIFY_ENDED = "SELECT pg_notify('farwatch_sessions', '')"


async def notify_ended(conn: Connection) -> None:
    """Have every process look sessions up anew: told when the transaction commits."""
    await conn.execute(NOTIFY_ENDED)


class LoginState(Struct, frozen=True):
    """A sign-in that came back from its provider."""

    provider: str
    sealed: bytes
    next: str
    link: bytes | None


INSERT_LOGIN = """
INSERT INTO login_states (digest, browser, provider, sealed, next, link, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval)
"""


async def insert_login(conn: Connection, *, digest: bytes, browser: bytes, state: LoginState, lasts: timedelta) -> None:
    """A sign-in that sets out for its provider."""
    await conn.execute(INSERT_LOGIN, digest, browser, state.provider, state.sealed, state.next, state.link, lasts)


TAKE_LOGIN = """
DELETE FROM login_states WHERE digest = $1 AND browser = $2 AND provider = $3 AND expires_at > now()
RETURNING provider, sealed, next, link
"""


async def take_login(conn: Connection, *, digest: bytes, browser: bytes, provider: str) -> LoginState | None:
    """The sign-in of this state and this browser, once."""
    row = await conn.fetchrow(TAKE_LOGIN, digest, browser, provider)
    return row and LoginState(**row)


FLEET_FORGET_SESSIONS = """
DELETE FROM sessions WHERE ctid = ANY (ARRAY(SELECT ctid FROM sessions WHERE expires_at < now() LIMIT $1))
"""
FORGET_LOGINS = """
DELETE FROM login_states WHERE ctid = ANY (ARRAY(SELECT ctid FROM login_states WHERE expires_at < now() LIMIT $1))
"""


async def forget_sessions(conn: Connection, *, limit: int = 5_000) -> int:
    """Delete sessions that ran out; returns how many."""
    return _counted(await conn.execute(FLEET_FORGET_SESSIONS, limit))


async def forget_logins(conn: Connection, *, limit: int = 5_000) -> int:
    """Delete sign-ins that never came back; returns how many."""
    return _counted(await conn.execute(FORGET_LOGINS, limit))


def _counted(tag: str) -> int:
    return int(tag.rpartition(" ")[2])
