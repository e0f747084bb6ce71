"""system_mails: what the installation writes to people by itself, owed in the transaction that makes it due.

A claim is a lease, as for deliveries: its token goes with the record, so that a worker that comes back late changes
nothing. What is sealed is wiped at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class MailRow(Struct, frozen=True, kw_only=True):
    """A mail that is owed. `data` is what it tells, `sealed` the token of the link in it."""

    tenant_id: UUID
    id: UUID
    kind: str
    recipient: str
    channel_id: UUID | None = None
    data: dict[str, Any]
    sealed: bytes | None = None


OWE = """
INSERT INTO system_mails (tenant_id, id, kind, recipient, channel_id, data, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def owe(conn: Connection, row: MailRow) -> None:
    """Write what is owed."""
    r = row
    await conn.execute(OWE, r.tenant_id, r.id, r.kind, r.recipient, r.channel_id, r.data, r.sealed)


CANCEL = """
UPDATE system_mails
SET state = 'cancelled', finished_at = clock_timestamp(), sealed = NULL, lease_token = NULL, lease_until = NULL
WHERE tenant_id = $1 AND channel_id = $2 AND kind = $3 AND state = 'pending'
"""


async def cancel_of_channel(conn: Connection, *, tenant_id: TenantId, channel_id: UUID, kind: str) -> None:
    """Nothing of this kind is owed about the channel any more."""
    await conn.execute(CANCEL, tenant_id, channel_id, kind)


CANCEL_TO = """
UPDATE system_mails
SET state = 'cancelled', finished_at = clock_timestamp(), sealed = NULL, lease_token = NULL, lease_until = NULL
WHERE tenant_id = $1 AND recipient = $2 AND kind = $3 AND state = 'pending'
"""


async def cancel_to(conn: Connection, *, tenant_id: TenantId, recipient: str, kind: str) -> None:
    """Nothing of this kind is owed to the address any more."""
    await conn.execute(CANCEL_TO, tenant_id, recipient, kind)


# Only addresses that are proven, by a provider or as a channel's: nobody else has asked to be written to.
_OWNERS = """
SELECT DISTINCT u.email AS recipient
FROM members m JOIN users u ON u.id = m.user_id
WHERE m.tenant_id = $1 AND m.role = 'owner' AND (u.email_proven OR EXISTS (
    SELECT FROM channels c
    WHERE c.tenant_id = m.tenant_id AND c.kind = 'email' AND c.config ->> 'to' = u.email AND c.verified_at IS NOT NULL))
"""
OWE_OWNERS = f"""
INSERT INTO system_mails (tenant_id, id, kind, channel_id, data, recipient)
SELECT $1, farwatch_uuid7(), $2, $3, $4, o.recipient FROM ({_OWNERS}) o
"""


async def owe_owners(conn: Connection, *, tenant_id: UUID, kind: str, channel_id: UUID, data: dict[str, Any]) -> None:
    """Owe a mail about a channel to each owner of its tenant whose address is proven."""
    await conn.execute(OWE_OWNERS, tenant_id, kind, channel_id, data)


# Who was not told of the trouble yet need not hear of its end either: after an outage of the mail server itself, two
# mails for each channel would be nobody's news.
OWE_THE_END = f"""
WITH untold AS (
    UPDATE system_mails
    SET state = 'cancelled', finished_at = clock_timestamp(), lease_token = NULL, lease_until = NULL
    WHERE tenant_id = $1 AND channel_id = $3 AND kind = $2 AND state = 'pending'
      AND (lease_until IS NULL OR lease_until <= clock_timestamp())
    RETURNING recipient
)
INSERT INTO system_mails (tenant_id, id, kind, channel_id, data, recipient)
SELECT $1, farwatch_uuid7(), $2, $3, $4, o.recipient FROM ({_OWNERS}) o
WHERE o.recipient NOT IN (SELECT recipient FROM untold)
"""


async def owe_the_end(conn: Connection, *, tenant_id: UUID, kind: str, channel_id: UUID, data: dict[str, Any]) -> None:
    """The same of the end of a trouble: whoever was not told of its beginning is told of neither."""
    await conn.execute(OWE_THE_END, tenant_id, kind, channel_id, data)


class ClaimedMail(Struct, frozen=True, kw_only=True):
    """One attempt to make before its lease ends. `attempts` counts this one; `failures` those that failed before."""

    tenant_id: UUID
    id: UUID
    kind: str
    recipient: str
    data: dict[str, Any]
    sealed: bytes | None
    attempts: int
    failures: int
    lease_token: UUID
    created_at: datetime
    now: datetime
    tenant_name: str


FLEET_CLAIM = """
WITH due AS (
    SELECT tenant_id, id FROM system_mails
    WHERE state = 'pending' AND due_at <= clock_timestamp()
      AND (lease_until IS NULL OR lease_until <= clock_timestamp())
    ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
), leased AS (
    UPDATE system_mails m
    SET attempts = m.attempts + 1, lease_token = $1, lease_until = clock_timestamp() + $2::interval
    FROM due WHERE m.tenant_id = due.tenant_id AND m.id = due.id
    RETURNING m.*
)
SELECT l.tenant_id, l.id, l.kind, l.recipient, l.data, l.sealed, l.attempts, l.failures, l.lease_token, l.created_at,
    l.lease_until - $2::interval AS now, t.name AS tenant_name
FROM leased l JOIN tenants t ON t.id = l.tenant_id
ORDER BY l.due_at, l.id
"""


async def claim(conn: Connection, *, token: UUID, lease: timedelta, most: int) -> Sequence[ClaimedMail]:
    """Lease up to `most` due mails of all tenants, the longest due first."""
    return [ClaimedMail(**row) for row in await conn.fetch(FLEET_CLAIM, token, lease, most)]


class MailEnd(Struct, frozen=True, kw_only=True):
    """How an attempt went: `state` pending with `due_at`, or an end. `failed`: it counts as a failure."""

    state: str
    due_at: datetime
    failed: bool
    error: str | None


RECORD = """
UPDATE system_mails
SET state = $4, due_at = $5, failures = failures + $6::int, last_error = coalesce($7, last_error),
    lease_token = NULL, lease_until = NULL,
    sealed = CASE WHEN $4 = 'pending' THEN sealed END,
    finished_at = CASE WHEN $4 <> 'pending' THEN clock_timestamp() END
WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND state = 'pending'
"""


async def record(conn: Connection, mail: ClaimedMail, end: MailEnd) -> None:
    """Settle an attempt, if its lease is still held."""
    await conn.execute(
        RECORD,
        *(mail.tenant_id, mail.id, mail.lease_token),
        *(end.state, end.due_at, int(end.failed), end.error),
    )
