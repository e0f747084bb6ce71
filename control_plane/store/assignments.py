"""What a region has to run, as read by its agents (domain/fleet/handout.py says how a cursor works).

An assignment is live while it is not removed, its monitor is enabled and blocked by no rule (store/safety.py), its
tenant is not suspended and may use the region. Whatever changes one of these, or anything that an agent is told of a
monitor, sets changed_xid and change of the assignments concerned in the same transaction (`touch_tenant` does it for a
tenant).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import AgentId, MonitorId, TenantId
from shared.protocol import RegionGrant


class Poll(Struct, frozen=True):
    """What a poll found. `paused` says why nothing may be run; `behind` that something changed since the cursor."""

    agents: tuple[UUID, ...]
    paused: str | None
    snapshot: str
    behind: bool
    digest_behind: bool
    region: RegionGrant
    capabilities: tuple[str, ...] = ()
    """What the agent that asks has said of itself."""


class Revision(Struct, frozen=True):
    """One assignment's part of the digest."""

    monitor_id: MonitorId
    revision: int
    live: bool


class AssignmentRow(Struct, frozen=True):
    """One assignment with what the agent needs of its monitor. Fields from `check` on are null unless live."""

    monitor_id: MonitorId
    tenant_id: TenantId
    changed_xid: int
    revision: int
    phase_ms: int
    live: bool
    check: Any
    sealed: bytes | None
    check_version: int
    interval_s: int
    first_slot: int


# Rows whose last change the snapshot $N did not see, and this statement does. A row dumped from another cluster may
# carry a transaction of the future: it counts as old until this cluster gets there.
def _changed_since(parameter: str) -> str:
    return f"""a.changed_xid >= pg_snapshot_xmin({parameter}::text::pg_snapshot)
       AND a.changed_xid < pg_snapshot_xmax(pg_current_snapshot())
       AND NOT pg_visible_in_snapshot(a.changed_xid, {parameter}::text::pg_snapshot)"""


_LIVE = """coalesce(a.removed_at IS NULL AND m.enabled AND m.blocked_by IS NULL AND t.suspended_at IS NULL
                  AND (r.tenant_id IS NULL OR r.tenant_id = a.tenant_id), false)"""
_SOURCE = """assignments a
  JOIN regions r ON r.id = a.region_id
  LEFT JOIN monitors m ON m.tenant_id = a.tenant_id AND m.id = a.monitor_id
  LEFT JOIN tenants t ON t.id = a.tenant_id"""
_COLUMNS = f"""a.monitor_id, a.tenant_id, a.changed_xid::text::bigint AS changed_xid, a.change, a.phase_ms,
       {_LIVE} AS live, m."check", m.sealed, m.check_version,
       coalesce(a.cadence_s, m.interval_s) AS interval_s, m.first_slot"""


# The lease is not worth an fsync: one that a crash forgot is renewed by the next poll.
FLEET_POLL = f"""
WITH renewed AS (
    UPDATE agents SET last_seen_at = now(), lease_until = now() + $3::integer * interval '1 second' WHERE id = $1
)
SELECT set_config('synchronous_commit', 'off', true),
       pg_current_snapshot()::text AS snapshot,
       (SELECT p.capabilities FROM agents p WHERE p.id = $1) AS capabilities,
       r.slug, r.name, r.tenant_id IS NOT NULL AS private, r.allow_cidrs::text[] AS allow_cidrs,
       CASE WHEN NOT r.enabled THEN 'The region is disabled.' END AS disabled,
       (SELECT value FROM installation WHERE name = 'kill_switch') AS kill_switch,
       ARRAY(SELECT p.id FROM agents p
              WHERE p.region_id = $2 AND p.enabled AND p.healthy AND (p.lease_until > now() OR p.id = $1)
              ORDER BY p.id) AS agents,
       EXISTS (SELECT FROM assignments a WHERE a.region_id = $2 AND {_changed_since("$4")}) AS behind,
       EXISTS (SELECT FROM assignments a WHERE a.region_id = $2 AND {_changed_since("$5")}) AS digest_behind
  FROM regions r WHERE r.id = $2
"""


async def poll(
    conn: Connection,
    *,
    agent_id: AgentId,
    region_id: int,
    lease_s: int,
    since: str | None,
    digest_since: str | None,
) -> Poll | None:
    """Renew the agent's lease, and see whether anything changed since two snapshots. None: the region is gone."""
    row = await conn.fetchrow(FLEET_POLL, agent_id, region_id, lease_s, since, digest_since)
    if row is None:
        return None
    return Poll(
        agents=tuple(row["agents"]),
        paused=row["disabled"] or _kill_switch_reason(row["kill_switch"]),
        snapshot=row["snapshot"],
        behind=row["behind"],
        digest_behind=row["digest_behind"],
        region=RegionGrant(row["slug"], row["name"], row["private"], tuple(row["allow_cidrs"])),
        capabilities=tuple(row["capabilities"] or ()),
    )


def _kill_switch_reason(value: Any) -> str | None:
    match value:
        case None | False:
            return None
        case {"reason": str(reason)} if reason:
            return reason
        case _:
            return "The operator's kill switch is on."


@asynccontextmanager
async def one_snapshot(conn: Connection) -> AsyncIterator[str]:
    """A transaction whose statements all see the same snapshot; gives its text (xmin:xmax:in progress)."""
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        yield await current_snapshot(conn)


CURRENT_SNAPSHOT = "SELECT pg_current_snapshot()::text"


async def current_snapshot(conn: Connection) -> str:
    snapshot: str = await conn.fetchval(CURRENT_SNAPSHOT)
    return snapshot


ALL_REVISIONS = f"SELECT a.monitor_id, a.change, {_LIVE} AS live FROM {_SOURCE} WHERE a.region_id = $1"
REVISIONS_SINCE = f"{ALL_REVISIONS} AND {_changed_since('$2')}"


async def revisions(conn: Connection, *, region_id: int, since: str | None) -> AsyncIterator[Revision]:
    """What changed in the region since a snapshot, or all of it. Inside a transaction only: a cursor is read."""
    statement, arguments = (ALL_REVISIONS, (region_id,)) if since is None else (REVISIONS_SINCE, (region_id, since))
    async for row in conn.cursor(statement, *arguments, prefetch=2_000):
        yield Revision(row["monitor_id"], row["change"], row["live"])


CHANGES = f"""
SELECT {_COLUMNS} FROM {_SOURCE}
 WHERE a.region_id = $1 AND {_changed_since("$2")}
   AND (a.changed_xid, a.change) > ($3::bigint::text::xid8, $4::bigint)
 ORDER BY a.changed_xid, a.change LIMIT $5
"""


async def changes(
    conn: Connection, *, region_id: int, since: str, after: tuple[int, int], limit: int
) -> list[AssignmentRow]:
    """Assignments, live or not, changed since a snapshot, in order of (xid, change), beyond `after`."""
    return [_row(each) for each in await conn.fetch(CHANGES, region_id, since, *after, limit)]


WALK = f"""
SELECT {_COLUMNS} FROM {_SOURCE}
 WHERE a.region_id = $1 AND a.monitor_id > $2 AND {_LIVE}
 ORDER BY a.monitor_id LIMIT $3
"""


async def walk(conn: Connection, *, region_id: int, after: UUID, limit: int) -> list[AssignmentRow]:
    """Live assignments in order of monitor, beyond `after`."""
    return [_row(each) for each in await conn.fetch(WALK, region_id, after, limit)]


def _row(row: Any) -> AssignmentRow:
    return AssignmentRow(*row)


OWNERS = """
SELECT monitor_id, tenant_id FROM assignments
 WHERE region_id = $1 AND monitor_id = ANY($2::uuid[]) AND tenant_id = ANY($3::uuid[])
"""


async def owners(
    conn: Connection, *, region_id: int, monitor_ids: Collection[UUID], tenant_ids: Collection[UUID]
) -> dict[UUID, UUID]:
    """The tenants of those monitors of the region that belong to one of these tenants."""
    rows = await conn.fetch(OWNERS, region_id, list(monitor_ids), list(tenant_ids))
    return {row["monitor_id"]: row["tenant_id"] for row in rows}


TOUCH_TENANT = """
UPDATE assignments SET changed_xid = pg_current_xact_id(), change = nextval('assignment_changes')
 WHERE tenant_id = $1 AND monitor_id IN (SELECT id FROM monitors WHERE tenant_id = $1)
 RETURNING region_id
"""
TELL_REGIONS = "SELECT pg_notify('farwatch_assignments', region::text) FROM unnest($1::integer[]) AS region"


async def touch_tenant(conn: Connection, *, tenant_id: TenantId) -> None:
    """Have every agent look at this tenant's monitors again: it was suspended, or is no longer."""
    rows = await conn.fetch(TOUCH_TENANT, tenant_id)
    await conn.execute(TELL_REGIONS, sorted({row["region_id"] for row in rows}))
