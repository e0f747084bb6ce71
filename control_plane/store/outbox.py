"""Taking deliveries to send; store/delivery_records.py records how that went.

A claim is a lease: the token goes with every record, so that a worker that comes back late can change nothing. Within
(incident, channel) nothing is claimed while an earlier notice is pending. That earlier one is always seen, because
numbers are taken under the tenant's counter lock and so grow in commit order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.deliveries import DeliveryRow
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

    `message_id` is the delivery's own id, or that of the digest which tells of it.
    `slept_through`: it was over before the quiet hours were that delayed it. `may_be_silenced`: the tenant has silences
    that hold. `receipt` is of the first message of the incident that the channel took. `verified`: its address said
    yes. `revision`: the channel's, by which what comes back is known to be of these settings.
    Since the delivery was owed or revived, `failures` attempts failed and `unknown` have no known end; `told`: somebody
    at this channel knows of the incident, or soon will.
    """

    tenant_id: UUID
    id: UUID
    message_id: UUID
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
    incident_id: UUID | None = None
    monitor_id: UUID | None = None
    receipt: dict[str, Any] | None = None
    verified: bool = True
    revision: int | None = None
    templates: dict[str, str] | None = None
    slept_through: bool = False
    may_be_silenced: bool = False


# What follows `taken`, in the claim of singles and of digests alike ($1 token, $2 lease): an attempt that was lost is
# logged, the lease is written, and what goes with each delivery is read.
LEASED = """, lost AS (
    INSERT INTO delivery_attempts (tenant_id, delivery_id, attempt, at, duration_ms, outcome, error)
    SELECT tenant_id, id, attempts, lease_until, 0, 'unknown', 'The worker ended before it could record the outcome'
    FROM taken
    WHERE lease_token IS NOT NULL
    ON CONFLICT DO NOTHING
), leased AS (
    UPDATE deliveries d
    SET attempts = d.attempts + 1, message_id = coalesce(d.message_id, d.id), lease_token = $1,
        lease_until = clock_timestamp() + $2::interval
    FROM taken
    WHERE d.tenant_id = taken.tenant_id AND d.id = taken.id
    RETURNING d.*
)
SELECT l.tenant_id, l.id, l.message_id, l.channel_id, l.event, l.notice, l.body, l.attempts AS attempt, l.lease_token,
    l.lease_until - $2::interval AS now, l.channel_kind AS kind, c.config, c.sealed, c.enabled, c.host,
    l.incident_id, l.monitor_id, c.revision, c.templates,
    c.kind IS DISTINCT FROM 'email' OR c.verified_at IS NOT NULL AS verified,
    (SELECT f.receipt FROM deliveries f
     WHERE f.tenant_id = l.tenant_id AND f.incident_id = l.incident_id AND f.channel_id = l.channel_id
       AND f.receipt IS NOT NULL
     ORDER BY f.number LIMIT 1) AS receipt,
    coalesce(l.rule ->> 'type' = 'quiet_hours' AND l.notice <> 'resolved' AND (
        EXISTS (SELECT FROM deliveries r
            WHERE r.tenant_id = l.tenant_id AND r.incident_id = l.incident_id AND r.channel_id = l.channel_id
              AND r.notice = 'resolved' AND r.ordinal = l.ordinal
              AND r.created_at <= (l.rule ->> 'until')::timestamptz)
        OR EXISTS (SELECT FROM incidents i
            WHERE i.tenant_id = l.tenant_id AND i.id = l.incident_id
              AND i.resolved_at <= (l.rule ->> 'until')::timestamptz)), false) AS slept_through,
    EXISTS (SELECT FROM silences s
        WHERE s.tenant_id = l.tenant_id AND s.starts_at <= clock_timestamp() AND s.ends_at > clock_timestamp())
        AS may_be_silenced,
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
ORDER BY l.number
"""

# $4 $5 tenants and their sends under way, $6 $7 hosts, $8 $9 channels, $10 $11 $12 limits per tenant, host, channel,
# $13 kinds that digest: of these, only what store/digests.py has let go singly. Whose bounds are reached is put as "is
# not null", of which the planner expects that it holds. Of "<" it expects a third, and of three of them so few rows
# that it would rather read and sort all that are due than the first 500 in the order of deliveries_backlog.
_DUE = """
    SELECT d.tenant_id, d.id, d.number, d.channel_id, c.host, coalesce(d.incident_id, d.id) AS newest,
        d.lease_until AS lost_at, coalesce(t.used, 0) AS of_tenant, coalesce(h.used, 0) AS of_host,
        coalesce(k.used, 0) AS of_channel
    FROM deliveries d
    LEFT JOIN channels c ON c.tenant_id = d.tenant_id AND c.id = d.channel_id
    LEFT JOIN unnest($4::uuid[], $5::integer[]) AS t (id, used) ON t.id = d.tenant_id
    LEFT JOIN unnest($6::text[], $7::integer[]) AS h (name, used) ON h.name = c.host
    LEFT JOIN unnest($8::uuid[], $9::integer[]) AS k (id, used) ON k.id = d.channel_id
    WHERE d.state = 'pending' AND d.due_at <= statement_timestamp()
      AND nullif(coalesce(t.used, 0) < $10, false) IS NOT NULL AND nullif(coalesce(h.used, 0) < $11, false) IS NOT NULL
      AND nullif(coalesce(k.used, 0) < $12, false) IS NOT NULL
      AND (d.channel_kind <> ALL($13::text[]) OR d.channel_id IS NULL
          OR d.message_id = d.id AND d.message_at >= d.due_at)
      AND NOT EXISTS (
          SELECT FROM deliveries earlier
          WHERE earlier.tenant_id = d.tenant_id AND earlier.incident_id = d.incident_id
            AND earlier.channel_id = d.channel_id AND earlier.number < d.number AND earlier.state = 'pending')
"""
_NEVER_TRIED = f"""{_DUE}      AND d.lease_until IS NULL
    ORDER BY coalesce(d.incident_id, d.id) DESC, d.number
    LIMIT 500"""
_LOST = f"""{_DUE}      AND d.lease_until <= statement_timestamp()
    ORDER BY d.lease_until, coalesce(d.incident_id, d.id) DESC, d.number
    LIMIT 500"""

# $1 token, $2 lease, $3 most rows. Each claim looks at 500 rows at most: those whose bounds are reached are passed over
# before, so the next claim sees what is behind them. What a worker was lost with comes after all that was never tried,
# the longest lost first: it may have arrived already, and one delivery at which workers end must not end one after
# another. It is not even looked for while there is enough else.
FLEET_CLAIM = f"""
WITH ready AS (
    SELECT * FROM (({_NEVER_TRIED}) UNION ALL ({_LOST})) AS due LIMIT 500
), bounded AS (
    SELECT tenant_id, id, newest, lost_at,
        of_tenant + row_number() OVER (PARTITION BY tenant_id ORDER BY place) AS in_tenant,
        of_host + row_number() OVER (PARTITION BY host ORDER BY place) AS in_host,
        of_channel + row_number() OVER (PARTITION BY channel_id ORDER BY place) AS in_channel
    FROM (SELECT *, row_number() OVER (ORDER BY lost_at NULLS FIRST, newest DESC, number) AS place FROM ready) placed
), taken AS (
    SELECT d.tenant_id, d.id, d.attempts, d.lease_token, d.lease_until
    FROM bounded b
    JOIN deliveries d ON d.tenant_id = b.tenant_id AND d.id = b.id
    WHERE b.in_tenant <= $10 AND b.in_host <= $11 AND b.in_channel <= $12
      AND d.state = 'pending' AND d.due_at <= clock_timestamp()
      AND (d.lease_until IS NULL OR d.lease_until <= clock_timestamp())
    ORDER BY b.lost_at NULLS FIRST, b.newest DESC
    LIMIT $3
    FOR UPDATE OF d SKIP LOCKED
){LEASED}"""


async def claim(
    conn: Connection,
    *,
    token: UUID,
    lease: timedelta,
    most: int,
    limits: Limits,
    underway: Underway,
    digesting: Sequence[str] = (),
) -> list[Claimed]:
    """Lease up to `most` due deliveries of all tenants, newest incident first; `digesting`: the kinds that digest."""
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
        list(digesting),
    )
    return [Claimed(**row) for row in rows]


# A test goes out once, from the request that asked for it: it is owed and leased in one.
OWE_LEASED = """
INSERT INTO deliveries (tenant_id, id, number, channel_id, channel_name, channel_kind, event, notice, body, due_at,
    message_id, attempts, lease_token, lease_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, clock_timestamp(), $2, 1, $10, clock_timestamp() + $11::interval)
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
WHERE state = 'pending' AND due_at > (SELECT clock_timestamp())
"""


async def seconds_to_next(conn: Connection) -> float | None:
    """How long until a delivery of any tenant falls due; None: none waits for its time."""
    seconds: float | None = await conn.fetchval(FLEET_NEXT_DUE)
    return seconds
