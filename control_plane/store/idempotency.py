"""idempotency_keys: replies kept for 24 h, so that a POST repeated under the same key has one effect."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class StoredReply(Struct, frozen=True):
    """What is known under a key. `status` is null while the first request is still running. `body` is sealed."""

    body_digest: bytes
    status: int | None
    headers: dict[str, str] | None
    body: bytes | None


# A claim is taken over when the stored reply is over a day old, or when the process that held it is gone.
CLAIM = """
INSERT INTO idempotency_keys (tenant_id, route, key, body_digest) VALUES ($1, $2, $3, $4)
ON CONFLICT ON CONSTRAINT idempotency_keys_pkey DO UPDATE
SET body_digest = excluded.body_digest, status = NULL, headers = NULL, body = NULL, created_at = now()
WHERE idempotency_keys.tenant_id = $1
  AND (idempotency_keys.created_at < now() - interval '24 hours'
       OR (idempotency_keys.status IS NULL AND idempotency_keys.created_at < now() - interval '2 minutes'))
RETURNING true
"""


async def claim(conn: Connection, *, tenant_id: TenantId, route: str, key: str, body_digest: bytes) -> bool:
    """Whether this request is the first under its key, and now runs."""
    return bool(await conn.fetchval(CLAIM, tenant_id, route, key, body_digest))


KEEP = """
UPDATE idempotency_keys SET created_at = now() WHERE tenant_id = $1 AND route = $2 AND key = $3 AND status IS NULL
"""


async def keep(conn: Connection, *, tenant_id: TenantId, route: str, key: str) -> None:
    """The request that claimed the key still runs: let nobody take the claim over."""
    await conn.execute(KEEP, tenant_id, route, key)


FIND = (
    "SELECT body_digest, status, headers, body FROM idempotency_keys WHERE tenant_id = $1 AND route = $2 AND key = $3"
)


async def find(conn: Connection, *, tenant_id: TenantId, route: str, key: str) -> StoredReply | None:
    """What is known under a key."""
    row = await conn.fetchrow(FIND, tenant_id, route, key)
    return row and StoredReply(**row)


FINISH = """
UPDATE idempotency_keys SET status = $4, headers = $5, body = $6
WHERE tenant_id = $1 AND route = $2 AND key = $3 AND status IS NULL
"""


async def finish(
    conn: Connection, *, tenant_id: TenantId, route: str, key: str, status: int, headers: dict[str, Any], body: bytes
) -> None:
    """Keep the reply of the request that claimed the key."""
    await conn.execute(FINISH, tenant_id, route, key, status, headers, body)


RELEASE = "DELETE FROM idempotency_keys WHERE tenant_id = $1 AND route = $2 AND key = $3 AND status IS NULL"


async def release(conn: Connection, *, tenant_id: TenantId, route: str, key: str) -> None:
    """Give the key back after a request that had no effect."""
    await conn.execute(RELEASE, tenant_id, route, key)
