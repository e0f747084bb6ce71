"""Writing decisions down: states, transitions, incidents and their timeline, events, re-checks.

Lane statements name tenant_id as a column of what they write; the state rows they belong to are locked by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection

Row = tuple[object, ...]


class Numbers(Struct, frozen=True):
    """The last numbers taken: the caller owns the ones up to and including these."""

    events: int
    incidents: int
    deliveries: int


TAKE_NUMBERS = """
UPDATE tenant_counters
SET events = events + $2, incidents = incidents + $3, deliveries = deliveries + $4
WHERE tenant_id = $1
RETURNING events, incidents, deliveries
"""


async def take_numbers(conn: Connection, *, tenant_id: UUID, events: int, incidents: int, deliveries: int) -> Numbers:
    """Reserve numbers. Holds the tenant's counter row until commit, so numbers grow in commit order."""
    row = await conn.fetchrow(TAKE_NUMBERS, tenant_id, events, incidents, deliveries)
    return Numbers(row["events"], row["incidents"], row["deliveries"])


SAVE_STATE = """
UPDATE monitor_states
SET verdict = $3, reason = $4, since = $5, judged_at = $6, hushed = $7,
    assigned = $8, fresh_up = $9, fresh_down = $10, fresh_degraded = $11, last_down = $12,
    well_since = $13, due_at = $14, held_since = $15, held_by = $16, hold_ended_at = $17, waits_until = $18,
    backed_off_at = $19
WHERE tenant_id = $1 AND monitor_id = $2
"""


async def save_states(conn: Connection, rows: Sequence[Row]) -> None:
    """Tuples in the order of the statement's parameters."""
    await conn.executemany(SAVE_STATE, rows)


APPEND_TRANSITION = """
INSERT INTO transitions (tenant_id, monitor_id, at, number, previous, verdict, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


async def append_transitions(conn: Connection, rows: Sequence[Row]) -> None:
    """Tuples (tenant, monitor, at, event number, previous, verdict, reason)."""
    await conn.executemany(APPEND_TRANSITION, rows)


OPEN_INCIDENT = """
INSERT INTO incidents (tenant_id, id, number, monitor_id, type, severity, cause, started_at, opened_at,
                       regions_down, regions_up, evidence, held_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""


async def open_incidents(conn: Connection, rows: Sequence[Row]) -> None:
    """Tuples in the order of the statement's columns."""
    await conn.executemany(OPEN_INCIDENT, rows)


WORSEN_INCIDENT = """
UPDATE incidents
SET type = 'down', severity = $3, cause = $4, regions_down = $5, regions_up = $6, evidence = $7,
    held_open = false, updated_at = $8, revision = revision + 1
WHERE tenant_id = $1 AND id = $2
"""

JOIN_REGIONS = """
UPDATE incidents
SET regions_down = ARRAY(SELECT DISTINCT unnest(regions_down || $3::text[]) ORDER BY 1),
    regions_up = ARRAY(SELECT unnest(regions_up) EXCEPT SELECT unnest($3::text[]) ORDER BY 1),
    held_open = false, updated_at = $4, revision = revision + 1
WHERE tenant_id = $1 AND id = $2
"""

RESOLVE_INCIDENT = """
UPDATE incidents
SET state = 'resolved', phase = 'resolved', resolution = $3, resolved_at = $4, updated_at = $4, revision = revision + 1
WHERE tenant_id = $1 AND id = $2 AND state <> 'resolved'
"""


async def worsen_incidents(conn: Connection, rows: Sequence[Row]) -> None:
    """A degraded incident becomes down in place."""
    await conn.executemany(WORSEN_INCIDENT, rows)


async def join_regions(conn: Connection, rows: Sequence[Row]) -> None:
    """Further regions voted down, or an outage was proven again after a person reopened it: it is a level again.

    Tuples (tenant, incident, regions, at).
    """
    await conn.executemany(JOIN_REGIONS, rows)


async def resolve_incidents(conn: Connection, rows: Sequence[Row]) -> None:
    """Tuples (tenant, incident, resolution, at)."""
    await conn.executemany(RESOLVE_INCIDENT, rows)


APPEND_INCIDENT_EVENT = """
INSERT INTO incident_events (tenant_id, incident_id, id, kind, at, actor, text, data)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def append_incident_events(conn: Connection, rows: Sequence[Row]) -> None:
    """The incident's timeline: tuples in the order of the statement's columns; actor null is Farwatch itself."""
    await conn.executemany(APPEND_INCIDENT_EVENT, rows)


APPEND_EVENT = """
INSERT INTO events (tenant_id, number, at, event, monitor_id, data) VALUES ($1, $2, $3, $4, $5, $6)
"""

TELL_JUDGES = "SELECT pg_notify('farwatch_judge', '')"


async def tell_judges(conn: Connection) -> None:
    """Hint that verdicts changed: composites and dependents of these monitors may now be judged otherwise."""
    await conn.execute(TELL_JUDGES)


TELL_OF_EVENTS = "SELECT pg_notify('farwatch_events', tenant::text) FROM unnest($1::uuid[]) AS tenant"


async def append_events(conn: Connection, rows: Sequence[Row]) -> None:
    """Tuples (tenant, number, at, event, monitor, one-line JSON); hints to listeners leave with the commit."""
    await conn.executemany(APPEND_EVENT, rows)
    await conn.execute(TELL_OF_EVENTS, list({row[0] for row in rows}))


WRITE_RECHECK = """
INSERT INTO dispatches (id, region_id, tenant_id, monitor_id, check_version, kind, slot, expires_at, domain,
                        for_dependent)
VALUES ($1, $2, $3, $4, $5, 'recheck', $6, to_timestamp($7 / 1000.0), $8, $9)
"""

LANE_DROP_RECHECKS = """
DELETE FROM dispatches WHERE monitor_id = ANY($1::uuid[]) AND kind = 'recheck' AND claimed_at IS NULL
"""

TELL_OF_DISPATCHES = "SELECT pg_notify('farwatch_dispatch', region::text) FROM unnest($1::int[]) AS region"


async def write_rechecks(conn: Connection, rows: Sequence[Row]) -> None:
    """Tuples (id, region, tenant, monitor, check version, due Unix ms, expiry Unix ms, domain or None, whether a
    dependent asks).
    """
    await conn.executemany(WRITE_RECHECK, rows)
    await conn.execute(TELL_OF_DISPATCHES, list({row[1] for row in rows}))


async def drop_rechecks(conn: Connection, monitor_ids: Sequence[UUID]) -> None:
    """Forget re-checks that nobody has claimed: the regions are of one mind."""
    await conn.execute(LANE_DROP_RECHECKS, monitor_ids)


SET_CADENCE = """
UPDATE assignments
SET cadence_s = $3, window_ms = greatest(window_ms, $4),
    changed_xid = pg_current_xact_id(), change = nextval('assignment_changes')
WHERE tenant_id = $1 AND monitor_id = $2 AND removed_at IS NULL
RETURNING region_id
"""


async def set_cadence(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, cadence_s: int | None, window_ms: int
) -> list[int]:
    """Have the monitor checked at another cadence than its interval, or at its interval again (None).

    Votes live by the longer of both cadences until `set_window`: slots of the longer one lie further apart. Returns the
    regions.
    """
    rows = await conn.fetch(SET_CADENCE, tenant_id, monitor_id, cadence_s, window_ms)
    return [row["region_id"] for row in rows]


# This and READ_VOTES_ANEW are all of a vote that others than its lane write, and only where no lane is at it: a lane
# holds votes before it asks for state rows, so waiting for it here could be a circle. The lane's short way reads the
# vote's own window.
SET_WINDOW = """
WITH own AS (
    SELECT region_id FROM votes WHERE tenant_id = $1 AND monitor_id = $2
), free AS MATERIALIZED (
    SELECT region_id FROM votes WHERE tenant_id = $1 AND monitor_id = $2 FOR UPDATE SKIP LOCKED
), votes_set AS (
    UPDATE votes v SET window_ms = $3 FROM free
    WHERE v.tenant_id = $1 AND v.monitor_id = $2 AND v.region_id = free.region_id
      AND (SELECT count(*) FROM free) = (SELECT count(*) FROM own)
)
UPDATE assignments SET window_ms = $3
WHERE tenant_id = $1 AND monitor_id = $2 AND removed_at IS NULL
  AND (SELECT count(*) FROM free) = (SELECT count(*) FROM own)
"""


async def set_window(conn: Connection, *, tenant_id: UUID, monitor_id: UUID, window_ms: int) -> None:
    """Have the monitor's votes live this long; nothing while a lane writes one of them: try again soon."""
    await conn.execute(SET_WINDOW, tenant_id, monitor_id, window_ms)


# An up vote whose newest slot was good is as degraded as that run of slots is long. The lane's short way takes a slow
# slot for steady by `steady` alone, 1 being degraded. One that a lane is at is left: as long as its row says otherwise
# than the judgement, the sweep finds the monitor and comes here again.
READ_VOTES_ANEW = """
UPDATE votes v
SET degraded = v.degraded_run >= $3, steady = CASE WHEN v.degraded_run >= $3 THEN 1 WHEN v.degraded_run = 0 THEN 0 END
FROM (SELECT region_id FROM votes
      WHERE tenant_id = $1 AND monitor_id = $2 AND vote = 'up' AND bad_run = 0 AND degraded <> (degraded_run >= $3)
      FOR UPDATE SKIP LOCKED) AS misread
WHERE v.tenant_id = $1 AND v.monitor_id = $2 AND v.region_id = misread.region_id
"""


async def read_votes_anew(conn: Connection, *, tenant_id: UUID, monitor_id: UUID, confirmations: int) -> None:
    """Call its up votes degraded, or not, by the confirmations that are asked for now; see `votes.asked`."""
    await conn.execute(READ_VOTES_ANEW, tenant_id, monitor_id, confirmations)


LANE_RECHECK_LOAD = """
SELECT region_id, count(*) AS waiting FROM dispatches
WHERE region_id = ANY($1::int[]) AND claimed_at IS NULL AND kind = 'recheck' AND expires_at > clock_timestamp()
GROUP BY region_id
"""


async def recheck_load(conn: Connection, region_ids: Sequence[int]) -> dict[int, int]:
    """How many re-checks wait in each region: the budget of fast confirmation."""
    rows = await conn.fetch(LANE_RECHECK_LOAD, region_ids)
    return {row["region_id"]: row["waiting"] for row in rows}
