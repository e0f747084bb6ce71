"""What is owed to channels, and the log of what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class DeliveryRow(Struct, frozen=True, kw_only=True):
    """One notice owed to one channel. `body` is the exact text that will be sent, on every attempt.

    `rule` is what withholds it: with `withheld` it is cancelled for that reason, with `due_at` it waits until then.
    """

    tenant_id: UUID
    id: UUID
    number: int
    channel_id: UUID
    channel_name: str
    channel_kind: str
    incident_id: UUID | None
    monitor_id: UUID | None
    event: str
    notice: str
    ordinal: int = 0
    body: str
    due_at: datetime | None = None
    withheld: str | None = None
    rule: dict[str, Any] | None = None


NOT_TOLD = "This channel was not told of the incident"
"""Why a recovery is withheld."""

# A recovery goes only to those who were told, or are about to be; what is withheld is kept, with the rule that did it.
OWE = f"""
INSERT INTO deliveries (tenant_id, id, number, channel_id, channel_name, channel_kind, incident_id, monitor_id, event,
    notice, ordinal, body, due_at, rule, state, reason, finished_at)
SELECT n.tenant_id, n.id, n.number, n.channel_id, n.channel_name, n.channel_kind, n.incident_id, n.monitor_id, n.event,
    n.notice, n.ordinal, n.body, coalesce(n.due_at, clock_timestamp()), n.rule,
    CASE WHEN n.withheld IS NULL AND NOT n.untold THEN 'pending' ELSE 'cancelled' END,
    CASE WHEN n.withheld IS NOT NULL THEN n.withheld WHEN n.untold THEN '{NOT_TOLD}' END,
    CASE WHEN n.withheld IS NOT NULL OR n.untold THEN clock_timestamp() END
FROM (
    SELECT o.*, o.notice = 'resolved' AND NOT EXISTS (
        SELECT FROM deliveries told
        WHERE told.tenant_id = o.tenant_id AND told.incident_id = o.incident_id AND told.channel_id = o.channel_id
          AND told.notice <> 'resolved' AND told.state IN ('pending', 'delivered')
    ) AS untold
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::uuid[],
        $9::text[], $10::text[], $11::integer[], $12::text[], $13::timestamptz[], $14::text[], $15::jsonb[])
        AS o (tenant_id, id, number, channel_id, channel_name, channel_kind, incident_id, monitor_id,
              event, notice, ordinal, body, due_at, withheld, rule)
) n
ON CONFLICT ON CONSTRAINT deliveries_once DO NOTHING
"""
WAKE = "SELECT pg_notify('farwatch_deliveries', '')"


async def owe(conn: Connection, rows: Sequence[DeliveryRow]) -> None:
    """Write what is owed, in the transaction that decided it; the same notice to the same channel is owed once."""
    if not rows:
        return
    columns = (
        [getattr(row, name) for row in rows]
        for name in (
            "tenant_id", "id", "number", "channel_id", "channel_name", "channel_kind", "incident_id", "monitor_id",
            "event", "notice", "ordinal", "body", "due_at", "withheld", "rule",
        )
    )  # fmt: skip
    await conn.execute(OWE, *columns)
    await conn.execute(WAKE)


class DeliveryView(Struct, frozen=True, kw_only=True):
    """A delivery as people see it. `next_attempt_at` is null once it ended.

    `message_id` is fixed before the first attempt: the delivery's own id, or one shared with the others of a digest.
    `rule` is the silence or the quiet hours that delay it or have cancelled it: {type, id, name, until}.
    """

    id: UUID
    number: int
    channel_id: UUID | None
    channel_name: str
    channel_kind: str
    incident_id: UUID | None
    monitor_id: UUID | None
    event: str
    notice: str
    ordinal: int
    message_id: UUID | None
    state: str
    reason: str | None
    attempts: int
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    rule: dict[str, Any] | None = None


class AttemptView(Struct, frozen=True, kw_only=True):
    """One try: `outcome` is delivered, retry, dead, or unknown where the worker ended before it could say."""

    attempt: int
    at: datetime
    duration_ms: int
    outcome: str
    http_status: int | None
    error: str | None
    response: str | None


class DeliveryFilter(Struct, frozen=True, kw_only=True):
    """Absent: any."""

    state: str | None = None
    channel_id: UUID | None = None
    incident_id: UUID | None = None
    monitor_id: UUID | None = None


DELIVERIES = """
SELECT id, number, channel_id, channel_name, channel_kind, incident_id, monitor_id, event, notice, ordinal,
    message_id, state, reason, attempts, CASE WHEN state = 'pending' THEN due_at END AS next_attempt_at,
    created_at, finished_at, rule
FROM deliveries
WHERE tenant_id = $1
  AND ($2::text IS NULL OR state = $2)
  AND ($3::uuid IS NULL OR channel_id = $3)
  AND ($4::uuid IS NULL OR incident_id = $4)
  AND ($5::uuid IS NULL OR monitor_id = $5)
  AND ($8::bigint IS NULL OR number < $8)
ORDER BY number DESC
LIMIT $6 OFFSET $7
"""


async def deliveries(
    conn: Connection,
    *,
    tenant_id: TenantId,
    where: DeliveryFilter,
    limit: int,
    offset: int = 0,
    before: int | None = None,
) -> list[DeliveryView]:
    """A tenant's deliveries, newest first; `before`: with lesser numbers only."""
    wanted = (where.state, where.channel_id, where.incident_id, where.monitor_id)
    rows = await conn.fetch(DELIVERIES, tenant_id, *wanted, limit, offset, before)
    return [DeliveryView(**row) for row in rows]


COUNT = """
SELECT count(*)
FROM deliveries
WHERE tenant_id = $1
  AND ($2::text IS NULL OR state = $2)
  AND ($3::uuid IS NULL OR channel_id = $3)
  AND ($4::uuid IS NULL OR incident_id = $4)
  AND ($5::uuid IS NULL OR monitor_id = $5)
"""


async def count_deliveries(conn: Connection, *, tenant_id: TenantId, where: DeliveryFilter) -> int:
    """How many the filter finds."""
    count: int = await conn.fetchval(
        COUNT, tenant_id, where.state, where.channel_id, where.incident_id, where.monitor_id
    )
    return count


DELIVERY = """
SELECT id, number, channel_id, channel_name, channel_kind, incident_id, monitor_id, event, notice, ordinal,
    message_id, state, reason, attempts, CASE WHEN state = 'pending' THEN due_at END AS next_attempt_at,
    created_at, finished_at, rule, body
FROM deliveries
WHERE tenant_id = $1 AND id = $2
"""


async def delivery(conn: Connection, *, tenant_id: TenantId, delivery_id: UUID) -> tuple[DeliveryView, str] | None:
    """One delivery and its body; None: the tenant has no such."""
    row = await conn.fetchrow(DELIVERY, tenant_id, delivery_id)
    if row is None:
        return None
    fields = dict(row)
    body = fields.pop("body")
    return DeliveryView(**fields), body


ATTEMPTS = """
SELECT attempt, at, duration_ms, outcome, http_status, error, response
FROM delivery_attempts
WHERE tenant_id = $1 AND delivery_id = $2
ORDER BY attempt
"""


async def attempts(conn: Connection, *, tenant_id: TenantId, delivery_id: UUID) -> list[AttemptView]:
    """The log of one delivery, oldest first."""
    rows = await conn.fetch(ATTEMPTS, tenant_id, delivery_id)
    return [AttemptView(**row) for row in rows]


HAS_INCIDENT = "SELECT EXISTS (SELECT FROM incidents WHERE tenant_id = $1 AND id = $2)"


async def has_incident(conn: Connection, *, tenant_id: TenantId, incident_id: UUID) -> bool:
    """Whether the tenant has such an incident."""
    found: bool = await conn.fetchval(HAS_INCIDENT, tenant_id, incident_id)
    return found


HAS_MONITOR = "SELECT EXISTS (SELECT FROM monitors WHERE tenant_id = $1 AND id = $2)"


async def has_monitor(conn: Connection, *, tenant_id: TenantId, monitor_id: UUID) -> bool:
    """Whether the tenant has such a monitor."""
    found: bool = await conn.fetchval(HAS_MONITOR, tenant_id, monitor_id)
    return found


CANCEL_FOR_CHANNEL = """
UPDATE deliveries
SET state = 'cancelled', reason = $3, finished_at = clock_timestamp(), lease_token = NULL, lease_until = NULL
WHERE tenant_id = $1 AND channel_id = $2 AND state = 'pending'
"""


async def cancel_for_channel(conn: Connection, *, tenant_id: TenantId, channel_id: UUID, reason: str) -> None:
    """End what is still owed to a channel that goes away."""
    await conn.execute(CANCEL_FOR_CHANNEL, tenant_id, channel_id, reason)


# The channel first, then its deliveries: the order of whoever records an attempt.
HOLD_CHANNEL_OF = """
SELECT FROM channels c
JOIN deliveries d ON d.tenant_id = c.tenant_id AND d.channel_id = c.id
WHERE d.tenant_id = $1 AND d.id = $2
FOR NO KEY UPDATE OF c
"""
REVIVE = """
UPDATE deliveries
SET state = 'pending', reason = NULL, finished_at = NULL, due_at = clock_timestamp(),
    message_id = CASE WHEN message_id = id THEN id END, message_at = NULL, put_off = false
WHERE tenant_id = $1 AND id = $2 AND state = 'dead' AND channel_id IS NOT NULL
RETURNING id
"""
# Whoever hears of the incident after all hears of its end, too: the recovery that was withheld follows, in order.
REVIVE_RECOVERY = f"""
UPDATE deliveries r
SET state = 'pending', reason = NULL, finished_at = NULL, due_at = clock_timestamp(),
    message_id = CASE WHEN r.message_id = r.id THEN r.id END, message_at = NULL, put_off = false
FROM deliveries revived
WHERE revived.tenant_id = $1 AND revived.id = $2 AND revived.notice <> 'resolved'
  AND r.tenant_id = revived.tenant_id AND r.incident_id = revived.incident_id AND r.channel_id = revived.channel_id
  AND r.notice = 'resolved' AND r.state = 'cancelled' AND r.reason = '{NOT_TOLD}'
"""


async def revive(conn: Connection, *, tenant_id: TenantId, delivery_id: UUID) -> bool:
    """Owe a dead delivery again, its schedule afresh; False: it is not dead, or its channel is gone.

    The recovery that was withheld because of it is owed again as well. Call it in a transaction.
    """
    await conn.execute(HOLD_CHANNEL_OF, tenant_id, delivery_id)
    if await conn.fetchval(REVIVE, tenant_id, delivery_id) is None:
        return False
    await conn.execute(REVIVE_RECOVERY, tenant_id, delivery_id)
    await conn.execute(WAKE)
    return True
