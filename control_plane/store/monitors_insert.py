"""Adding many monitors of one tenant at once: a round trip for each table, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from control_plane.store.heartbeat_reads import ADD_HEARTBEAT
from control_plane.store.monitors import INSERT_BINDING, INSERT_MONITOR, INSERT_STATE, MonitorRow
from control_plane.store.pauses import BEGIN_PAUSE
from control_plane.store.pool import Connection

TAKE_MONITOR_NUMBERS = """
UPDATE tenant_counters SET monitors = monitors + $2 WHERE tenant_id = $1 RETURNING monitors - $2 + 1
"""


async def take_numbers_of_monitors(conn: Connection, *, tenant_id: UUID, count: int) -> int:
    """The first of so many numbers. Locks the tenant's counters until commit."""
    first: int = await conn.fetchval(TAKE_MONITOR_NUMBERS, tenant_id, count)
    return first


class StateRow(NamedTuple):
    """A new monitor's state: unknown until proven."""

    tenant_id: UUID
    monitor_id: UUID
    assigned: int
    sole: bool


class NewBinding(NamedTuple):
    """A channel that a new monitor tells."""

    tenant_id: UUID
    monitor_id: UUID
    channel_id: UUID
    events: list[str] | None


class NewAssignment(NamedTuple):
    """One region's share of a new monitor."""

    tenant_id: UUID
    monitor_id: UUID
    region_id: int
    window_ms: int
    phase_ms: int


async def insert_monitors(
    conn: Connection, rows: Sequence[MonitorRow], states: Sequence[StateRow], bindings: Sequence[NewBinding]
) -> None:
    """Add them with their states and bindings. Raises Conflict KEY_TAKEN, BadRequest for a channel that is gone."""
    fields = MonitorRow.__struct_fields__
    await conn.executemany(INSERT_MONITOR, ([getattr(row, field) for field in fields] for row in rows))
    await conn.executemany(INSERT_STATE, states)
    await conn.executemany(INSERT_BINDING, bindings)


HOLD_BOUND_CHANNELS = "SELECT FROM channels WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR KEY SHARE"


async def hold_channels(conn: Connection, *, tenant_id: UUID, channel_ids: Sequence[UUID]) -> None:
    """Nobody deletes these channels until commit."""
    await conn.execute(HOLD_BOUND_CHANNELS, tenant_id, list(channel_ids))


INSERT_EDGES = """
INSERT INTO monitor_dependencies (tenant_id, monitor_id, depends_on)
SELECT $1, * FROM unnest($2::uuid[], $3::uuid[])
"""


async def insert_upstreams(conn: Connection, *, tenant_id: UUID, edges: Sequence[tuple[UUID, UUID]]) -> None:
    """What new monitors depend on: pairs of the monitor and its upstream. Raises BadRequest for one that is gone."""
    await conn.execute(INSERT_EDGES, tenant_id, [edge[0] for edge in edges], [edge[1] for edge in edges])


# In ascending order of region and monitor, as everybody who writes assignments.
INSERT_ASSIGNMENTS = """
INSERT INTO assignments (tenant_id, monitor_id, check_version, region_id, window_ms, phase_ms)
SELECT tenant_id, monitor_id, 1, region_id, window_ms, phase_ms
FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[], $5::integer[])
    AS new (tenant_id, monitor_id, region_id, window_ms, phase_ms)
ORDER BY region_id, monitor_id
"""


async def insert_assignments(conn: Connection, rows: Sequence[NewAssignment]) -> None:
    """Assign new monitors of check version 1 to their regions. Raises Refused INVALID_REGIONS for one that is gone."""
    await conn.execute(INSERT_ASSIGNMENTS, *([list(column) for column in zip(*rows, strict=True)] or [[]] * 5))


async def begin_pauses(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> None:
    """New monitors that are paused from the start."""
    await conn.executemany(BEGIN_PAUSE, [(tenant_id, one) for one in monitor_ids])


async def add_heartbeats(conn: Connection, *, tenant_id: UUID, pings: Sequence[tuple[UUID, UUID]]) -> None:
    """Heartbeats of new monitors: pairs of the monitor and its ping id."""
    await conn.executemany(ADD_HEARTBEAT, [(tenant_id, monitor, ping) for monitor, ping in pings])
