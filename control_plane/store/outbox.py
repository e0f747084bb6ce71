"""Taking deliveries to send, and recording how that went.

A claim is a lease: the token goes with every record, so that a worker that comes back late can change nothing. Within
(incident, channel) nothing is claimed while an earlier notice is pending. That earlier one is always seen, because
numbers are taken under the tenant's counter lock and so grow in commit order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.deliveries import NOT_TOLD, DeliveryRow
from control_plane.store.pool import Connection


class Limits(Struct, frozen=True):
    """How many sends one process has under way at a time."""

    total: int
    tenant: int
    host: int
    channel: int


class Underway(Struct, frozen=True):
    """What this process is sending now: how many by tenant, host and channel."""

    tenants: Mapping[UUID, int]
    hosts: Mapping[str, int]
    channels: Mapping[UUID, int]


class Claimed(Struct, frozen=True, kw_only=True):
    """One attempt to make before `lease_until`. `now` is the database's clock at the claim.

    Since the delivery was owed or revived, `failures` attempts failed and `unknown` have no known end; `told`: somebody
    at this channel knows of the incident, or soon will.
    """

    tenant_id: UUID
    id: UUID
    channel_id: UUID | None
    event: str
    notice: str
    body: str
    attempt: int
    failures: int
    unknown: int
    told: bool
    lease_token: UUID
    now: datetime
    kind: str
    config: dict[str, Any] | None
    sealed: bytes | None
    enabled: bool | None
    host: str | None


# $1 token, $2 lease, $3 most rows, $4 $5 tenants and their sends under way, $6 $7 hosts, $8 $9 channels,
# $10 $11 $12 limits per tenant, host, channel. Each claim looks at 500 rows at most: those whose bounds are reached
# are passed over before, so the next claim sees what is behind them.
FLEET_CLAIM = """
WITH ready AS (
    SELECT d.tenant_id, d.id, d.number, d.channel_id, c.host, coalesce(d.incident_id, d.id) AS newest,
        coalesce(t.used, 0) AS of_tenant, coalesce(h.used, 0) AS of_host, coalesce(k.used, 0) AS of_channel
    FROM deliveries d
    LEFT JOIN channels c ON c.tenant_id = d.tenant_id AND c.id = d.channel_id
    LEFT JOIN unnest($4::uuid[], $5::integer[]) AS t (id, used) ON t.id = d.tenant_id
    LEFT JOIN unnest($6::text[], $7::integer[]) AS h (name, used) ON h.name = c.host
    LEFT JOIN unnest($8::uuid[], $9::integer[]) AS k (id, used) ON k.id = d.channel_id
    WHERE d.state = 'pending' AND d.due_at <= clock_timestamp()
      AND (d.lease_until IS NULL OR d.lease_until <= clock_timestamp())
      AND coalesce(t.used, 0) < $10 AND coalesce(h.used, 0) < $11 AND coalesce(k.used, 0) < $12
      AND NOT EXISTS (
          SELECT FROM deliveries earlier
          WHERE earlier.tenant_id = d.tenant_id AND earlier.incident_id = d.incident_id
            AND earlier.channel_id = d.channel_id AND earlier.number < d.number AND earlier.state = 'pending')
    ORDER BY coalesce(d.incident_id, d.id) DESC, d.number
    LIMIT 500
), bounded AS (
    SELECT tenant_id, id, newest,
        of_tenant + row_number() OVER (PARTITION BY tenant_id ORDER BY newest DESC, number) AS in_tenant,
        of_host + row_number() OVER (PARTITION BY host ORDER BY newest DESC, number) AS in_host,
        of_channel + row_number() OVER (PARTITION BY channel_id ORDER BY newest DESC, number) AS in_channel
    FROM ready
), taken AS (
    SELECT d.tenant_id, d.id, d.attempts, d.lease_token, d.lease_until
    FROM bounded b
    JOIN deliveries d ON d.tenant_id = b.tenant_id AND d.id = b.id
    WHERE b.in_tenant <= $10 AND b.in_host <= $11 AND b.in_channel <= $12
      AND d.state = 'pending' AND d.due_at <= clock_timestamp()
      AND (d.lease_until IS NULL OR d.lease_until <= clock_timestamp())
    ORDER BY b.newest DESC
    LIMIT $3
    FOR UPDATE OF d SKIP LOCKED
), lost AS (
    INSERT INTO delivery_attempts (tenant_id, delivery_id, attempt, at, duration_ms, outcome, error)
    SELECT tenant_id, id, attempts, lease_until, 0, 'unknown', 'The worker ended before it could record the outcome'
    FROM taken
    WHERE lease_token IS NOT NULL
    ON CONFLICT DO NOTHING
), leased AS (
    UPDATE deliveries d
    SET attempts = d.attempts + 1, lease_token = $1, lease_until = clock_timestamp() + $2::interval
    FROM taken
    WHERE d.tenant_id = taken.tenant_id AND d.id = taken.id
    RETURNING d.*
)
SELECT l.tenant_id, l.id, l.channel_id, l.event, l.notice, l.body, l.attempts AS attempt, l.lease_token,
    l.lease_until - $2::interval AS now, l.channel_kind AS kind, c.config, c.sealed, c.enabled, c.host,
    s.failures, s.unknown, l.notice <> 'resolved' OR EXISTS (
        SELECT FROM deliveries told
        WHERE told.tenant_id = l.tenant_id AND told.incident_id = l.incident_id AND told.channel_id = l.channel_id
          AND told.notice <> 'resolved' AND told.state IN ('pending', 'delivered')) AS told
FROM leased l
LEFT JOIN channels c ON c.tenant_id = l.tenant_id AND c.id = l.channel_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE a.outcome = 'retry') AS failures,
        count(*) FILTER (WHERE a.outcome = 'unknown') AS unknown
    FROM delivery_attempts a
    WHERE a.tenant_id = l.tenant_id AND a.delivery_id = l.id
      AND a.attempt > coalesce((SELECT max(e.attempt) FROM delivery_attempts e
          WHERE e.tenant_id = l.tenant_id AND e.delivery_id = l.id AND e.outcome = 'dead'), 0)) s
"""


async def claim(
    conn: Connection, *, token: UUID, lease: timedelta, most: int, limits: Limits, underway: Underway
) -> list[Claimed]:
    """Lease up to `most` due deliveries of all tenants, newest incident first."""
    rows = await conn.fetch(
        FLEET_CLAIM,
        token,
        lease,
        most,
        list(underway.tenants),
        list(underway.tenants.values()),
        list(underway.hosts),
        list(underway.hosts.values()),
        list(underway.channels),
        list(underway.channels.values()),
        limits.tenant,
        limits.host,
        limits.channel,
    )
    return [Claimed(**row) for row in rows]


# A test goes out once, from the request that asked for it: it is owed and leased in one.
OWE_LEASED = """
INSERT INTO deliveries (tenant_id, id, number, channel_id, channel_name, channel_kind, event, notice, body, due_at,
    attempts, lease_token, lease_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp(), 1, $10, clock_timestamp() + $11::interval)
RETURNING clock_timestamp()
"""


async def owe_leased(conn: Connection, row: DeliveryRow, *, token: UUID, lease: timedelta) -> datetime:
    """Write a delivery that the caller itself is about to attempt; the database's clock."""
    now: datetime = await conn.fetchval(
        OWE_LEASED,
        row.tenant_id,
        row.id,
        row.number,
        row.channel_id,
        row.channel_name,
        row.channel_kind,
        row.event,
        row.notice,
        row.body,
        token,
        lease,
    )
    return now


FLEET_NEXT_DUE = """
SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8
FROM deliveries
WHERE state = 'pending' AND due_at > clock_timestamp()
"""


async def seconds_to_next(conn: Connection) -> float | None:
    """How long until a delivery of any tenant falls due; None: none waits for its time."""
    seconds: float | None = await conn.fetchval(FLEET_NEXT_DUE)
    return seconds


class Attempt(Struct, frozen=True, kw_only=True):
    """How one attempt went, and what follows: `state` pending with `due_at`, or an end with its `reason`."""

    tenant_id: UUID
    delivery_id: UUID
    channel_id: UUID | None
    lease_token: UUID
    attempt: int
    at: datetime
    duration_ms: int
    outcome: str
    http_status: int | None
    error: str | None
    response: str | None
    state: str
    reason: str | None
    due_at: datetime


# Whoever changes a channel locks it first and its deliveries after: so do we, or the two would wait for each other.
HOLD_CHANNEL = "SELECT FROM channels WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE"
# Only the holder of the lease may.
SETTLE = """
UPDATE deliveries
SET state = $4, reason = $5, due_at = $6, lease_token = NULL, lease_until = NULL,
    finished_at = CASE WHEN $4 <> 'pending' THEN clock_timestamp() END
WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND state = 'pending'
RETURNING id
"""
LOG = """
INSERT INTO delivery_attempts (tenant_id, delivery_id, attempt, at, duration_ms, outcome, http_status, error, response)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
HEALTH = """
UPDATE channels
SET consecutive_failures = CASE WHEN $3::text IS NULL THEN 0 ELSE consecutive_failures + 1 END,
    last_delivered_at = CASE WHEN $3 IS NULL THEN $4 ELSE last_delivered_at END,
    last_error = coalesce($3, last_error)
WHERE tenant_id = $1 AND id = $2
"""
# When nobody at the channel was told, and nobody will be, the recovery has no one to go to.
CANCEL_RECOVERY = f"""
UPDATE deliveries r
SET state = 'cancelled', reason = '{NOT_TOLD}', finished_at = clock_timestamp(),
    lease_token = NULL, lease_until = NULL
FROM deliveries ended
WHERE ended.tenant_id = $1 AND ended.id = $2 AND ended.notice <> 'resolved'
  AND r.tenant_id = ended.tenant_id AND r.incident_id = ended.incident_id AND r.channel_id = ended.channel_id
  AND r.notice = 'resolved' AND r.state = 'pending'
  AND NOT EXISTS (
      SELECT FROM deliveries told
      WHERE told.tenant_id = r.tenant_id AND told.incident_id = r.incident_id AND told.channel_id = r.channel_id
        AND told.notice <> 'resolved' AND told.state IN ('pending', 'delivered'))
"""
# Another process may be waiting for this one to end, to send the next of the incident.
WAKE_NEXT = """
SELECT pg_notify('farwatch_deliveries', '')
FROM deliveries ended
WHERE ended.tenant_id = $1 AND ended.id = $2 AND EXISTS (
    SELECT FROM deliveries next
    WHERE next.tenant_id = ended.tenant_id AND next.incident_id = ended.incident_id
      AND next.channel_id = ended.channel_id AND next.state = 'pending')
"""


async def record(conn: Connection, attempt: Attempt) -> bool:
    """Settle an attempt and log it; False: the lease was lost, and nothing was changed. Call it in a transaction."""
    a = attempt
    await conn.execute(HOLD_CHANNEL, a.tenant_id, a.channel_id)
    held = await conn.fetchval(SETTLE, a.tenant_id, a.delivery_id, a.lease_token, a.state, a.reason, a.due_at)
    if held is None:
        return False
    await conn.execute(
        LOG,
        a.tenant_id,
        a.delivery_id,
        a.attempt,
        a.at,
        a.duration_ms,
        a.outcome,
        a.http_status,
        a.error,
        a.response,
    )
    await conn.execute(HEALTH, a.tenant_id, a.channel_id, a.error, a.at)
    if a.state == "dead":
        await conn.execute(CANCEL_RECOVERY, a.tenant_id, a.delivery_id)
    if a.state != "pending":
        await conn.execute(WAKE_NEXT, a.tenant_id, a.delivery_id)
    return True


WITHHOLD = """
UPDATE deliveries
SET state = 'cancelled', reason = $4, attempts = attempts - 1, finished_at = clock_timestamp(), lease_token = NULL,
    lease_until = NULL
WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND state = 'pending'
"""


async def withhold(conn: Connection, claimed: Claimed, *, reason: str) -> None:
    """Cancel a claimed delivery that must not be sent after all; no attempt was made. Call it in a transaction."""
    await conn.execute(HOLD_CHANNEL, claimed.tenant_id, claimed.channel_id)
    await conn.execute(WITHHOLD, claimed.tenant_id, claimed.id, claimed.lease_token, reason)
    await conn.execute(CANCEL_RECOVERY, claimed.tenant_id, claimed.id)
    await conn.execute(WAKE_NEXT, claimed.tenant_id, claimed.id)
