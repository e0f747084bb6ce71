"""monitor_shares: links that show one monitor to whoever has them. Only digests of their tokens are stored."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class Share(Struct, frozen=True, kw_only=True):
    """A link that counts, as its tenant sees it."""

    id: UUID
    monitor_id: UUID
    label: str
    created_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


_COLUMNS = "id, monitor_id, label, created_by, created_at, expires_at, last_used_at"
_LIVE = "(expires_at IS NULL OR expires_at > clock_timestamp())"

INSERT = f"""
INSERT INTO monitor_shares (tenant_id, id, monitor_id, label, digest, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {_COLUMNS}
"""


async def insert_share(
    conn: Connection,
    *,
    tenant_id: TenantId,
    share_id: UUID,
    monitor_id: UUID,
    label: str,
    digest: bytes,
    created_by: str,
    expires_at: datetime | None,
) -> Share:
    """Store a new link's digest. Raises NotFound MONITOR_NOT_FOUND for a monitor that was deleted just now."""
    row = await conn.fetchrow(INSERT, tenant_id, share_id, monitor_id, label, digest, created_by, expires_at)
    return Share(**row)


LIST = f"""
SELECT {_COLUMNS} FROM monitor_shares WHERE tenant_id = $1 AND monitor_id = $2 AND {_LIVE}
ORDER BY id DESC LIMIT $3 OFFSET $4
"""
COUNT = f"SELECT count(*) FROM monitor_shares WHERE tenant_id = $1 AND monitor_id = $2 AND {_LIVE}"


async def list_shares(
    conn: Connection, *, tenant_id: TenantId, monitor_id: UUID, limit: int, offset: int
) -> tuple[list[Share], int]:
    """A page of the monitor's links that count, newest first, and how many there are."""
    rows = await conn.fetch(LIST, tenant_id, monitor_id, limit, offset)
    return [Share(**row) for row in rows], await count_of_monitor(conn, tenant_id=tenant_id, monitor_id=monitor_id)


async def count_of_monitor(conn: Connection, *, tenant_id: TenantId, monitor_id: UUID) -> int:
    """The monitor's links that count."""
    count: int = await conn.fetchval(COUNT, tenant_id, monitor_id)
    return count


COUNT_SHARED = f"SELECT count(DISTINCT monitor_id) FROM monitor_shares WHERE tenant_id = $1 AND {_LIVE}"


async def count_shared(conn: Connection, *, tenant_id: TenantId) -> int:
    """The tenant's monitors that have any link that counts."""
    count: int = await conn.fetchval(COUNT_SHARED, tenant_id)
    return count


DELETE = "DELETE FROM monitor_shares WHERE tenant_id = $1 AND monitor_id = $2 AND id = $3 RETURNING id"


async def delete_share(conn: Connection, *, tenant_id: TenantId, monitor_id: UUID, share_id: UUID) -> bool:
    """Whether there was such a link. It counts no more from the commit on."""
    return await conn.fetchrow(DELETE, tenant_id, monitor_id, share_id) is not None


class SharedMonitor(Struct, frozen=True):
    """What a token leads to."""

    tenant_id: UUID
    share_id: UUID
    monitor_id: UUID
    expires_at: datetime | None


FLEET_FIND_SHARED = """
SELECT s.tenant_id, s.id AS share_id, s.monitor_id, s.expires_at
FROM monitor_shares s JOIN tenants t ON t.id = s.tenant_id
WHERE s.digest = $1 AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp()) AND t.suspended_at IS NULL
"""


async def find_shared(conn: Connection, *, digest: bytes) -> SharedMonitor | None:
    """What the token of this digest leads to while it counts: the one look-up that knows no tenant yet."""
    row = await conn.fetchrow(FLEET_FIND_SHARED, digest)
    return None if row is None else SharedMonitor(*row)


TOUCH = """
UPDATE monitor_shares SET last_used_at = clock_timestamp()
WHERE tenant_id = $1 AND id = $2
    AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')
"""


async def touch(conn: Connection, *, tenant_id: UUID, share_id: UUID) -> None:
    """Note that the link was used, at most once a minute."""
    await conn.execute(TOUCH, tenant_id, share_id)
