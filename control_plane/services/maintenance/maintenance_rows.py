"""Windows between their rows and what people write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from control_plane.domain.maintenance.maintenance import Occurrence, Schedule
from control_plane.domain.maintenance.maintenance_rules import Targets, WindowConfig
from control_plane.errors import BadRequest, NotFound
from control_plane.store import maintenance
from control_plane.store.maintenance import WindowRow, WindowWrite
from control_plane.store.pool import Connection
from shared.ids import TenantId


def schedule_of(row: WindowRow) -> Schedule:
    return Schedule(
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        cron=row.cron,
        rrule=row.rrule,
        duration_s=row.duration_s,
        timezone=row.timezone,
        until=row.until,
    )


def config_of(row: WindowRow) -> WindowConfig:
    return WindowConfig(
        title=row.title,
        description=row.description,
        public=row.public,
        targets=Targets(all=row.covers_all, monitors=tuple(row.monitors), tags=tuple(row.tags)),
        schedule=schedule_of(row),
        key=row.key,
    )


def row_values(config: WindowConfig, *, following: Occurrence | None, write_source: str) -> WindowWrite:
    schedule, targets = config.schedule, config.targets
    return WindowWrite(
        title=config.title,
        description=config.description,
        public=config.public,
        covers_all=targets.all,
        monitors=list(targets.monitors),
        tags=list(targets.tags),
        starts_at=schedule.starts_at,
        ends_at=schedule.ends_at,
        cron=schedule.cron,
        rrule=schedule.rrule,
        duration_s=schedule.duration_s,
        timezone=schedule.timezone,
        until=schedule.until,
        next_starts_at=following.starts_at if following else None,
        next_ends_at=following.ends_at if following else None,
        write_source=write_source,
        key=config.key,
    )


async def refuse_strangers(conn: Connection, *, tenant_id: TenantId, monitor_ids: tuple[UUID, ...]) -> None:
    """Raise BadRequest INVALID_TARGETS for an id that is no monitor of the tenant: unknown and foreign alike."""
    known = await maintenance.known_monitors(conn, tenant_id=tenant_id, monitor_ids=monitor_ids)
    for place, monitor_id in enumerate(monitor_ids):
        if monitor_id not in known:
            raise BadRequest("There is no such monitor", code="INVALID_TARGETS", field=f"/monitors/{place}")


async def lock_window(
    conn: Connection, *, tenant_id: TenantId, window_id: UUID, check_revision: Callable[[int], None]
) -> WindowRow:
    """The window, locked until commit. Raises NotFound, or what `check_revision` raises."""
    row = await maintenance.lock_window(conn, tenant_id=tenant_id, window_id=window_id)
    if row is None:
        raise NotFound("There is no such maintenance window", code="MAINTENANCE_NOT_FOUND")
    check_revision(row.revision)
    return row


def holds(row: WindowRow, now: datetime) -> bool:
    """Whether it has begun to hold, by its row, and is not over."""
    return row.current_ends_at is not None and row.current_ends_at > now


def planned_next(row: WindowRow) -> Occurrence | None:
    """What it holds next."""
    if row.next_starts_at is None or row.next_ends_at is None:
        return None
    return Occurrence(row.next_starts_at, row.next_ends_at)
