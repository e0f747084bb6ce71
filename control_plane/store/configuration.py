"""All that a tenant configures, in a few statements however much there is of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from control_plane.store.channels import COLUMNS as CHANNEL_COLUMNS
from control_plane.store.channels import ChannelRow
from control_plane.store.maintenance import WINDOW_COLUMNS, WindowRow
from control_plane.store.monitors import BindingRow, MonitorRow
from control_plane.store.pool import Connection

_AT_ONCE = 200
"""Rows made before others have their turn on the event loop: about a millisecond."""

ALL_MONITORS = """
SELECT tenant_id, id, number, key, name, kind, "check", sealed, check_version, first_slot, interval_s, regions,
    confirmations, region_policy, region_policy_count, tags, "group", severity, alert_on, notify_recovery,
    renotify_interval_s, max_repeats, owner, notes, enabled, write_source, created_at, updated_at, revision,
    backoff_when_down, sla_target, sla_period_days, quiet_hours
FROM monitors WHERE tenant_id = $1 ORDER BY number
"""


async def all_monitors(conn: Connection, *, tenant_id: UUID) -> list[MonitorRow]:
    """The tenant's monitors, oldest first."""
    records = await conn.fetch(ALL_MONITORS, tenant_id)
    rows: list[MonitorRow] = []
    for start in range(0, len(records), _AT_ONCE):
        rows += [MonitorRow(**record) for record in records[start : start + _AT_ONCE]]
        await asyncio.sleep(0)
    return rows


ALL_BINDINGS = """
SELECT monitor_id, channel_id, events, 0 AS step, NULL::integer AS after_s FROM monitor_channels WHERE tenant_id = $1
UNION ALL
SELECT monitor_id, channel_id, NULL, step, after_s FROM monitor_escalations WHERE tenant_id = $1
ORDER BY monitor_id, step, channel_id
"""


async def all_bindings(conn: Connection, *, tenant_id: UUID) -> dict[UUID, list[BindingRow]]:
    """The channels that each monitor tells."""
    found: dict[UUID, list[BindingRow]] = {}
    for record in await conn.fetch(ALL_BINDINGS, tenant_id):
        found.setdefault(record["monitor_id"], []).append(BindingRow(*record[1:]))
    return found


ALL_UPSTREAMS = """
SELECT monitor_id, depends_on FROM monitor_dependencies WHERE tenant_id = $1 ORDER BY monitor_id, depends_on
"""


async def all_upstreams(conn: Connection, *, tenant_id: UUID) -> dict[UUID, list[UUID]]:
    """What each monitor depends on, in ascending id."""
    found: dict[UUID, list[UUID]] = {}
    for record in await conn.fetch(ALL_UPSTREAMS, tenant_id):
        found.setdefault(record["monitor_id"], []).append(record["depends_on"])
    return found


ALL_CHANNELS = f"""
SELECT {CHANNEL_COLUMNS}
FROM channels WHERE tenant_id = $1 ORDER BY number
"""


async def all_channels(conn: Connection, *, tenant_id: UUID) -> list[ChannelRow]:
    """The tenant's channels, oldest first."""
    return [ChannelRow(**record) for record in await conn.fetch(ALL_CHANNELS, tenant_id)]


UNENDED_WINDOWS = f"""
SELECT {WINDOW_COLUMNS} FROM maintenance_windows
WHERE tenant_id = $1 AND ended_at IS NULL AND deleted_at IS NULL ORDER BY number
"""


async def unended_windows(conn: Connection, *, tenant_id: UUID) -> list[WindowRow]:
    """The windows that are not over, oldest first."""
    rows = [WindowRow(**record) for record in await conn.fetch(UNENDED_WINDOWS, tenant_id)]
    return [row for row in rows if row.state != "ended"]


# Every write of a configuration raises a revision; regions are what a monitor without any of its own follows.
FINGERPRINT = """
SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
    SELECT 'm' || id || revision AS part FROM monitors WHERE tenant_id = $1
    UNION ALL SELECT 'c' || id || revision FROM channels WHERE tenant_id = $1
    UNION ALL SELECT 'w' || id || revision FROM maintenance_windows
        WHERE tenant_id = $1 AND ended_at IS NULL AND deleted_at IS NULL
    UNION ALL SELECT 'o' || id || revision FROM routes WHERE tenant_id = $1
    UNION ALL SELECT 'p' || id || revision FROM status_pages WHERE tenant_id = $1
    UNION ALL SELECT 'l' || id || revision FROM page_components WHERE tenant_id = $1
    UNION ALL SELECT 'd' || monitor_id || depends_on FROM monitor_dependencies WHERE tenant_id = $1
    UNION ALL SELECT 'r' || id || revision FROM regions WHERE tenant_id IS NULL OR tenant_id = $1
) AS parts
"""


async def fingerprint(conn: Connection, *, tenant_id: UUID) -> str:
    """What changes with every change of the configuration, and stays without one."""
    found: str | None = await conn.fetchval(FINGERPRINT, tenant_id)
    return found or ""


LOCK_MONITORS = """
SELECT FROM monitors WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR NO KEY UPDATE
"""
LOCK_CHANNELS = "SELECT FROM channels WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE"
LOCK_WINDOWS = "SELECT FROM maintenance_windows WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE"


async def hold_windows(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> None:
    """Lock these windows until commit."""
    await conn.execute(LOCK_WINDOWS, tenant_id, list(ids))


async def hold_rows(
    conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID], channel_ids: Sequence[UUID]
) -> None:
    """Lock the rows of these monitors, whose states are locked, and then of these channels, until commit."""
    await conn.execute(LOCK_MONITORS, tenant_id, list(monitor_ids))
    await conn.execute(LOCK_CHANNELS, tenant_id, list(channel_ids))
