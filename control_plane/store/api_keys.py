"""api_keys: what tenants' programs prove themselves with. Only digests are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.hints import KEY_HINT
from control_plane.store.plans import TERMS_COLUMN
from control_plane.store.pool import Connection
from shared.ids import TenantId


class KeyOwner(Struct, frozen=True):
    """A live key and what authentication needs to know of its tenant."""

    tenant_id: TenantId
    id: UUID
    label: str
    scopes: Sequence[str]
    expires_at: datetime | None
    last_used_at: datetime | None
    plan: str
    suspended: bool
    terms: Mapping[str, Any]


class ApiKey(Struct, frozen=True):
    """A key as its tenant sees it."""

    id: UUID
    number: int
    label: str
    prefix: str
    scopes: Sequence[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    @property
    def revision(self) -> int:
        """A key changes once: when it is rotated away."""
        return 1 if self.expires_at is None else 2


FIND_OWNER = f"""
SELECT k.tenant_id, k.id, k.label, k.scopes, k.expires_at, k.last_used_at, t.plan,
       t.suspended_at IS NOT NULL AS suspended, {TERMS_COLUMN}
FROM api_keys k JOIN tenants t ON t.id = k.tenant_id JOIN plans p ON p.name = t.plan
WHERE k.digest = $1 AND (k.expires_at IS NULL OR k.expires_at > now())
"""


async def find_owner(conn: Connection, *, digest: bytes) -> KeyOwner | None:
    """Whose live key this is: the one look-up that knows no tenant yet."""
    row = await conn.fetchrow(FIND_OWNER, digest)
    return row and KeyOwner(**row)


TOUCH = """
UPDATE api_keys SET last_used_at = now()
WHERE tenant_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""


async def touch(conn: Connection, *, tenant_id: TenantId, key_id: UUID) -> None:
    """Note that the key was used, at most once a minute."""
    await conn.execute(TOUCH, tenant_id, key_id)


_COLUMNS = "id, number, label, prefix, scopes, created_at, expires_at, last_used_at"

INSERT = f"""
INSERT INTO api_keys (tenant_id, id, number, label, prefix, digest, scopes) VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING {_COLUMNS}
"""


async def insert(
    conn: Connection,
    *,
    tenant_id: TenantId,
    key_id: UUID,
    number: int,
    label: str,
    prefix: str,
    digest: bytes,
    scopes: Sequence[str],
) -> ApiKey:
    """Store a new key's digest."""
    row = await conn.fetchrow(INSERT, tenant_id, key_id, number, label, prefix, digest, list(scopes))
    return ApiKey(**row)


_LIVE = """
WHERE tenant_id = $1 AND (expires_at IS NULL OR expires_at > now())
    AND ($2::text IS NULL OR strpos(lower(label), lower($2)) > 0 OR starts_with(prefix, $2))
    AND ($3::text IS NULL OR $3 = ANY (scopes))
"""
LIST = f"SELECT {_COLUMNS}, count(*) OVER () AS total FROM api_keys {_LIVE} ORDER BY number LIMIT $4 OFFSET $5"
COUNT = f"SELECT count(*) FROM api_keys {_LIVE}"


async def list_live(
    conn: Connection, *, tenant_id: TenantId, q: str | None = None, scope: str | None = None, limit: int, offset: int
) -> tuple[list[ApiKey], int]:
    """A page of live keys and how many there are. `q` is looked for in the label, and heads the key's prefix."""
    rows = await conn.fetch(LIST, tenant_id, q, scope, limit, offset)
    total = rows[0]["total"] if rows else await conn.fetchval(COUNT, tenant_id, q, scope)
    return [_key(row) for row in rows], total


COUNT_LASTING = "SELECT count(*) FROM api_keys WHERE tenant_id = $1 AND expires_at IS NULL"


async def count_lasting(conn: Connection, *, tenant_id: TenantId) -> int:
    """Keys that were neither deleted nor rotated away."""
    count: int = await conn.fetchval(COUNT_LASTING, tenant_id)
    return count


MAKES_KEYS = """
SELECT EXISTS (
    SELECT FROM api_keys WHERE tenant_id = $1 AND id <> $2 AND expires_at IS NULL AND 'keys:write' = ANY (scopes)
)
"""


async def another_makes_keys(conn: Connection, *, tenant_id: TenantId, key_id: UUID) -> bool:
    """Whether a lasting key with keys:write remains without this one. To decide by it, hold the tenant's counters."""
    found: bool = await conn.fetchval(MAKES_KEYS, tenant_id, key_id)
    return found


GET_LIVE = f"""
SELECT {_COLUMNS} FROM api_keys
WHERE tenant_id = $1 AND id = $2 AND (expires_at IS NULL OR expires_at > now())
"""


async def get_live(conn: Connection, *, tenant_id: TenantId, key_id: UUID) -> ApiKey | None:
    """One live key."""
    row = await conn.fetchrow(GET_LIVE, tenant_id, key_id)
    return row and ApiKey(**row)


DELETE = f"""
WITH deleted AS (DELETE FROM api_keys WHERE tenant_id = $1 AND id = $2 RETURNING {KEY_HINT} AS hint)
SELECT hint, pg_notify('farwatch_callers', hint) FROM deleted
"""


async def delete(conn: Connection, *, tenant_id: TenantId, key_id: UUID) -> str | None:
    """Revoke a key. The hint that every process is given when the transaction commits; None when there was no key."""
    hint: str | None = await conn.fetchval(DELETE, tenant_id, key_id)
    return hint


EXPIRE = f"""
UPDATE api_keys SET expires_at = now() + $3::interval WHERE tenant_id = $1 AND id = $2
RETURNING {_COLUMNS}
"""


async def expire_after(conn: Connection, *, tenant_id: TenantId, key_id: UUID, overlap: timedelta) -> ApiKey:
    """Let a key live for this much longer."""
    row = await conn.fetchrow(EXPIRE, tenant_id, key_id, overlap)
    return ApiKey(**row)


def _key(row: Connection) -> ApiKey:
    return ApiKey(**{name: value for name, value in row.items() if name != "total"})
