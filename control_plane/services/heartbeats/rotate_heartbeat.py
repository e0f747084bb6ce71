"""Give a heartbeat another ping URL. The old one counts for a while, so that no run in between is missed."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from control_plane.errors import NotFound
from control_plane.store import heartbeat_reads
from control_plane.store.pool import Database
from shared.ids import TenantId


async def rotate_heartbeat(database: Database, *, tenant_id: TenantId, monitor_id: UUID, overlap: timedelta) -> None:
    """Raises NotFound HEARTBEAT_NOT_FOUND."""
    async with database.tenant_transaction(tenant_id) as conn:
        found = await heartbeat_reads.rotate(
            conn, tenant_id=tenant_id, monitor_id=monitor_id, ping_id=uuid4(), overlap=overlap
        )
    if not found:
        raise NotFound("There is no such heartbeat monitor", code="HEARTBEAT_NOT_FOUND")
