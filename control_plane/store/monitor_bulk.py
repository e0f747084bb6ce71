"""Writing many monitors of one tenant in a few statements, each of which does to all what one does to one elsewhere.

Lock order as in store/monitors.py: the states of all of them in ascending id, then their rows in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from control_plane.store.assignments_write import AssignmentRow
from control_plane.store.heartbeat_reads import ADD_HEARTBEAT
from control_plane.store.monitors import (
    HOLD_CHANNELS,
    INSERT_MONITOR,
    INSERT_STATE,
    UPDATED,
    BindingRow,
    MonitorRow,
    insert_rows,
    lock_states,
)
from control_plane.store.pauses import BEGIN_PAUSE
from control_plane.store.pool import Connection

TAKE_NUMBERS = "UPDATE tenant_counters SET monitors = monitors + $2 WHERE tenant_id = $1 RETURNING monitors"


async def take_monitor_numbers(conn: Connection, *, tenant_id: UUID, count: int) -> int:
    """The first of the tenant's next `count` monitor numbers. Locks the tenant's counters until commit."""
    last: int = await conn.fetchval(TAKE_NUMBERS, tenant_id, count)
    return last - count + 1


TAKEN_KEYS = "SELECT key FROM monitors WHERE tenant_id = $1 AND key = ANY ($2::text[])"


async def taken_keys(conn: Connection, *, tenant_id: UUID, keys: Sequence[str]) -> set[str]:
    """Those of the keys that a monitor of the tenant has."""
    return {record["key"] for record in await conn.fetch(TAKEN_KEYS, tenant_id, list(keys))}


async def insert_monitors(conn: Connection, rows: Sequence[MonitorRow], *, sole: Sequence[bool]) -> None:
    """Add monitors with their states. `sole`, of each: it is of a kind without regions."""
    fields = MonitorRow.__struct_fields__
    await conn.executemany(INSERT_MONITOR, [tuple(getattr(row, field) for field in fields) for row in rows])
    paused = [(row.tenant_id, row.id) for row in rows if not row.enabled]
    if paused:
        await conn.executemany(BEGIN_PAUSE, paused)
    states = [
        (row.tenant_id, row.id, len(row.regions) if row.enabled else 0, alone)
        for row, alone in zip(rows, sole, strict=True)
    ]
    await conn.executemany(INSERT_STATE, states)


async def insert_bindings(conn: Connection, *, tenant_id: UUID, bindings: Mapping[UUID, Sequence[BindingRow]]) -> None:
    """The channels that new monitors tell, by monitor."""
    rows = [(tenant_id, monitor_id, binding) for monitor_id, found in bindings.items() for binding in found]
    if rows:
        await conn.execute(HOLD_CHANNELS, tenant_id, rows[0][1], sorted({row[2].channel_id for row in rows}))
        await insert_rows(conn, rows)


INSERT_EDGES = """
INSERT INTO monitor_dependencies (tenant_id, monitor_id, depends_on) SELECT $1, * FROM unnest($2::uuid[], $3::uuid[])
"""


async def insert_edges(conn: Connection, *, tenant_id: UUID, edges: Sequence[tuple[UUID, UUID]]) -> None:
    """What new monitors depend on: pairs (monitor, upstream)."""
    if edges:
        await conn.execute(INSERT_EDGES, tenant_id, [below for below, _ in edges], [above for _, above in edges])


UPSERT_ALL = """
INSERT INTO assignments (tenant_id, monitor_id, check_version, region_id, window_ms, phase_ms)
SELECT $1, * FROM unnest($2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::integer[])
ON CONFLICT (region_id, monitor_id) DO UPDATE SET
    check_version = excluded.check_version, window_ms = excluded.window_ms, phase_ms = excluded.phase_ms,
    cadence_s = NULL, removed_at = NULL, changed_xid = pg_current_xact_id(), change = nextval('assignment_changes')
WHERE assignments.tenant_id = $1
"""


async def upsert_all_assignments(conn: Connection, rows: Sequence[tuple[MonitorRow, Sequence[AssignmentRow]]]) -> None:
    """Assign each monitor of a tenant to its regions, or tell their agents of a change."""
    if not rows:
        return
    every = [(row.id, row.check_version, one) for row, assigned in rows for one in assigned]
    await conn.execute(
        UPSERT_ALL,
        rows[0][0].tenant_id,
        [monitor_id for monitor_id, _, _ in every],
        [version for _, version, _ in every],
        [one.region_id for _, _, one in every],
        [one.window_ms for _, _, one in every],
        [one.phase_ms for _, _, one in every],
    )


REMOVE_OTHERS = """
UPDATE assignments
SET removed_at = now(), changed_xid = pg_current_xact_id(), change = nextval('assignment_changes')
WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[]) AND removed_at IS NULL AND region_id <> ALL ($3::integer[])
RETURNING region_id
"""


async def remove_other_assignments(
    conn: Connection, *, tenant_id: UUID, kept: Mapping[UUID, Sequence[int]]
) -> set[int]:
    """Turn all but those of the regions that each monitor keeps into tombstones; returns the regions concerned.

    One statement for all that keep the same: joined to a list, it would be planned by what the table held before.
    """
    alike: dict[tuple[int, ...], list[UUID]] = {}
    for monitor_id, regions in kept.items():
        alike.setdefault(tuple(regions), []).append(monitor_id)
    removed: set[int] = set()
    for regions, monitor_ids in alike.items():
        records = await conn.fetch(REMOVE_OTHERS, tenant_id, monitor_ids, list(regions))
        removed.update(record["region_id"] for record in records)
    return removed


DROP_STALE = """
DELETE FROM dispatches
WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[]) AND claimed_at IS NULL AND check_version IS DISTINCT FROM $3
"""


async def drop_all_stale_dispatches(conn: Connection, *, tenant_id: UUID, versions: Mapping[UUID, int | None]) -> None:
    """Re-checks of another check version are none. None drops all of the monitor's."""
    alike: dict[int | None, list[UUID]] = {}
    for monitor_id, version in versions.items():
        alike.setdefault(version, []).append(monitor_id)
    for version, monitor_ids in alike.items():
        await conn.execute(DROP_STALE, tenant_id, monitor_ids, version)


async def add_heartbeats(conn: Connection, *, tenant_id: UUID, ping_ids: Mapping[UUID, UUID]) -> None:
    """Heartbeats that nobody has pinged: ping ids by monitor."""
    if ping_ids:
        await conn.executemany(ADD_HEARTBEAT, [(tenant_id, *pair) for pair in ping_ids.items()])


LOCK_MONITORS = """
SELECT tenant_id, id, number, key, name, kind, "check", sealed, check_version, first_slot, interval_s, regions,
    confirmations, region_policy, region_policy_count, tags, "group", severity, alert_on, notify_recovery,
    renotify_interval_s, max_repeats, owner, notes, enabled, write_source, created_at, updated_at, revision,
    backoff_when_down, sla_target, sla_period_days, quiet_hours
FROM monitors WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
ORDER BY id
FOR NO KEY UPDATE
"""


async def lock_monitors(
    conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID], along: Sequence[UUID] = ()
) -> dict[UUID, MonitorRow]:
    """Those of the monitors that there are, locked with their states until commit.

    `along`: monitors whose states are locked with them.
    """
    await lock_states(conn, tenant_id=tenant_id, monitor_ids=[*monitor_ids, *along])
    records = await conn.fetch(LOCK_MONITORS, tenant_id, list(monitor_ids))
    return {record["id"]: MonitorRow(**dict(record)) for record in records}


_WRITTEN = [field for field in UPDATED if field not in ("tenant_id", "id")]
UPDATE_ALL = f"""
UPDATE monitors m SET {", ".join(f'"{field}" = r."{field}"' for field in _WRITTEN)},
    updated_at = now(), revision = m.revision + 1
FROM jsonb_populate_recordset(NULL::monitors, $2) AS r
WHERE m.tenant_id = $1 AND m.id = r.id
"""


async def update_monitors(conn: Connection, rows: Sequence[MonitorRow]) -> None:
    """Write the rows, of one tenant, and raise their revisions. The caller holds the locks of `lock_monitors`."""
    await conn.execute(UPDATE_ALL, rows[0].tenant_id, [_document(row) for row in rows])


def _document(row: MonitorRow) -> dict[str, object]:
    """The row for jsonb_populate_recordset; bytes in the hexadecimal form of PostgreSQL."""
    document = {field: getattr(row, field) for field in _WRITTEN}
    return {**document, "id": str(row.id), "sealed": None if row.sealed is None else f"\\x{row.sealed.hex()}"}


BEGIN_PAUSES = """
INSERT INTO monitor_periods (tenant_id, monitor_id, kind, starts_at)
SELECT $1, id, 'paused', clock_timestamp() FROM unnest($2::uuid[]) AS id
"""
END_PAUSES = """
UPDATE monitor_periods SET ends_at = greatest(starts_at, clock_timestamp())
WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[]) AND kind = 'paused' AND ends_at IS NULL
"""


async def begin_pauses(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> None:
    """They are paused from now on."""
    await conn.execute(BEGIN_PAUSES, tenant_id, list(monitor_ids))


async def end_pauses(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> None:
    """They run again from now on."""
    await conn.execute(END_PAUSES, tenant_id, list(monitor_ids))


BINDINGS_OF_ALL = """
SELECT monitor_id, channel_id, events, 0 AS step, NULL::integer AS after_s FROM monitor_channels
WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[])
UNION ALL
SELECT monitor_id, channel_id, NULL, step, after_s FROM monitor_escalations
WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[])
ORDER BY monitor_id, step, channel_id
"""


async def read_all_bindings(
    conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]
) -> dict[UUID, list[BindingRow]]:
    """The channels that each monitor tells, in order of id."""
    found: dict[UUID, list[BindingRow]] = {}
    for record in await conn.fetch(BINDINGS_OF_ALL, tenant_id, list(monitor_ids)):
        found.setdefault(record["monitor_id"], []).append(BindingRow(*record[1:]))
    return found


UPSTREAMS_OF_ALL = """
SELECT monitor_id, depends_on FROM monitor_dependencies
WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[]) ORDER BY monitor_id, depends_on
"""


async def read_all_upstreams(
    conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]
) -> dict[UUID, list[UUID]]:
    """What each monitor depends on directly, in ascending id."""
    found: dict[UUID, list[UUID]] = {}
    for record in await conn.fetch(UPSTREAMS_OF_ALL, tenant_id, list(monitor_ids)):
        found.setdefault(record["monitor_id"], []).append(record["depends_on"])
    return found


WITH_OPEN_INCIDENTS = """
SELECT monitor_id FROM incidents
WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[]) AND origin = 'monitor' AND state <> 'resolved'
ORDER BY monitor_id
"""


async def with_open_incidents(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> list[UUID]:
    """Those of the monitors that have an open automatic incident, in ascending id."""
    return [row["monitor_id"] for row in await conn.fetch(WITH_OPEN_INCIDENTS, tenant_id, list(monitor_ids))]


DOWN_AMONG = """
SELECT monitor_id FROM monitor_states WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[]) AND verdict = 'down'
"""


async def down_among(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> list[UUID]:
    """Those of the monitors whose verdict is down at this moment, without a lock."""
    return [row["monitor_id"] for row in await conn.fetch(DOWN_AMONG, tenant_id, list(monitor_ids))]


HOLD_CHANNELS_OF_ALL = """
SELECT FROM channels
WHERE tenant_id = $1 AND id IN (
    SELECT channel_id FROM monitor_channels WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[])
    UNION ALL
    SELECT channel_id FROM monitor_escalations WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[]))
ORDER BY id
FOR KEY SHARE
"""
DELETE_ALL = "DELETE FROM monitors WHERE tenant_id = $1 AND id = ANY ($2::uuid[])"


async def delete_monitors(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> None:
    """Delete the monitors with their states, transitions and bindings; their incidents stay, without them."""
    await conn.execute(HOLD_CHANNELS_OF_ALL, tenant_id, list(monitor_ids))
    await conn.execute(DELETE_ALL, tenant_id, list(monitor_ids))
