"""Fixing the messages of channels that digest, and taking a digest to send.

All of it happens under the channel's row lock, which everybody takes before its deliveries: so the minute is counted
once over all processes, and the members of a digest are leased all together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.domain.digest import MINUTE, Due, Plan, Spent
from control_plane.store.outbox import LEASED, Claimed
from control_plane.store.pool import Connection


class ChannelKey(Struct, frozen=True):
    """A channel with something due whose message is not fixed, or with a digest to send."""

    tenant_id: UUID
    id: UUID
    kind: str


FLEET_WANTING = """
SELECT DISTINCT tenant_id, channel_id, channel_kind
FROM deliveries
WHERE state = 'pending' AND message_id IS DISTINCT FROM id AND channel_kind = ANY($1::text[])
  AND due_at <= clock_timestamp() AND (lease_until IS NULL OR lease_until <= clock_timestamp())
  AND channel_id IS NOT NULL AND channel_id <> ALL($2::uuid[])
LIMIT $3
"""


async def channels_wanting(
    conn: Connection, *, kinds: Sequence[str], busy: Sequence[UUID], most: int
) -> list[ChannelKey]:
    """Channels of these kinds that want gathering, but for those that are busy."""
    rows = await conn.fetch(FLEET_WANTING, list(kinds), list(busy), most)
    return [ChannelKey(*row.values()) for row in rows]


HOLD = "SELECT id FROM channels WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE"


async def hold_channel(conn: Connection, channel: ChannelKey) -> bool:
    """Lock the channel until the end of the transaction; False: it is gone."""
    return await conn.fetchval(HOLD, channel.tenant_id, channel.id) is not None


# What an earlier notice of the same incident stands before, in a message of its own or until a later time, is not due.
DUE = """
SELECT d.id, d.incident_id, d.put_off
FROM deliveries d
WHERE d.tenant_id = $1 AND d.channel_id = $2 AND d.channel_kind = $3
  AND d.state = 'pending' AND d.message_id IS NULL AND d.due_at <= clock_timestamp()
  AND NOT EXISTS (
      SELECT FROM deliveries earlier
      WHERE earlier.tenant_id = d.tenant_id AND earlier.incident_id = d.incident_id
        AND earlier.channel_id = d.channel_id AND earlier.number < d.number AND earlier.state = 'pending'
        AND (earlier.message_id IS NOT NULL OR earlier.due_at > clock_timestamp()))
ORDER BY d.number
"""


async def due_notices(conn: Connection, channel: ChannelKey) -> list[Due]:
    """What is due on a held channel and has no message yet, in the order of its numbers."""
    rows = await conn.fetch(DUE, channel.tenant_id, channel.id, channel.kind)
    return [Due(*row.values()) for row in rows]


SPENT = """
SELECT coalesce(array_agg(message_at ORDER BY message_at) FILTER (WHERE message_id = id), '{}') AS singles,
    max(message_at) FILTER (WHERE message_id <> id) AS digest, clock_timestamp() AS now
FROM deliveries
WHERE tenant_id = $1 AND channel_id = $2 AND message_at > clock_timestamp() - $3::interval
"""


async def spent(conn: Connection, channel: ChannelKey) -> tuple[Spent, datetime]:
    """What the channel has sent within the minute, and the database's clock."""
    row = await conn.fetchrow(SPENT, channel.tenant_id, channel.id, MINUTE)
    return Spent(singles=tuple(row["singles"]), digest=row["digest"]), row["now"]


FIX = """
UPDATE deliveries
SET message_id = coalesce($3, id), message_at = $4, put_off = false
WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND state = 'pending' AND message_id IS NULL
"""
PUT_OFF = """
UPDATE deliveries
SET due_at = $3, put_off = true
WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND state = 'pending' AND message_id IS NULL
"""


async def write_plan(conn: Connection, channel: ChannelKey, plan: Plan, *, digest_id: UUID, now: datetime) -> None:
    """Fix the messages of a held channel as planned. `digest_id`: the message of what is told together."""
    if plan.singly:
        await conn.execute(FIX, channel.tenant_id, list(plan.singly), None, now)
    if plan.together:
        await conn.execute(FIX, channel.tenant_id, list(plan.together), digest_id, now)
    if plan.put_off:
        await conn.execute(PUT_OFF, channel.tenant_id, list(plan.put_off), plan.until)


# $1 token, $2 lease, $3 tenant_id, $4 channel, $5 its kind. The oldest digest that is due, all of it that is pending.
CLAIM_DIGEST = f"""
WITH oldest AS (
    SELECT message_id
    FROM deliveries
    WHERE tenant_id = $3 AND channel_id = $4 AND channel_kind = $5 AND state = 'pending' AND message_id <> id
      AND due_at <= clock_timestamp() AND (lease_until IS NULL OR lease_until <= clock_timestamp())
    ORDER BY number
    LIMIT 1
), taken AS (
    SELECT d.tenant_id, d.id, d.attempts, d.lease_token, d.lease_until
    FROM deliveries d
    JOIN oldest ON d.message_id = oldest.message_id
    WHERE d.tenant_id = $3 AND d.channel_id = $4 AND d.channel_kind = $5 AND d.state = 'pending'
      AND d.message_id <> d.id
    FOR UPDATE OF d
){LEASED}"""


async def claim_digest(conn: Connection, channel: ChannelKey, *, token: UUID, lease: timedelta) -> list[Claimed]:
    """Lease one due digest of a held channel, in the order of its numbers; empty: none is due."""
    rows = await conn.fetch(CLAIM_DIGEST, token, lease, channel.tenant_id, channel.id, channel.kind)
    return [Claimed(**row) for row in rows]
