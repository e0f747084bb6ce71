"""The time that a monitor is paused, as periods: it does not count towards uptime."""

from __future__ import annotations

from uuid import UUID

from control_plane.store.pool import Connection

BEGIN_PAUSE = """
INSERT INTO monitor_periods (tenant_id, monitor_id, kind, starts_at) VALUES ($1, $2, 'paused', clock_timestamp())
"""


async def begin_pause(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> None:
    """It is paused from now on. The caller holds the monitor, and it was not paused."""
    await conn.execute(BEGIN_PAUSE, tenant_id, monitor_id)


# Never before its start: the clock may have been set back.
END_PAUSE = """
UPDATE monitor_periods SET ends_at = greatest(starts_at, clock_timestamp())
WHERE tenant_id = $1 AND monitor_id = $2 AND kind = 'paused' AND ends_at IS NULL
"""


async def end_pause(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> None:
    """It runs again from now on."""
    await conn.execute(END_PAUSE, tenant_id, monitor_id)
