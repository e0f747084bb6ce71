"""manage_keys: what people without an account change their one monitor or page with; how often an address made one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.hints import KEY_HINT
from control_plane.store.plans import TERMS_COLUMN
from control_plane.store.pool import Connection
from shared.ids import TenantId


class ManageKeyOwner(Struct, frozen=True):
    """A live manage key and what authentication needs to know of its tenant."""

    tenant_id: TenantId
    id: UUID
    monitor_id: UUID | None
    page_id: UUID | None
    prefix: str
    plan: str
    suspended: bool
    terms: Mapping[str, Any]


FIND_OWNER = f"""
SELECT k.tenant_id, k.id, k.monitor_id, k.page_id, k.prefix, t.plan, t.suspended_at IS NOT NULL AS suspended,
    {TERMS_COLUMN}
FROM manage_keys k JOIN tenants t ON t.id = k.tenant_id JOIN plans p ON p.name = t.plan
WHERE k.digest = $1
"""


async def find_owner(conn: Connection, *, digest: bytes) -> ManageKeyOwner | None:
    """Whose manage key this is: a look-up that knows no tenant yet."""
    row = await conn.fetchrow(FIND_OWNER, digest)
    return row and ManageKeyOwner(**row)


TOUCH = """
UPDATE manage_keys SET last_used_at = now()
WHERE tenant_id = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
"""


async def touch(conn: Connection, *, tenant_id: TenantId, key_id: UUID) -> None:
    """Note that the key was used, at most once a minute."""
    await conn.execute(TOUCH, tenant_id, key_id)


class ManageKey(Struct, frozen=True):
    """The manage key of a monitor, without its secret."""

    id: UUID
    monitor_id: UUID
    prefix: str
    created_at: datetime
    last_used_at: datetime | None


_COLUMNS = "id, monitor_id, prefix, created_at, last_used_at"

PUT = f"""
INSERT INTO manage_keys (tenant_id, id, monitor_id, prefix, digest) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT ON CONSTRAINT manage_keys_monitor_key DO UPDATE
SET prefix = excluded.prefix, digest = excluded.digest, created_at = now(), last_used_at = NULL
WHERE manage_keys.tenant_id = $1
RETURNING {_COLUMNS}
"""


async def put(
    conn: Connection, *, tenant_id: TenantId, key_id: UUID, monitor_id: UUID, prefix: str, digest: bytes
) -> ManageKey:
    """Store the key of a monitor in place of the one before, which keeps its id."""
    return ManageKey(**await conn.fetchrow(PUT, tenant_id, key_id, monitor_id, prefix, digest))


GET = f"SELECT {_COLUMNS} FROM manage_keys WHERE tenant_id = $1 AND monitor_id = $2"


async def get(conn: Connection, *, tenant_id: TenantId, monitor_id: UUID) -> ManageKey | None:
    """The monitor's manage key, if it has one."""
    row = await conn.fetchrow(GET, tenant_id, monitor_id)
    return row and ManageKey(**row)


# FOR UPDATE: of two who replace the key at once, the second tells of the key that the first one made.
TELL_ENDED = f"""
WITH held AS MATERIALIZED (
    SELECT {KEY_HINT} AS hint FROM manage_keys WHERE tenant_id = $1 AND monitor_id = $2 FOR UPDATE
)
SELECT hint, pg_notify('farwatch_callers', hint) FROM held
"""


async def tell_ended(conn: Connection, *, tenant_id: TenantId, monitor_id: UUID) -> str | None:
    """Hold the monitor's key, which is about to end. The hint that every process is given when the transaction
    commits; None when it has no key.
    """
    hint: str | None = await conn.fetchval(TELL_ENDED, tenant_id, monitor_id)
    return hint


DELETE = "DELETE FROM manage_keys WHERE tenant_id = $1 AND monitor_id = $2"


async def delete(conn: Connection, *, tenant_id: TenantId, monitor_id: UUID) -> None:
    """Nobody manages the monitor any more."""
    await conn.execute(DELETE, tenant_id, monitor_id)


FORGET_CREATES = "DELETE FROM anonymous_creates WHERE tenant_id = $1 AND at <= clock_timestamp() - $2::interval"
COUNT_CREATES = """
SELECT count(*) FILTER (WHERE caller = $2) AS callers_own, count(*) AS of_all,
       coalesce(extract(epoch FROM clock_timestamp() - min(at) FILTER (WHERE caller = $2)), 0)::float8 AS own_age_s,
       coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float8 AS age_s
FROM anonymous_creates WHERE tenant_id = $1
"""


class Creates(Struct, frozen=True):
    """Creations within the window, the caller's and everybody's, and the age of the oldest of each in seconds."""

    callers_own: int
    of_all: int
    own_age_s: float
    age_s: float


async def count_creates(conn: Connection, *, tenant_id: TenantId, caller: bytes, window_s: int) -> Creates:
    """Forget what is older than the window and count the rest. The caller holds the tenant's row."""
    await conn.execute(FORGET_CREATES, tenant_id, timedelta(seconds=window_s))
    return Creates(**await conn.fetchrow(COUNT_CREATES, tenant_id, caller))


NOTE_CREATE = "INSERT INTO anonymous_creates (tenant_id, id, caller) VALUES ($1, $2, $3)"


async def note_create(conn: Connection, *, tenant_id: TenantId, create_id: UUID, caller: bytes) -> None:
    """Remember that this caller created something now."""
    await conn.execute(NOTE_CREATE, tenant_id, create_id, caller)


SET_PUBLIC = "UPDATE monitors SET is_public = $3 WHERE tenant_id = $1 AND id = $2 AND is_public <> $3"


async def set_public(conn: Connection, *, tenant_id: TenantId, monitor_id: UUID, is_public: bool) -> None:
    """Whether the tenant's page lists the monitor."""
    await conn.execute(SET_PUBLIC, tenant_id, monitor_id, is_public)


PUBLIC = "SELECT id FROM monitors WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND is_public"


async def public_among(conn: Connection, *, tenant_id: TenantId, monitor_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these monitors that the tenant's page lists."""
    return frozenset(row["id"] for row in await conn.fetch(PUBLIC, tenant_id, list(monitor_ids)))


IS_INCIDENT_OF = "SELECT EXISTS (SELECT FROM incidents WHERE tenant_id = $1 AND id = $2 AND monitor_id = $3)"


async def is_incident_of(conn: Connection, *, tenant_id: TenantId, incident_id: UUID, monitor_id: UUID | None) -> bool:
    """Whether the incident is the monitor's."""
    found: bool = await conn.fetchval(IS_INCIDENT_OF, tenant_id, incident_id, monitor_id)
    return found


ANONYMOUS_TERMS = f"""
SELECT t.plan, t.suspended_at IS NOT NULL AS suspended, {TERMS_COLUMN}
FROM tenants t JOIN plans p ON p.name = t.plan WHERE t.id = $1
"""


class AnonymousTenant(Struct, frozen=True):
    """What the anonymous tenant may."""

    plan: str
    suspended: bool
    terms: Mapping[str, Any]


async def anonymous_tenant(conn: Connection, *, tenant_id: TenantId) -> AnonymousTenant | None:
    """The anonymous tenant; None while nobody has needed it."""
    row = await conn.fetchrow(ANONYMOUS_TERMS, tenant_id)
    return row and AnonymousTenant(**row)
