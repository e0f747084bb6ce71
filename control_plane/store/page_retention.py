"""What is forgotten of status pages' subscribers: who never said yes, and what was told long ago."""

from __future__ import annotations

from datetime import timedelta

from control_plane.store.pool import Connection
from control_plane.store.retention import BATCH

# Their links count no more, and nobody else was told that they were asked. What was counted within the day stays until
# the day is over, so that an address is not asked three times more because the link before has ended.
FLEET_FORGET_UNCONFIRMED = """
DELETE FROM page_subscribers
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM page_subscribers
    WHERE confirmed_at IS NULL AND confirm_until < now() AND asked_at < now() - interval '1 day'
    LIMIT $1 FOR UPDATE SKIP LOCKED))
"""


async def forget_unconfirmed(connection: Connection, *, limit: int = BATCH) -> int:
    """Subscribers who never said yes."""
    return await _deleted(connection, FLEET_FORGET_UNCONFIRMED, limit)


# What is under way stays, and the newest of each subject: it says what is no news any more.
FLEET_FORGET_NOTICES = """
DELETE FROM page_notices
WHERE ctid = ANY (ARRAY(
    SELECT n.ctid FROM page_notices n
    WHERE n.created_at < now() - $1::interval AND n.finished_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM page_deliveries d
          WHERE d.tenant_id = n.tenant_id AND d.notice_id = n.id AND d.state = 'pending')
      AND (n.event IN ('incident.resolved', 'maintenance.ended', 'maintenance.cancelled')
          OR n.begins_at < now() - $1::interval OR EXISTS (
          SELECT FROM page_notices later WHERE later.tenant_id = n.tenant_id AND later.page_id = n.page_id
              AND later.subject = n.subject AND later.number > n.number))
    LIMIT $2 FOR UPDATE OF n SKIP LOCKED))
"""


async def forget_notices(connection: Connection, *, older_than: timedelta, limit: int = BATCH) -> int:
    """Old news of pages, with the record of whom they were told to."""
    return await _deleted(connection, FLEET_FORGET_NOTICES, older_than, limit)


FLEET_FORGET_QUESTIONS = """
DELETE FROM page_deliveries
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM page_deliveries
    WHERE notice_id IS NULL AND state <> 'pending' AND finished_at < now() - $1::interval
    LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


async def forget_questions(connection: Connection, *, older_than: timedelta, limit: int = BATCH) -> int:
    """Messages that asked subscribers, long ago."""
    return await _deleted(connection, FLEET_FORGET_QUESTIONS, older_than, limit)


async def _deleted(connection: Connection, statement: str, *arguments: object) -> int:
    status: str = await connection.execute(statement, *arguments)
    return int(status.removeprefix("DELETE "))
