"""Plan a maintenance window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from control_plane.domain.maintenance.maintenance import first_of
from control_plane.domain.maintenance.maintenance_rules import read_window, refuse_never
from control_plane.domain.tenants.plan import PlanTerms, require_room
from control_plane.services.maintenance.advance_maintenance import advance_window
from control_plane.services.maintenance.maintenance_rows import refuse_strangers, row_values
from control_plane.store import maintenance, maintenance_advance, tenants
from control_plane.store.maintenance import WindowRow
from control_plane.store.pool import Database
from shared.ids import TenantId


async def create_maintenance(
    database: Database,
    *,
    tenant_id: TenantId,
    window_id: UUID,
    terms: PlanTerms,
    body: Mapping[str, Any],
    write_source: str,
) -> WindowRow:
    """The window, which holds already when its time has come.

    Raises BadRequest as domain/maintenance_rules says, Refused QUOTA_EXCEEDED.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        now = await maintenance_advance.clock(conn)
        config = read_window(body, stored=None, now=now)
        first = first_of(config.schedule, now=now) or refuse_never(config.schedule)
        await refuse_strangers(conn, tenant_id=tenant_id, monitor_ids=config.targets.monitors)
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        require_room(terms, "maintenance", current=await maintenance.count_unended(conn, tenant_id=tenant_id))
        write = row_values(config, following=first, write_source=write_source)
        row = await maintenance.insert_window(conn, tenant_id=tenant_id, window_id=window_id, write=write)
    if row.state == "active":
        await advance_window(database, tenant_id=tenant_id, window_id=window_id)
    return row
