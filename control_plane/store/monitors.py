"""Writing monitors: their configuration, bindings to channels, and the lock that orders changes.

Lock order: the monitor's state row first (as whoever judges does), then its monitors row. Judges insert rows that
reference monitors, so the other order would let the two wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class MonitorRow(Struct, frozen=True, kw_only=True):
    """One row of monitors, as stored. `interval_s` and `renotify_interval_s` in seconds, `first_slot` in Unix ms."""

    tenant_id: UUID
    id: UUID
    number: int
    key: str | None
    name: str
    kind: str
    check: dict[str, Any]
    sealed: bytes | None
    check_version: int
    first_slot: int
    interval_s: int
    regions: list[int]
    confirmations: int
    region_policy: str
    region_policy_count: int | None
    tags: list[str]
    group: str | None
    severity: str
    alert_on: str
    notify_recovery: bool
    renotify_interval_s: int
    max_repeats: int
    owner: str | None
    notes: str | None
    enabled: bool
    write_source: str
    created_at: datetime
    updated_at: datetime
    revision: int
    backoff_when_down: bool = False
    sla_target: float | None = None
    sla_period_days: int | None = None
    quiet_hours: dict[str, Any] | None = None


class BindingRow(Struct, frozen=True):
    """A channel that a monitor tells; `events` None is the notices of incidents.

    `step` from 1 on: that of an escalation, told `after_s` seconds after an incident opened.
    """

    channel_id: UUID
    events: list[str] | None
    step: int = 0
    after_s: int | None = None


TAKE_NUMBER = "UPDATE tenant_counters SET monitors = monitors + 1 WHERE tenant_id = $1 RETURNING monitors"


async def take_number(conn: Connection, *, tenant_id: UUID) -> int:
    """The tenant's next monitor number. Locks the tenant's counters until commit."""
    number: int = await conn.fetchval(TAKE_NUMBER, tenant_id)
    return number


COUNT_MONITORS_OF = "SELECT count(*) FROM monitors WHERE tenant_id = $1"


async def count_monitors(conn: Connection, *, tenant_id: UUID) -> int:
    """How many monitors the tenant has."""
    total: int = await conn.fetchval(COUNT_MONITORS_OF, tenant_id)
    return total


NOW_MS = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"


async def now_ms(conn: Connection) -> int:
    """The database's clock in Unix ms: every process agrees on it."""
    now: int = await conn.fetchval(NOW_MS)
    return now


INSERT_MONITOR = """
INSERT INTO monitors (tenant_id, id, number, key, name, kind, "check", sealed, check_version, first_slot, interval_s,
    regions, confirmations, region_policy, region_policy_count, tags, "group", severity, alert_on, notify_recovery,
    renotify_interval_s, max_repeats, owner, notes, enabled, write_source, created_at, updated_at, revision,
    backoff_when_down, sla_target, sla_period_days, quiet_hours)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24,
    $25, $26, $27, $28, $29, $30, $31, $32, $33)
"""


async def insert_monitor(conn: Connection, row: MonitorRow) -> None:
    """Add the monitor. Its state row is `insert_state`'s."""
    await conn.execute(INSERT_MONITOR, *(getattr(row, field) for field in MonitorRow.__struct_fields__))


INSERT_STATE = "INSERT INTO monitor_states (tenant_id, monitor_id, assigned, sole) VALUES ($1, $2, $3, $4)"


async def insert_state(conn: Connection, *, tenant_id: UUID, monitor_id: UUID, assigned: int, sole: bool) -> None:
    """A new monitor is unknown until proven. `sole`: it is of a kind without regions."""
    await conn.execute(INSERT_STATE, tenant_id, monitor_id, assigned, sole)


# Whoever judges a monitor locks what is upstream of it, too, all in ascending id: so does whoever will have it judged.
LOCK_STATES = """
SELECT FROM monitor_states WHERE tenant_id = $1 AND monitor_id IN (
    WITH RECURSIVE wanted (id) AS (
        SELECT unnest($2::uuid[])
        UNION
        SELECT d.depends_on FROM wanted w JOIN monitor_dependencies d ON d.tenant_id = $1 AND d.monitor_id = w.id
    )
    SELECT id FROM wanted)
ORDER BY monitor_id
FOR UPDATE
"""


async def lock_states(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> None:
    """Lock the states of these monitors, and of all that they depend on, until the transaction ends."""
    await conn.execute(LOCK_STATES, tenant_id, list(monitor_ids))


LOCK_MONITOR = """
SELECT tenant_id, id, number, key, name, kind, "check", sealed, check_version, first_slot, interval_s, regions,
    confirmations, region_policy, region_policy_count, tags, "group", severity, alert_on, notify_recovery,
    renotify_interval_s, max_repeats, owner, notes, enabled, write_source, created_at, updated_at, revision,
    backoff_when_down, sla_target, sla_period_days, quiet_hours
FROM monitors WHERE tenant_id = $1 AND id = $2
FOR NO KEY UPDATE
"""


async def lock_monitor(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, along: Sequence[UUID] = ()
) -> MonitorRow | None:
    """The monitor, locked with its state until commit; None when this tenant has none of that id.

    `along`: monitors whose states are locked with it.
    """
    await lock_states(conn, tenant_id=tenant_id, monitor_ids=[monitor_id, *along])
    record = await conn.fetchrow(LOCK_MONITOR, tenant_id, monitor_id)
    return None if record is None else MonitorRow(**dict(record))


UPDATE_MONITOR = """
UPDATE monitors SET key = $3, name = $4, "check" = $5, sealed = $6, check_version = $7, first_slot = $8,
    interval_s = $9, regions = $10, confirmations = $11, region_policy = $12, region_policy_count = $13,
    tags = $14, "group" = $15, severity = $16, alert_on = $17, notify_recovery = $18, renotify_interval_s = $19,
    max_repeats = $20, owner = $21, notes = $22, enabled = $23, write_source = $24,
    backoff_when_down = $25, sla_target = $26, sla_period_days = $27, quiet_hours = $28,
    updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = $2
"""
UPDATED = (
    *("tenant_id", "id", "key", "name", "check", "sealed", "check_version", "first_slot", "interval_s", "regions"),
    *("confirmations", "region_policy", "region_policy_count", "tags", "group", "severity", "alert_on"),
    *("notify_recovery", "renotify_interval_s", "max_repeats", "owner", "notes", "enabled", "write_source"),
    *("backoff_when_down", "sla_target", "sla_period_days", "quiet_hours"),
)


async def update_monitor(conn: Connection, row: MonitorRow) -> None:
    """Write the row and raise its revision. The caller holds the lock of `lock_monitor`."""
    await conn.execute(UPDATE_MONITOR, *(getattr(row, field) for field in UPDATED))


# Whoever deletes a channel holds it first, and its bindings after: so does whoever changes bindings, or the two would
# wait for each other.
HOLD_CHANNELS = """
SELECT FROM channels
WHERE tenant_id = $1 AND (id = ANY($3::uuid[]) OR id IN (
    SELECT channel_id FROM monitor_channels WHERE tenant_id = $1 AND monitor_id = $2
    UNION ALL SELECT channel_id FROM monitor_escalations WHERE tenant_id = $1 AND monitor_id = $2))
ORDER BY id
FOR KEY SHARE
"""
DELETE_MONITOR = "DELETE FROM monitors WHERE tenant_id = $1 AND id = $2"


async def delete_monitor(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> None:
    """Delete the monitor with its state, transitions and bindings; its incidents stay, without it."""
    await conn.execute(HOLD_CHANNELS, tenant_id, monitor_id, [])
    await conn.execute(DELETE_MONITOR, tenant_id, monitor_id)


READ_BINDINGS = """
SELECT channel_id, events, 0 AS step, NULL::integer AS after_s FROM monitor_channels
WHERE tenant_id = $1 AND monitor_id = $2
UNION ALL
SELECT channel_id, NULL, step, after_s FROM monitor_escalations WHERE tenant_id = $1 AND monitor_id = $2
ORDER BY step, channel_id
"""


async def read_bindings(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> list[BindingRow]:
    """The channels that the monitor tells, by step, in order of id."""
    records = await conn.fetch(READ_BINDINGS, tenant_id, monitor_id)
    return [BindingRow(**dict(record)) for record in records]


DELETE_BINDINGS = "DELETE FROM monitor_channels WHERE tenant_id = $1 AND monitor_id = $2"
DELETE_STEPS = "DELETE FROM monitor_escalations WHERE tenant_id = $1 AND monitor_id = $2"
INSERT_BINDING = "INSERT INTO monitor_channels (tenant_id, monitor_id, channel_id, events) VALUES ($1, $2, $3, $4)"
INSERT_STEP = """
INSERT INTO monitor_escalations (tenant_id, monitor_id, channel_id, step, after_s) VALUES ($1, $2, $3, $4, $5)
"""


async def replace_bindings(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, bindings: Sequence[BindingRow]
) -> None:
    """Make these the channels that the monitor tells. Raises BadRequest when one of them is gone."""
    await conn.execute(HOLD_CHANNELS, tenant_id, monitor_id, [binding.channel_id for binding in bindings])
    await conn.execute(DELETE_BINDINGS, tenant_id, monitor_id)
    await conn.execute(DELETE_STEPS, tenant_id, monitor_id)
    await insert_rows(conn, [(tenant_id, monitor_id, binding) for binding in bindings])


async def insert_rows(conn: Connection, bindings: Sequence[tuple[UUID, UUID, BindingRow]]) -> None:
    """Add (tenant, monitor, binding). The caller holds the channels."""
    told = [(tenant, monitor, one.channel_id, one.events) for tenant, monitor, one in bindings if one.step == 0]
    steps = [(tenant, monitor, one.channel_id, one.step, one.after_s) for tenant, monitor, one in bindings if one.step]
    await conn.executemany(INSERT_BINDING, told)
    if steps:
        await conn.executemany(INSERT_STEP, steps)


KNOWN_CHANNELS = "SELECT id FROM channels WHERE tenant_id = $1 AND id = ANY($2::uuid[])"


async def known_channels(conn: Connection, *, tenant_id: UUID, channel_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Those of the ids that are channels of this tenant."""
    records = await conn.fetch(KNOWN_CHANNELS, tenant_id, list(channel_ids))
    return frozenset(record["id"] for record in records)


SAME_TARGET = """
SELECT name FROM monitors WHERE tenant_id = $1 AND "check" @> $2 AND id <> $3 ORDER BY number LIMIT 1
"""


async def monitor_with_target(
    conn: Connection, *, tenant_id: UUID, target: Mapping[str, object], except_id: UUID
) -> str | None:
    """The name of another monitor of the tenant whose check has these members."""
    name: str | None = await conn.fetchval(SAME_TARGET, tenant_id, target, except_id)
    return name
