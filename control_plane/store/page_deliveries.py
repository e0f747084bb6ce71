"""page_deliveries: the outbox of status pages' subscribers.

A claim is a lease, as for channels: its token goes with the record, so that a worker that comes back late changes
nothing. A subscriber is sent one message at a time; which deliveries it tells of is fixed at its first attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.pages.page_message import Pending
from control_plane.domain.pages.page_news import Told
from control_plane.domain.pages.public_page import Language
from control_plane.domain.pages.subscriber_rules import Kind
from control_plane.store.pool import Connection

DROP_QUESTIONS = """
DELETE FROM page_deliveries WHERE tenant_id = $1 AND subscriber_id = $2 AND notice_id IS NULL AND state = 'pending'
"""
OWE_QUESTION = """
INSERT INTO page_deliveries (tenant_id, id, page_id, subscriber_id, event) VALUES ($1, $2, $3, $4, $5)
"""


async def owe_question(
    conn: Connection, *, tenant_id: UUID, delivery_id: UUID, page_id: UUID, subscriber_id: UUID, event: str
) -> None:
    """Owe a message about the subscription itself, in place of one that is not sent yet."""
    await conn.execute(DROP_QUESTIONS, tenant_id, subscriber_id)
    await conn.execute(OWE_QUESTION, tenant_id, delivery_id, page_id, subscriber_id, event)


class Ready(Struct, frozen=True):
    """A subscriber, held, who is owed something now. `free`: not told too often of late."""

    tenant_id: UUID
    id: UUID
    kind: Kind
    free: bool


_DUE = """d.state = 'pending' AND d.due_at <= clock_timestamp()
    AND (d.lease_until IS NULL OR d.lease_until <= clock_timestamp())"""
_FREE = "(s.kind = 'webhook' OR s.full_at IS NULL OR s.full_at <= clock_timestamp() + $2::interval)"
# Page by page, so that one with very many subscribers does not keep another's waiting. What is owed of a subject waits
# for what was owed of it before.
FLEET_PICK = f"""
WITH pages AS (
    SELECT DISTINCT tenant_id, page_id FROM page_deliveries WHERE state = 'pending' AND due_at <= clock_timestamp()
), due AS (
    SELECT found.*, row_number() OVER (PARTITION BY found.tenant_id, p.page_id ORDER BY found.due_at, found.id) AS place
    FROM pages p CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.subscriber_id, d.due_at, d.id FROM page_deliveries d
        JOIN page_subscribers s ON s.tenant_id = d.tenant_id AND s.id = d.subscriber_id
        WHERE d.tenant_id = p.tenant_id AND d.page_id = p.page_id AND {_DUE} AND s.kind = ANY ($3::text[])
          AND ({_FREE} OR d.message_id IS NOT NULL OR d.notice_id IS NULL)
          AND NOT EXISTS (SELECT FROM page_deliveries busy
              WHERE busy.tenant_id = d.tenant_id AND busy.subscriber_id = d.subscriber_id AND busy.state = 'pending'
                AND (busy.lease_until > clock_timestamp()
                    OR busy.subject = d.subject AND busy.number < d.number AND busy.due_at > clock_timestamp()))
        ORDER BY d.due_at, d.id LIMIT $1) found
), first AS (
    SELECT tenant_id, subscriber_id, min(place) AS place FROM due GROUP BY 1, 2 ORDER BY 3 LIMIT $1
)
SELECT s.tenant_id, s.id, s.kind, {_FREE} AS free
FROM first f JOIN page_subscribers s ON s.tenant_id = f.tenant_id AND s.id = f.subscriber_id
FOR UPDATE OF s SKIP LOCKED
"""


async def pick_subscribers(conn: Connection, *, kinds: Sequence[str], burst: timedelta, most: int) -> list[Ready]:
    """Hold up to `most` subscribers of these kinds who are owed something. `burst`: how far ahead one may be told."""
    return [Ready(*row) for row in await conn.fetch(FLEET_PICK, most, burst, list(kinds))]


# In a statement of its own, after the lock: it sees what whoever held the subscriber before has done.
FLEET_PENDING = """
SELECT d.tenant_id, d.subscriber_id, d.id, d.number, d.subject, d.event, d.message_id,
    d.due_at <= clock_timestamp() AS due, d.lease_until > clock_timestamp() IS TRUE AS leased, d.notice_id IS NOT NULL
    AS news, d.event NOT IN ('incident.resolved', 'maintenance.ended', 'maintenance.cancelled') OR EXISTS (
        SELECT FROM page_deliveries t WHERE t.tenant_id = d.tenant_id AND t.subscriber_id = d.subscriber_id
            AND t.subject = d.subject AND t.number < d.number AND t.state IN ('pending', 'delivered')) AS told
FROM unnest($1::uuid[], $2::uuid[]) AS s (tenant_id, id)
JOIN page_deliveries d ON d.tenant_id = s.tenant_id AND d.subscriber_id = s.id AND d.state = 'pending'
ORDER BY d.number, d.created_at, d.id
"""


async def pending_of(conn: Connection, subscribers: Sequence[Ready]) -> dict[UUID, list[Pending]]:
    """What subscribers who are held are owed, in order, by subscriber."""
    found: dict[UUID, list[Pending]] = {}
    rows = await conn.fetch(FLEET_PENDING, [one.tenant_id for one in subscribers], [one.id for one in subscribers])
    for row in rows:
        found.setdefault(row["subscriber_id"], []).append(Pending(*list(row)[2:]))
    return found


class Lease(Struct, frozen=True):
    """One delivery that is part of a message."""

    tenant_id: UUID
    id: UUID
    message_id: UUID


FLEET_LEASE = """
UPDATE page_deliveries d
SET attempts = attempts + 1, message_id = l.message_id, lease_token = $4, lease_until = clock_timestamp() + $5::interval
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS l (tenant_id, id, message_id)
WHERE d.tenant_id = l.tenant_id AND d.id = l.id
"""
# The instant at which a full burst is free again moves on with each new message (the generic cell rate algorithm).
FLEET_COUNT_MESSAGE = """
UPDATE page_subscribers s SET full_at = greatest(coalesce(full_at, clock_timestamp()), clock_timestamp()) + $3::interval
FROM unnest($1::uuid[], $2::uuid[]) AS m (tenant_id, id) WHERE s.tenant_id = m.tenant_id AND s.id = m.id
"""


async def lease(
    conn: Connection,
    leases: Sequence[Lease],
    *,
    token: UUID,
    lasts: timedelta,
    counted: Sequence[Ready],
    refill: timedelta,
) -> None:
    """Lease what the messages tell of. `counted`: who is about to be sent a new one, of those that are bounded."""
    ids = [one.tenant_id for one in leases], [one.id for one in leases], [one.message_id for one in leases]
    await conn.execute(FLEET_LEASE, *ids, token, lasts)
    whose = [one.tenant_id for one in counted], [one.id for one in counted]
    await conn.execute(FLEET_COUNT_MESSAGE, *whose, refill)


CANCEL = """
UPDATE page_deliveries SET state = 'cancelled', finished_at = clock_timestamp(), last_error = $3, lease_token = NULL,
    lease_until = NULL
WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND state = 'pending'
"""


async def cancel(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID], reason: str) -> None:
    await conn.execute(CANCEL, tenant_id, list(ids), reason)


class ToSend(Struct, frozen=True, kw_only=True):
    """One leased delivery with all that its message needs. `open`: the page may tell its subscribers something now."""

    tenant_id: UUID
    id: UUID
    message_id: UUID
    lease_token: UUID
    page_id: UUID
    subscriber_id: UUID
    event: str
    subject: UUID | None
    attempts: int
    failures: int
    created_at: datetime
    happened_at: datetime | None
    now: datetime
    kind: Kind
    sealed: bytes
    nonce: bytes
    told: Told | None
    slug: str
    title: str
    language: Language
    open: bool


FLEET_LEASED = """
SELECT d.tenant_id, d.id, d.message_id, d.lease_token, d.page_id, d.subscriber_id, d.event, d.subject, d.attempts,
    d.failures, d.created_at, n.created_at AS happened_at, clock_timestamp() AS now, s.kind, s.sealed, s.nonce,
    n.told::text AS told, p.slug, p.title, p.language,
    p.state = 'published' AND p.password_digest IS NULL AND t.suspended_at IS NULL AS open
FROM page_deliveries d
JOIN page_subscribers s ON s.tenant_id = d.tenant_id AND s.id = d.subscriber_id
JOIN status_pages p ON p.tenant_id = d.tenant_id AND p.id = d.page_id
JOIN tenants t ON t.id = d.tenant_id
LEFT JOIN page_notices n ON n.tenant_id = d.tenant_id AND n.id = d.notice_id
WHERE d.lease_token = $1 AND d.state = 'pending'
ORDER BY d.subscriber_id, d.number, d.created_at
"""


async def leased(conn: Connection, *, token: UUID) -> list[ToSend]:
    """What was leased with this token, by subscriber, in order."""
    return [ToSend(**{**row, "told": _told(row["told"])}) for row in await conn.fetch(FLEET_LEASED, token)]


def _told(text: str | None) -> Told | None:
    return None if text is None else msgspec.json.decode(text, type=Told)


class MessageEnd(Struct, frozen=True, kw_only=True):
    """How an attempt went: `state` pending with `due_at`, or an end. `failed`: it counts as a failure."""

    state: str
    due_at: datetime
    failed: bool
    error: str | None


# Before its deliveries, as whoever ends a subscription does.
HOLD_SUBSCRIBER = "SELECT FROM page_subscribers WHERE tenant_id = $1 AND id = $2 FOR UPDATE"
RECORD = """
UPDATE page_deliveries
SET state = $4, due_at = $5, failures = failures + $6::int, last_error = coalesce($7, last_error), lease_token = NULL,
    lease_until = NULL, finished_at = CASE WHEN $4 <> 'pending' THEN clock_timestamp() END
WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND lease_token = $3 AND state = 'pending'
RETURNING id
"""
NOTE_OUTCOME = """
UPDATE page_subscribers
SET failures = CASE $3 WHEN 'delivered' THEN 0 WHEN 'dead' THEN failures + 1 ELSE failures END,
    last_delivered_at = CASE WHEN $3 = 'delivered' THEN clock_timestamp() ELSE last_delivered_at END,
    last_error = CASE WHEN $3 = 'delivered' THEN NULL ELSE coalesce($4, last_error) END
WHERE tenant_id = $1 AND id = $2
RETURNING failures
"""


async def record(conn: Connection, sent: Sequence[ToSend], end: MessageEnd) -> int | None:
    """Settle a message, if its lease is still held: messages in a row that were given up. None: it is not held."""
    first = sent[0]
    await conn.execute(HOLD_SUBSCRIBER, first.tenant_id, first.subscriber_id)
    settled = await conn.fetch(
        RECORD,
        *(first.tenant_id, [one.id for one in sent], first.lease_token),
        *(end.state, end.due_at, int(end.failed), end.error),
    )
    if not settled:
        return None
    failures: int = await conn.fetchval(NOTE_OUTCOME, first.tenant_id, first.subscriber_id, end.state, end.error)
    return failures
