"""What there is to report: since when there are monitors, and how many incidents each month had."""

from __future__ import annotations

from datetime import date, datetime

from control_plane.store.pool import Connection
from shared.ids import TenantId

FIRST_MONITOR = "SELECT min(created_at) FROM monitors WHERE tenant_id = $1"


async def first_monitor(conn: Connection, *, tenant_id: TenantId) -> datetime | None:
    """When the oldest of the monitors that there are was made; None without any."""
    found: datetime | None = await conn.fetchval(FIRST_MONITOR, tenant_id)
    return found


INCIDENTS_BY_MONTH = """
SELECT date_trunc('month', opened_at AT TIME ZONE $3)::date AS month, count(*) AS incidents
FROM incidents WHERE tenant_id = $1 AND opened_at >= $2 GROUP BY 1
"""


async def incidents_by_month(conn: Connection, *, tenant_id: TenantId, since: datetime, zone: str) -> dict[date, int]:
    """The first day of each month of the zone that had any → how many were opened in it."""
    rows = await conn.fetch(INCIDENTS_BY_MONTH, tenant_id, since, zone)
    return {row["month"]: row["incidents"] for row in rows}
