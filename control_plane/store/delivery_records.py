"""Recording how a message went, for each delivery that it told of: its end or its next attempt, its log, the channel.

Only the holder of the lease may: a worker that comes back late changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from control_plane.domain.alerting.delivery import UNWELL_AFTER
from control_plane.store import system_mails
from control_plane.store.deliveries import NOT_TOLD
from control_plane.store.outbox import Claimed
from control_plane.store.pool import Connection


class Attempt(Struct, frozen=True, kw_only=True):
    """How one attempt went, and what follows: `state` pending with `due_at`, or an end with its `reason`.

    `attempts` has the number of the attempt by delivery: one, or all that a digest told of. `receipt` is kept with the
    first of them, `amended` goes into the channel's settings, and `disable` turns the channel off with that reason.
    Both only while the channel has the settings of the attempt, those of `revision`: whoever changed them meanwhile may
    just have mended it.
    `tells_owners`: a channel that stops delivering, or delivers again, owes its tenant's owners a mail.
    """

    tenant_id: UUID
    attempts: dict[UUID, int]
    channel_id: UUID | None
    lease_token: UUID
    at: datetime
    duration_ms: int
    outcome: str
    http_status: int | None
    error: str | None
    response: str | None
    state: str
    reason: str | None
    due_at: datetime
    receipt: dict[str, Any] | None = None
    amended: dict[str, Any] | None = None
    disable: str | None = None
    revision: int | None = None
    tells_owners: bool = False


# Whoever changes a channel locks it first and its deliveries after: so do we, or the two would wait for each other.
HOLD_CHANNEL = "SELECT unwell_since, revision FROM channels WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE"
SETTLE = """
UPDATE deliveries
SET state = $4, reason = $5, due_at = $6, lease_token = NULL, lease_until = NULL,
    finished_at = CASE WHEN $4 <> 'pending' THEN clock_timestamp() END
WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND lease_token = $3 AND state = 'pending'
RETURNING id
"""
LOG = """
INSERT INTO delivery_attempts (tenant_id, delivery_id, attempt, at, duration_ms, outcome, http_status, error, response)
SELECT $1, made.delivery_id, made.attempt, $4, $5, $6, $7, $8, $9
FROM unnest($2::uuid[], $3::integer[]) AS made (delivery_id, attempt)
"""
KEEP_RECEIPT = "UPDATE deliveries SET receipt = $3 WHERE tenant_id = $1 AND id = $2"
HEALTH = """
UPDATE channels
SET consecutive_failures = CASE WHEN $3::text IS NULL THEN 0 ELSE consecutive_failures + 1 END,
    last_delivered_at = CASE WHEN $3 IS NULL THEN $4 ELSE last_delivered_at END,
    last_error = coalesce($3, last_error),
    unwell_since = CASE WHEN $3 IS NULL THEN NULL
        WHEN $6 OR consecutive_failures + 1 >= $5 THEN coalesce(unwell_since, $4) ELSE unwell_since END
WHERE tenant_id = $1 AND id = $2
RETURNING unwell_since, name, kind
"""
AMEND = "UPDATE channels SET config = config || $3::jsonb WHERE tenant_id = $1 AND id = $2"
DISABLE = """
UPDATE channels SET enabled = false, disabled_reason = $3, updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = $2 AND enabled
"""
CANCEL_REST = """
UPDATE deliveries
SET state = 'cancelled', reason = 'The channel was disabled', finished_at = clock_timestamp(), lease_token = NULL,
    lease_until = NULL
WHERE tenant_id = $1 AND channel_id = $2 AND state = 'pending'
"""
# When nobody at the channel was told, and nobody will be, the recovery has no one to go to.
CANCEL_RECOVERY = f"""
UPDATE deliveries r
SET state = 'cancelled', reason = '{NOT_TOLD}', finished_at = clock_timestamp(),
    lease_token = NULL, lease_until = NULL
FROM deliveries ended
WHERE ended.tenant_id = $1 AND ended.id = ANY($2::uuid[]) AND ended.notice <> 'resolved'
  AND r.tenant_id = ended.tenant_id AND r.incident_id = ended.incident_id AND r.channel_id = ended.channel_id
  AND r.notice = 'resolved' AND r.state = 'pending'
  AND NOT EXISTS (
      SELECT FROM deliveries told
      WHERE told.tenant_id = r.tenant_id AND told.incident_id = r.incident_id AND told.channel_id = r.channel_id
        AND told.notice <> 'resolved' AND told.state IN ('pending', 'delivered'))
RETURNING r.id
"""
# Another process may be waiting for this one to end, to send the next of the incident.
WAKE_NEXT = """
SELECT pg_notify('farwatch_deliveries', '')
FROM deliveries ended
WHERE ended.tenant_id = $1 AND ended.id = ANY($2::uuid[]) AND EXISTS (
    SELECT FROM deliveries next
    WHERE next.tenant_id = ended.tenant_id AND next.incident_id = ended.incident_id
      AND next.channel_id = ended.channel_id AND next.state = 'pending')
"""


async def record(conn: Connection, attempt: Attempt) -> bool:
    """Settle an attempt and log it; False: the lease was lost, and nothing was changed. Call it in a transaction.

    What was cancelled meanwhile, of a digest, stays so: it is no longer the attempt's.
    """
    a = attempt
    channel = await conn.fetchrow(HOLD_CHANNEL, a.tenant_id, a.channel_id)
    if channel is not None and a.revision not in (None, channel["revision"]):
        a = structs.replace(a, disable=None, amended=None)
    rows = await conn.fetch(SETTLE, a.tenant_id, list(a.attempts), a.lease_token, a.state, a.reason, a.due_at)
    held: list[UUID] = [row["id"] for row in rows]
    if not held:
        return False
    made = [a.attempts[each] for each in held]
    await conn.execute(LOG, a.tenant_id, held, made, a.at, a.duration_ms, a.outcome, a.http_status, a.error, a.response)
    if a.receipt is not None:
        await conn.execute(KEEP_RECEIPT, a.tenant_id, held[0], a.receipt)
    await _change_channel(conn, a, was_unwell=channel is not None and channel["unwell_since"] is not None)
    if a.state == "dead":
        await conn.execute(CANCEL_RECOVERY, a.tenant_id, held)
    if a.state != "pending":
        await conn.execute(WAKE_NEXT, a.tenant_id, held)
    return True


async def _change_channel(conn: Connection, a: Attempt, *, was_unwell: bool) -> None:
    """What the attempt says of the channel: its health, what to use from now on, that it is gone."""
    gone = a.disable is not None
    after = await conn.fetchrow(HEALTH, a.tenant_id, a.channel_id, a.error, a.at, UNWELL_AFTER, gone)
    if after is not None and a.tells_owners and was_unwell != (after["unwell_since"] is not None):
        await _tell_owners(conn, a, name=after["name"], kind=after["kind"])
    if a.amended:
        await conn.execute(AMEND, a.tenant_id, a.channel_id, a.amended)
    if a.disable is not None:
        await conn.execute(DISABLE, a.tenant_id, a.channel_id, a.disable)
        await conn.execute(CANCEL_REST, a.tenant_id, a.channel_id)


async def _tell_owners(conn: Connection, a: Attempt, *, name: str, kind: str) -> None:
    """Once when a channel begins not to deliver, and once when it delivers again."""
    assert a.channel_id is not None
    well = a.error is None
    data = {"channel": name, "kind": kind, "well": well, "error": a.error}
    if a.disable is not None:
        data["reason"] = "It is disabled, because nothing will arrive there again."
    owe = system_mails.owe_the_end if well else system_mails.owe_owners
    await owe(conn, tenant_id=a.tenant_id, kind="channel_unwell", channel_id=a.channel_id, data=data)


WITHHOLD = """
UPDATE deliveries
SET state = 'cancelled', reason = $4, rule = coalesce($5, rule), attempts = attempts - 1,
    finished_at = clock_timestamp(), lease_token = NULL, lease_until = NULL
WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND lease_token = $3 AND state = 'pending'
"""


async def withhold(
    conn: Connection, claimed: Sequence[Claimed], *, reason: str, rule: dict[str, Any] | None = None
) -> set[UUID]:
    """Cancel deliveries of one claim that must not be sent after all; no attempt was made. Call it in a transaction.

    The recoveries that nobody is left to hear of are cancelled, too: their ids. `rule`: what withholds them.
    """
    lead, ids = claimed[0], [each.id for each in claimed]
    await conn.execute(HOLD_CHANNEL, lead.tenant_id, lead.channel_id)
    await conn.execute(WITHHOLD, lead.tenant_id, ids, lead.lease_token, reason, rule)
    untold = await conn.fetch(CANCEL_RECOVERY, lead.tenant_id, ids)
    await conn.execute(WAKE_NEXT, lead.tenant_id, ids)
    return {row["id"] for row in untold}
