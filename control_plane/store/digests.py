"""Fixing the messages of channels that digest, and taking a digest to send.

All of it happens under the channel's row lock, which everybody takes before its deliveries: so the minute is counted
once over all processes, and the members of a digest are leased all together or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.domain.alerting.digest import MINUTE, Due, Plan, Spent
from control_plane.store.outbox import LEASED, Claimed
from control_plane.store.pool import Connection


class ChannelKey(Struct, frozen=True):
    """A channel with something due that has no place in its minute yet, or with a digest to send."""

    tenant_id: UUID
    id: UUID
    kind: str


FLEET_WANTING = """
SELECT DISTINCT tenant_id, channel_id, channel_kind
FROM deliveries
WHERE state = 'pending' AND (message_id IS DISTINCT FROM id OR message_at IS NULL OR message_at < due_at)
  AND channel_kind = ANY($1::text[])
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


HOLD = "SELECT consecutive_failures > 0 FROM channels WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE"


async def hold_channel(conn: Connection, channel: ChannelKey) -> bool | None:
    """Lock the channel until the end of the transaction: whether its latest attempt failed; None: it is gone."""
    failing: bool | None = await conn.fetchval(HOLD, channel.tenant_id, channel.id)
    return failing


# A message has its place in the minute from `message_at` on; an attempt that failed moves `due_at` behind that.
_AGAIN = "(message_at IS NULL OR message_at < due_at)"

# What an earlier notice of the same incident stands before, in a message of its own or until a later time, is not due.
DUE = """
SELECT d.id, d.incident_id, d.put_off, d.message_id IS NOT NULL AS again
FROM deliveries d
WHERE d.tenant_id = $1 AND d.channel_id = $2 AND d.channel_kind = $3
  AND d.state = 'pending' AND d.due_at <= clock_timestamp()
  AND (d.message_id IS NULL OR d.message_id = d.id AND (d.message_at IS NULL OR d.message_at < d.due_at))
  AND (d.lease_until IS NULL OR d.lease_until <= clock_timestamp())
  AND NOT EXISTS (
      SELECT FROM deliveries earlier
      WHERE earlier.tenant_id = d.tenant_id AND earlier.incident_id = d.incident_id
        AND earlier.channel_id = d.channel_id AND earlier.number < d.number AND earlier.state = 'pending'
        AND (earlier.message_id IS NOT NULL OR earlier.due_at > clock_timestamp()))
ORDER BY d.number
"""


async def due_notices(conn: Connection, channel: ChannelKey) -> list[Due]:
    """What is due on a held channel and has no place in the minute yet, in the order of its numbers."""
    rows = await conn.fetch(DUE, channel.tenant_id, channel.id, channel.kind)
    return [Due(*row.values()) for row in rows]


# $3 the minute, $4 whether the channel does not deliver. Beyond the minute: the digest before, whose turn it was.
# The time of the statement, not the clock: only that can be looked for in an index.
SPENT = f"""
SELECT coalesce(array_agg(message_at ORDER BY message_at) FILTER (
        WHERE message_id = id AND message_at > statement_timestamp() - $3::interval AND NOT again), '{{}}') AS singles,
    max(message_at) FILTER (WHERE message_id <> id AND NOT again) AS digest,
    coalesce((array_agg(attempts > 1 ORDER BY message_at DESC) FILTER (WHERE message_id <> id AND NOT again))[1], false)
        AS repeated,
    count(*) FILTER (WHERE message_id = id AND again AND ($4 OR due_at <= statement_timestamp() + $3)) AS reserved,
    statement_timestamp() AS now
FROM (
    SELECT id, message_id, message_at, attempts, due_at, state = 'pending' AND {_AGAIN} AS again
    FROM deliveries
    WHERE tenant_id = $1 AND channel_id = $2 AND message_at > statement_timestamp() - 2 * $3::interval
    UNION ALL
    SELECT id, message_id, message_at, attempts, due_at, true
    FROM deliveries
    WHERE tenant_id = $1 AND channel_id = $2 AND channel_kind = $5
      AND state = 'pending' AND message_id = id AND {_AGAIN}
      AND coalesce(message_at, '-infinity') <= statement_timestamp() - 2 * $3::interval
      AND (lease_until IS NULL OR lease_until <= statement_timestamp())
) sent
"""


async def spent(conn: Connection, channel: ChannelKey, *, failing: bool) -> tuple[Spent, datetime]:
    """What a held channel has sent lately and what it will send again, and the database's clock."""
    row = await conn.fetchrow(SPENT, channel.tenant_id, channel.id, MINUTE, failing, channel.kind)
    fields = dict(row)
    now = fields.pop("now")
    return Spent(**fields | {"singles": tuple(fields["singles"])}), now


FAILED = f"""
SELECT message_id
FROM deliveries
WHERE tenant_id = $1 AND channel_id = $2 AND channel_kind = $3 AND state = 'pending' AND message_id <> id
  AND due_at <= clock_timestamp() AND {_AGAIN} AND (lease_until IS NULL OR lease_until <= clock_timestamp())
GROUP BY message_id
ORDER BY max(number) DESC
"""


async def failed_digests(conn: Connection, channel: ChannelKey) -> list[UUID]:
    """The digests of a held channel that are to be tried again now, by the ids of their messages, latest first."""
    return [row["message_id"] for row in await conn.fetch(FAILED, channel.tenant_id, channel.id, channel.kind)]


FIX = """
UPDATE deliveries
SET message_id = coalesce($3, id), message_at = $4, due_at = least(due_at, $4), put_off = false
WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND state = 'pending' AND (message_id IS NULL OR message_id = id)
"""
PUT_OFF = """
UPDATE deliveries
SET due_at = $3, put_off = message_id IS NULL
WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND state = 'pending' AND (message_id IS NULL OR message_id = id)
"""
REPEAT = """
UPDATE deliveries
SET message_at = $3, due_at = least(due_at, $3)
WHERE tenant_id = $1 AND channel_id = $4 AND message_id = $2 AND state = 'pending'
"""
HOLD_BACK = f"""
UPDATE deliveries
SET due_at = $3
WHERE tenant_id = $1 AND channel_id = $4 AND message_id = ANY($2::uuid[]) AND message_id <> id AND state = 'pending'
  AND {_AGAIN}
"""


async def write_plan(
    conn: Connection, channel: ChannelKey, plan: Plan, *, digest_id: UUID, failed: Sequence[UUID], now: datetime
) -> None:
    """Give what is due on a held channel its message and time as planned.

    `digest_id`: the message of what is told together. `failed`: the digests that were to be tried again.
    """
    tenant_id = channel.tenant_id
    if plan.singly:
        await conn.execute(FIX, tenant_id, list(plan.singly), None, now)
    if plan.together:
        await conn.execute(FIX, tenant_id, list(plan.together), digest_id, now)
    if plan.put_off:
        await conn.execute(PUT_OFF, tenant_id, list(plan.put_off), plan.until)
    if plan.later:
        await conn.execute(PUT_OFF, tenant_id, list(plan.later), plan.room)
    if plan.repeat is not None:
        await conn.execute(REPEAT, tenant_id, plan.repeat, now, channel.id)
    waiting = [each for each in failed if each != plan.repeat]
    if waiting:
        await conn.execute(HOLD_BACK, tenant_id, waiting, plan.next_digest, channel.id)


# $1 token, $2 lease, $3 tenant_id, $4 channel, $5 its kind. The oldest digest whose place it is: what of it is pending.
CLAIM_DIGEST = f"""
WITH oldest AS (
    SELECT message_id
    FROM deliveries
    WHERE tenant_id = $3 AND channel_id = $4 AND channel_kind = $5 AND state = 'pending' AND message_id <> id
      AND due_at <= message_at AND (lease_until IS NULL OR lease_until <= clock_timestamp())
    ORDER BY number + 0  -- by the index of what is to be gathered, not through all numbers of the tenant
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
