"""A tenant's channels: what may be read back of each, and its secrets, sealed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class ChannelRow(Struct, frozen=True, kw_only=True):
    """`config` has masks where secrets were; `sealed` holds them.

    `verification_sent_at` is of the newest link to an e-mail address, `verification_over`: that one counts no more.
    """

    tenant_id: UUID
    id: UUID
    number: int
    name: str
    kind: str
    config: dict[str, Any]
    sealed: bytes | None
    host: str | None
    enabled: bool
    disabled_reason: str | None
    consecutive_failures: int
    last_delivered_at: datetime | None
    last_error: str | None
    write_source: str
    created_at: datetime
    updated_at: datetime
    revision: int
    verified_at: datetime | None = None
    templates: dict[str, str] | None = None
    quiet_hours: dict[str, Any] | None = None
    unwell_since: datetime | None = None
    verification_sent_at: datetime | None = None
    verification_over: bool = False


class ChannelWrite(Struct, frozen=True, kw_only=True):
    """What a write sets."""

    name: str
    config: dict[str, Any]
    sealed: bytes | None
    host: str
    enabled: bool
    write_source: str
    verified_at: datetime | None = None
    templates: dict[str, str] | None = None
    quiet_hours: dict[str, Any] | None = None
    verification_sent_at: datetime | None = None
    """Null keeps what there was."""


COLUMNS = """tenant_id, id, number, name, kind, config, sealed, host, enabled, disabled_reason, consecutive_failures,
    last_delivered_at, last_error, write_source, created_at, updated_at, revision, verified_at, templates,
    quiet_hours, unwell_since, verification_sent_at,
    coalesce(verification_sent_at < now() - interval '24 hours', false) AS verification_over"""

INSERT = f"""
WITH counted AS (
    UPDATE tenant_counters SET channels = channels + 1 WHERE tenant_id = $1 RETURNING channels
)
INSERT INTO channels (tenant_id, id, number, name, kind, config, sealed, host, enabled, write_source, verified_at,
    templates, quiet_hours, verification_sent_at)
SELECT $1, $2, counted.channels, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM counted
RETURNING {COLUMNS}
"""


async def insert_channel(
    conn: Connection, *, tenant_id: TenantId, channel_id: UUID, kind: str, write: ChannelWrite
) -> ChannelRow:
    """Create it. Raises Refused CHANNEL_NAME_TAKEN."""
    w = write
    row = await conn.fetchrow(
        INSERT,
        tenant_id,
        channel_id,
        w.name,
        kind,
        w.config,
        w.sealed,
        w.host,
        w.enabled,
        w.write_source,
        w.verified_at,
        w.templates,
        w.quiet_hours,
        w.verification_sent_at,
    )
    return ChannelRow(**row)


CHANNEL = f"""
SELECT {COLUMNS}
FROM channels WHERE tenant_id = $1 AND id = $2
"""


async def channel(conn: Connection, *, tenant_id: TenantId, channel_id: UUID) -> ChannelRow | None:
    """One channel; None: the tenant has no such."""
    row = await conn.fetchrow(CHANNEL, tenant_id, channel_id)
    return None if row is None else ChannelRow(**row)


LOCK = f"""
SELECT {COLUMNS}
FROM channels WHERE tenant_id = $1 AND id = $2 FOR UPDATE
"""


async def lock_channel(conn: Connection, *, tenant_id: TenantId, channel_id: UUID) -> ChannelRow | None:
    """The same, locked until commit: whoever is about to owe it something has done so, or waits."""
    row = await conn.fetchrow(LOCK, tenant_id, channel_id)
    return None if row is None else ChannelRow(**row)


CHANNELS = f"""
SELECT {COLUMNS}
FROM channels WHERE tenant_id = $1 ORDER BY number LIMIT $2 OFFSET $3
"""


async def channels(conn: Connection, *, tenant_id: TenantId, limit: int, offset: int) -> list[ChannelRow]:
    """A tenant's channels, oldest first."""
    return [ChannelRow(**row) for row in await conn.fetch(CHANNELS, tenant_id, limit, offset)]


COUNT = "SELECT count(*) FROM channels WHERE tenant_id = $1"


async def count_channels(conn: Connection, *, tenant_id: TenantId) -> int:
    """How many the tenant has."""
    count: int = await conn.fetchval(COUNT, tenant_id)
    return count


NAMES = "SELECT name FROM channels WHERE tenant_id = $1"


async def names(conn: Connection, *, tenant_id: TenantId) -> set[str]:
    """What the tenant's channels are called."""
    return {row["name"] for row in await conn.fetch(NAMES, tenant_id)}


# Enabling clears the note of why it was disabled.
UPDATE = f"""
UPDATE channels
SET name = $3, config = $4, sealed = $5, host = $6, enabled = $7, write_source = $8,
    verified_at = $9, templates = $10, quiet_hours = $11,
    verification_sent_at = coalesce($12, verification_sent_at),
    disabled_reason = CASE WHEN $7 THEN NULL ELSE disabled_reason END,
    updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = $2
RETURNING {COLUMNS}
"""


async def update_channel(conn: Connection, *, tenant_id: TenantId, channel_id: UUID, write: ChannelWrite) -> ChannelRow:
    """Change a channel that is locked. Raises Refused CHANNEL_NAME_TAKEN."""
    w = write
    row = await conn.fetchrow(
        UPDATE,
        tenant_id,
        channel_id,
        w.name,
        w.config,
        w.sealed,
        w.host,
        w.enabled,
        w.write_source,
        w.verified_at,
        w.templates,
        w.quiet_hours,
        w.verification_sent_at,
    )
    return ChannelRow(**row)


DELETE = "DELETE FROM channels WHERE tenant_id = $1 AND id = $2"


async def delete_channel(conn: Connection, *, tenant_id: TenantId, channel_id: UUID) -> None:
    """Delete it and its bindings. The log of its deliveries stays."""
    await conn.execute(DELETE, tenant_id, channel_id)
