"""Work for a region's agents outside their schedule, as they take it: re-checks, check-now, tests.

A row is claimed once, by one agent. Whoever makes work due hints at it on farwatch_dispatch, with the region's id.
store/dispatch_requests.py and store/decisions.py order the work.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import AgentId, DispatchId, MonitorId, TenantId

MAX_CLAIM = 32


class ClaimedDispatch(Struct, frozen=True):
    id: DispatchId
    kind: str
    slot: int
    expires_at: datetime
    tenant_id: TenantId
    monitor_id: MonitorId | None
    check_version: int | None
    check: Any
    sealed: bytes | None
    capabilities: list[str]
    """What the agent that claimed it has said of itself."""


# Only a live, healthy agent of an enabled region is given work, and only what its monitor's present check version
# asked for. A re-check waits for the one before it in its region: for an earlier one to be claimed, and for a claimed
# one to be finished, at most its timeout and a second (the agent that had it may be gone). One that a newer slot has
# overtaken would come too late to vote, and is passed over. "+ 0" keeps the planner from looking for the earlier one
# among all that waits in the region.
CLAIM = """
WITH due AS (
    SELECT d.id
      FROM dispatches d
      JOIN regions r ON r.id = d.region_id AND r.enabled AND (r.tenant_id IS NULL OR r.tenant_id = d.tenant_id)
      JOIN tenants t ON t.id = d.tenant_id AND t.suspended_at IS NULL
      LEFT JOIN monitors m ON m.tenant_id = d.tenant_id AND m.id = d.monitor_id
      LEFT JOIN votes v
          ON v.monitor_id = d.monitor_id AND v.region_id = d.region_id AND v.check_version = d.check_version
     WHERE d.region_id = $1 AND d.claimed_at IS NULL
       AND d.slot <= floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint
       AND d.expires_at > statement_timestamp()
       AND EXISTS (SELECT FROM agents p
                    WHERE p.id = $2 AND p.region_id = $1 AND p.enabled AND p.healthy
                      AND p.lease_until > statement_timestamp())
       AND NOT EXISTS (SELECT FROM installation WHERE name = 'kill_switch' AND value NOT IN ('null', 'false'))
       AND (d.monitor_id IS NULL OR m.enabled AND m.blocked_by IS NULL AND m.check_version = d.check_version
            AND EXISTS (SELECT FROM assignments a
                         WHERE a.region_id = d.region_id AND a.monitor_id = d.monitor_id AND a.removed_at IS NULL))
       AND (d.kind <> 'recheck' OR d.slot > coalesce(v.newest_slot, 0))
       AND (d.kind <> 'recheck' OR NOT EXISTS (
            SELECT FROM dispatches e
             WHERE e.region_id + 0 = d.region_id AND e.monitor_id = d.monitor_id AND e.claimed_at IS NULL
               AND e.kind = 'recheck' AND e.check_version = d.check_version
               AND e.expires_at > statement_timestamp() AND (e.slot, e.id) < (d.slot, d.id)
               AND e.slot > coalesce(v.newest_slot, 0)))
       AND (d.kind <> 'recheck' OR NOT EXISTS (
            SELECT FROM dispatches e
             WHERE e.region_id = d.region_id AND e.monitor_id = d.monitor_id
               AND e.claimed_at IS NOT NULL AND e.finished_at IS NULL
               AND e.claimed_at > statement_timestamp() - interval '1 second'
                                  - coalesce((m."check" ->> 'timeout')::integer, 10000) * interval '1 millisecond'))
     ORDER BY d.slot, d.id
     LIMIT $3
       FOR UPDATE OF d SKIP LOCKED
)
UPDATE dispatches d SET claimed_at = clock_timestamp(), claimed_by = $2
  FROM due WHERE d.id = due.id
RETURNING d.id, d.kind, d.slot, d.expires_at, d.tenant_id, d.monitor_id, d.check_version, d."check", d.sealed,
       (SELECT capabilities FROM agents WHERE id = $2) AS capabilities
"""


async def claim(
    conn: Connection, *, region_id: int, agent_id: AgentId, limit: int = MAX_CLAIM
) -> list[ClaimedDispatch]:
    """Take what is due in the region for this agent, oldest first."""
    rows = await conn.fetch(CLAIM, region_id, agent_id, limit)
    return sorted((ClaimedDispatch(*row) for row in rows), key=lambda each: (each.slot, each.id))


FLEET_NEXT_DUE = """
SELECT (slot - extract(epoch FROM clock_timestamp()) * 1000)::float8
  FROM dispatches
 WHERE region_id = $1 AND claimed_at IS NULL AND slot > floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint
   AND expires_at > statement_timestamp()
 ORDER BY slot LIMIT 1
"""


async def next_due_ms(conn: Connection, *, region_id: int) -> float | None:
    """Milliseconds until work that is not yet due in the region will be; None: there is none."""
    due: float | None = await conn.fetchval(FLEET_NEXT_DUE, region_id)
    return due


NOTIFY_REGION = "SELECT pg_notify('farwatch_dispatch', $1::integer::text)"
FLEET_UNCLAIM = """
UPDATE dispatches SET claimed_at = NULL, claimed_by = NULL
 WHERE id = ANY($1::uuid[]) AND region_id = $2 AND claimed_by = $3 AND finished_at IS NULL
"""


async def unclaim(conn: Connection, ids: Sequence[UUID], *, region_id: int, agent_id: AgentId) -> None:
    """Give back what could not be handed over."""
    await conn.execute(FLEET_UNCLAIM, list(ids), region_id, agent_id)
    await conn.execute(NOTIFY_REGION, region_id)


FLEET_FINISH = """
WITH finished AS (
    UPDATE dispatches SET finished_at = clock_timestamp()
     WHERE id = ANY($1::uuid[]) AND region_id = $2 AND claimed_at IS NOT NULL AND finished_at IS NULL
    RETURNING id, kind, monitor_id, for_dependent
), hint AS MATERIALIZED (
    SELECT pg_notify('farwatch_dispatch', $2::int::text)
     WHERE EXISTS (SELECT FROM finished f JOIN dispatches d ON d.monitor_id = f.monitor_id
                    WHERE d.region_id = $2 AND d.claimed_at IS NULL)
)
SELECT id FROM finished LEFT JOIN hint ON true WHERE kind = 'recheck' AND NOT for_dependent
"""


async def finish(conn: Connection, ids: Sequence[UUID], *, region_id: int) -> set[UUID]:
    """Results of these dispatches of the region have come: the next of the same monitor there may go.

    Returns which of them were re-checks that the monitor's own slots had asked for. Ids that are not the region's, or
    that nobody had claimed, change nothing.
    """
    rows = await conn.fetch(FLEET_FINISH, list(ids), region_id)
    return {row["id"] for row in rows}


# A test's row carries the whole outcome; farwatch_tests wakes whoever asked for it.
FLEET_STORE_TEST = """
WITH finished AS (
    UPDATE dispatches SET result = $3, finished_at = clock_timestamp()
     WHERE id = $1 AND region_id = $2 AND kind = 'test' AND claimed_at IS NOT NULL AND finished_at IS NULL
    RETURNING id
)
SELECT pg_notify('farwatch_tests', id::text) FROM finished
"""


async def store_test(conn: Connection, *, dispatch_id: UUID, region_id: int, result: str) -> bool:
    """Keep what a test saw (JSON). False: no such test is running in this region; nothing is kept."""
    return await conn.fetchrow(FLEET_STORE_TEST, dispatch_id, region_id, result) is not None
