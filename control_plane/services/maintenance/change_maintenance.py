"""Change a maintenance window that is not over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from control_plane.domain.maintenance.maintenance import Occurrence, first_of, next_occurrence
from control_plane.domain.maintenance.maintenance_rules import WindowConfig, read_window, refuse_never
from control_plane.errors import Conflict
from control_plane.services.maintenance.advance_maintenance import advance_window
from control_plane.services.maintenance.maintenance_rows import (
    config_of,
    lock_window,
    planned_next,
    refuse_strangers,
    row_values,
)
from control_plane.store import maintenance, maintenance_advance
from control_plane.store.maintenance import WindowRow
from control_plane.store.pool import Database
from shared.ids import TenantId


async def change_maintenance(
    database: Database,
    *,
    tenant_id: TenantId,
    window_id: UUID,
    body: Mapping[str, Any],
    write_source: str,
    check_revision: Callable[[int], None],
) -> WindowRow:
    """Merge the body (RFC 7396) onto the window. A body that changes nothing writes nothing.

    Of a single window that holds already the end may be moved, not the start; a recurring one keeps what it holds as
    it began, and goes on by the new schedule. Raises NotFound, Conflict MAINTENANCE_ENDED, and what `check_revision`
    and domain/maintenance_rules raise.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        row = await lock_window(conn, tenant_id=tenant_id, window_id=window_id, check_revision=check_revision)
        now = await maintenance_advance.clock(conn)
        if row.state == "ended":
            raise Conflict("This window is over and stays as it was: plan another one", code="MAINTENANCE_ENDED")
        old = config_of(row)
        new = read_window(body, stored=old, now=now)
        if new == old:
            return row
        added = tuple(one for one in new.targets.monitors if one not in old.targets.monitors)
        await refuse_strangers(conn, tenant_id=tenant_id, monitor_ids=added)
        following, current_end = planned_change(row, old=old, new=new, now=now)
        after = await maintenance.update_window(
            conn,
            tenant_id=tenant_id,
            window_id=window_id,
            write=row_values(new, following=following, write_source=write_source),
            current_ends_at=current_end,
        )
    await advance_window(database, tenant_id=tenant_id, window_id=window_id)
    return after


def planned_change(
    row: WindowRow, *, old: WindowConfig, new: WindowConfig, now: datetime
) -> tuple[Occurrence | None, datetime | None]:
    """What it holds next, and the end of what it holds now where that moves. Raises BadRequest, Conflict."""
    if new.schedule == old.schedule:
        return planned_next(row), None
    if row.current_ends_at is None:
        return first_of(new.schedule, now=now) or refuse_never(new.schedule), None
    if old.schedule.recurring != new.schedule.recurring:
        raise Conflict("It holds now: end it before you change how it recurs", code="MAINTENANCE_ACTIVE")
    if new.schedule.recurring:
        return next_occurrence(new.schedule, not_before=row.current_ends_at), None
    if new.schedule.starts_at != old.schedule.starts_at:
        raise Conflict("It holds already: its start cannot be moved", code="MAINTENANCE_ACTIVE")
    assert new.schedule.ends_at is not None
    if new.schedule.ends_at <= now:
        refuse_never(new.schedule)
    return None, new.schedule.ends_at
