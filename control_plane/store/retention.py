"""Forgetting what is no longer kept, in bounded batches that hold no lock for long.

Each function deletes at most `limit` rows and returns how many; the caller repeats until fewer come back. The age is an
argument, and the clock is the database's, which also wrote the times compared.
"""

from __future__ import annotations

from datetime import timedelta

from control_plane.store.pool import Connection

KEPT_EVENTS = timedelta(hours=24)
KEPT_REPLIES = timedelta(hours=24)
KEPT_TOMBSTONES = timedelta(hours=24)
KEPT_DELIVERIES = timedelta(days=90)
KEPT_INCIDENTS = timedelta(days=400)
KEPT_TRANSITIONS = timedelta(days=400)
KEPT_CERTIFICATES = timedelta(days=400)
KEPT_PINGS = timedelta(days=90)
KEPT_AUDIT = timedelta(days=400)
BATCH = 5_000

FLEET_FORGET_EVENTS = """
DELETE FROM events WHERE ctid = ANY (ARRAY(SELECT ctid FROM events WHERE at < now() - $1::interval LIMIT $2))
"""


async def forget_events(connection: Connection, *, older_than: timedelta = KEPT_EVENTS, limit: int = BATCH) -> int:
    """Events past the time within which a stream may be resumed."""
    return await _deleted(connection, FLEET_FORGET_EVENTS, older_than, limit)


FLEET_FORGET_REPLIES = """
DELETE FROM idempotency_keys
WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotency_keys WHERE created_at < now() - $1::interval LIMIT $2))
"""


async def forget_replies(connection: Connection, *, older_than: timedelta = KEPT_REPLIES, limit: int = BATCH) -> int:
    """Replies kept under an Idempotency-Key."""
    return await _deleted(connection, FLEET_FORGET_REPLIES, older_than, limit)


FLEET_FORGET_JOBS = """
DELETE FROM jobs
WHERE ctid = ANY (ARRAY(SELECT ctid FROM jobs WHERE finished_at < now() - $1::interval LIMIT $2))
"""


async def forget_jobs(connection: Connection, *, older_than: timedelta = timedelta(days=7), limit: int = BATCH) -> int:
    """Jobs that are over."""
    return await _deleted(connection, FLEET_FORGET_JOBS, older_than, limit)


FLEET_FORGET_DISPATCHES = """
DELETE FROM dispatches
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM dispatches WHERE expires_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


async def forget_dispatches(
    connection: Connection, *, older_than: timedelta = timedelta(minutes=5), limit: int = BATCH
) -> int:
    """Dispatches that expired, claimed or not."""
    return await _deleted(connection, FLEET_FORGET_DISPATCHES, older_than, limit)


FLEET_FORGET_ASSIGNMENTS = """
WITH gone AS (
    DELETE FROM assignments
    WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM assignments WHERE removed_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED))
    RETURNING region_id, monitor_id
), silenced AS (
    DELETE FROM votes USING gone WHERE votes.region_id = gone.region_id AND votes.monitor_id = gone.monitor_id
)
SELECT count(*) FROM gone
"""


async def forget_assignments(
    connection: Connection, *, older_than: timedelta = KEPT_TOMBSTONES, limit: int = BATCH
) -> int:
    """Tombstones of removed assignments, and the votes that went with them.

    An agent whose cursor is older than the tombstone finds out by the digest, and takes a snapshot.
    """
    forgotten: int = await connection.fetchval(FLEET_FORGET_ASSIGNMENTS, older_than, limit)
    return forgotten


FLEET_FORGET_DELIVERIES = """
DELETE FROM deliveries
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM deliveries
    WHERE state <> 'pending' AND finished_at < now() - $1::interval
    LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


async def forget_deliveries(
    connection: Connection, *, older_than: timedelta = KEPT_DELIVERIES, limit: int = BATCH
) -> int:
    """Finished deliveries, their attempts with them."""
    return await _deleted(connection, FLEET_FORGET_DELIVERIES, older_than, limit)


FLEET_FORGET_MAILS = """
DELETE FROM system_mails
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM system_mails WHERE state <> 'pending' AND finished_at < now() - $1::interval
    LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


async def forget_mails(connection: Connection, *, older_than: timedelta = KEPT_DELIVERIES, limit: int = BATCH) -> int:
    """The installation's own mails that were sent or given up."""
    return await _deleted(connection, FLEET_FORGET_MAILS, older_than, limit)


FLEET_FORGET_VERIFICATIONS = """
DELETE FROM channel_verifications
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM channel_verifications WHERE created_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


async def forget_verifications(
    connection: Connection, *, older_than: timedelta = KEPT_DELIVERIES, limit: int = BATCH
) -> int:
    """Links that were to verify an address. Whether it is verified stands on the channel."""
    return await _deleted(connection, FLEET_FORGET_VERIFICATIONS, older_than, limit)


FLEET_FORGET_INCIDENTS = """
DELETE FROM incidents
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM incidents i
    WHERE state = 'resolved' AND resolved_at < now() - $1::interval
      AND NOT EXISTS (
          SELECT FROM deliveries d WHERE d.tenant_id = i.tenant_id AND d.incident_id = i.id AND d.state = 'pending')
    LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


async def forget_incidents(
    connection: Connection, *, older_than: timedelta = KEPT_INCIDENTS, limit: int = BATCH
) -> int:
    """Resolved incidents that nobody waits to hear of, with their timeline and evidence. Their deliveries stay."""
    return await _deleted(connection, FLEET_FORGET_INCIDENTS, older_than, limit)


FLEET_FORGET_OPERATOR_INCIDENTS = """
DELETE FROM operator_incidents
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM operator_incidents WHERE resolved_at < now() - $1::interval AND state = 'resolved'
    LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


async def forget_operator_incidents(
    connection: Connection, *, older_than: timedelta = KEPT_INCIDENTS, limit: int = BATCH
) -> int:
    """Resolved incidents of the fleet."""
    return await _deleted(connection, FLEET_FORGET_OPERATOR_INCIDENTS, older_than, limit)


FLEET_FORGET_TRANSITIONS = """
DELETE FROM transitions
WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM transitions t
    WHERE t.at < now() - $1::interval
      AND EXISTS (SELECT FROM transitions later
                  WHERE later.tenant_id = t.tenant_id AND later.monitor_id = t.monitor_id
                    AND (later.at, later.number) > (t.at, t.number) AND later.at < now() - $1::interval)
    LIMIT $2))
"""


async def forget_transitions(
    connection: Connection, *, older_than: timedelta = KEPT_TRANSITIONS, limit: int = BATCH
) -> int:
    """Old changes of verdict, but for each monitor's last one before the horizon: what holds since then."""
    return await _deleted(connection, FLEET_FORGET_TRANSITIONS, older_than, limit)


FLEET_FORGET_PERIODS = """
DELETE FROM monitor_periods
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM monitor_periods WHERE ends_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


async def forget_periods(
    connection: Connection, *, older_than: timedelta = KEPT_TRANSITIONS, limit: int = BATCH
) -> int:
    """Maintenance and pauses that ended so long ago that no uptime reaches back to them."""
    return await _deleted(connection, FLEET_FORGET_PERIODS, older_than, limit)


FLEET_FORGET_CERTIFICATES = """
DELETE FROM certificates
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM certificates WHERE last_seen < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


async def forget_certificates(
    connection: Connection, *, older_than: timedelta = KEPT_CERTIFICATES, limit: int = BATCH
) -> int:
    """Certificates that no result has shown for so long."""
    return await _deleted(connection, FLEET_FORGET_CERTIFICATES, older_than, limit)


FLEET_FORGET_PINGS = """
DELETE FROM heartbeat_pings
WHERE ctid = ANY (ARRAY(SELECT ctid FROM heartbeat_pings WHERE at < now() - $1::interval LIMIT $2))
"""


async def forget_pings(connection: Connection, *, older_than: timedelta = KEPT_PINGS, limit: int = BATCH) -> int:
    """Pings of heartbeats, with what came in them. How many there were ever stays with the heartbeat."""
    return await _deleted(connection, FLEET_FORGET_PINGS, older_than, limit)


FLEET_FORGET_RUNS = """
DELETE FROM heartbeat_runs
WHERE ctid = ANY (ARRAY(SELECT ctid FROM heartbeat_runs WHERE started_at < now() - $1::interval LIMIT $2))
"""


async def forget_runs(connection: Connection, *, older_than: timedelta = KEPT_PINGS, limit: int = BATCH) -> int:
    """Runs as old as pings that are forgotten."""
    return await _deleted(connection, FLEET_FORGET_RUNS, older_than, limit)


FLEET_FORGET_SILENCES = """
DELETE FROM silences
WHERE ctid = ANY (ARRAY(SELECT ctid FROM silences WHERE ends_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


async def forget_silences(connection: Connection, *, older_than: timedelta = KEPT_INCIDENTS, limit: int = BATCH) -> int:
    """Silences that are over."""
    return await _deleted(connection, FLEET_FORGET_SILENCES, older_than, limit)


# As long as the deadlines of the longest period reach back. The newest spell stays: what comes after it is a closure.
FLEET_FORGET_SPELLS = """
DELETE FROM ping_door_spells
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM ping_door_spells
    WHERE seen_at < now() - $1::interval AND seen_at < (SELECT max(seen_at) FROM ping_door_spells) LIMIT $2))
"""


async def forget_spells(connection: Connection, *, older_than: timedelta = KEPT_TRANSITIONS, limit: int = BATCH) -> int:
    """Times in which pings could come in."""
    return await _deleted(connection, FLEET_FORGET_SPELLS, older_than, limit)


FLEET_FORGET_REFUSALS = """
DELETE FROM ping_door_refusals
WHERE ctid = ANY (ARRAY(SELECT ctid FROM ping_door_refusals WHERE until_at < now() - $1::interval LIMIT $2))
"""


async def forget_refusals(
    connection: Connection, *, older_than: timedelta = KEPT_TRANSITIONS, limit: int = BATCH
) -> int:
    """Times in which pings were turned away."""
    return await _deleted(connection, FLEET_FORGET_REFUSALS, older_than, limit)


FLEET_FORGET_WINDOWS = """
DELETE FROM maintenance_windows
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM maintenance_windows WHERE ended_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


async def forget_windows(connection: Connection, *, older_than: timedelta = KEPT_INCIDENTS, limit: int = BATCH) -> int:
    """Maintenance windows that ended, with the times that they held."""
    return await _deleted(connection, FLEET_FORGET_WINDOWS, older_than, limit)


FLEET_FORGET_OCCURRENCES = """
DELETE FROM maintenance_occurrences
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM maintenance_occurrences WHERE ends_at < now() - $1::interval LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


async def forget_occurrences(
    connection: Connection, *, older_than: timedelta = KEPT_INCIDENTS, limit: int = BATCH
) -> int:
    """Times that windows held which may hold again."""
    return await _deleted(connection, FLEET_FORGET_OCCURRENCES, older_than, limit)


FLEET_FORGET_AUDIT = """
DELETE FROM audit
WHERE ctid = ANY (ARRAY(SELECT ctid FROM audit WHERE at < now() - $1::interval LIMIT $2))
"""


async def forget_audit(connection: Connection, *, older_than: timedelta = KEPT_AUDIT, limit: int = BATCH) -> int:
    """Who changed what."""
    return await _deleted(connection, FLEET_FORGET_AUDIT, older_than, limit)


async def _deleted(connection: Connection, statement: str, older_than: timedelta, limit: int) -> int:
    status: str = await connection.execute(statement, older_than, limit)
    return int(status.removeprefix("DELETE "))
