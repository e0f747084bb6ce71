"""A maintenance window as people see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.domain.maintenance.maintenance import Occurrence
from control_plane.store.maintenance import WindowRow


class MaintenanceWindow(Struct, frozen=True, kw_only=True):
    """A window: once, from starts_at to ends_at, or recurring, by cron or rrule, for `duration` seconds each time.

    `current` is what it holds now. `next` lists up to 10 times to come, in a reply about one window.
    """

    id: UUID
    number: int
    key: str | None
    title: str
    description: str
    public: bool
    state: Literal["planned", "active", "ended"]
    monitors: Sequence[UUID]
    tags: Sequence[str]
    all: bool
    starts_at: datetime
    ends_at: datetime | None
    cron: str | None
    rrule: str | None
    duration: int | None
    timezone: str
    until: datetime | None
    current: Occurrence | None
    next: Sequence[Occurrence]
    ended_at: datetime | None
    write_source: str
    created_at: datetime
    updated_at: datetime


def window_view(row: WindowRow, following: Sequence[Occurrence]) -> MaintenanceWindow:
    return MaintenanceWindow(
        id=row.id,
        number=row.number,
        key=row.key,
        title=row.title,
        description=row.description,
        public=row.public,
        state=row.state,
        monitors=row.monitors,
        tags=row.tags,
        all=row.covers_all,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        cron=row.cron,
        rrule=row.rrule,
        duration=row.duration_s,
        timezone=row.timezone,
        until=row.until,
        current=_current(row),
        next=following,
        ended_at=row.ended_at or (row.current_ends_at if row.state == "ended" else None),
        write_source=row.write_source,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _current(row: WindowRow) -> Occurrence | None:
    if row.state != "active" or row.current_starts_at is None or row.current_ends_at is None:
        return None
    return Occurrence(row.current_starts_at, row.current_ends_at)


class WindowPatch(Struct, frozen=True, kw_only=True):
    """What may be written of a window. Null clears; `starts_at` is the first time that an rrule counts from."""

    title: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=2000)] | UnsetType | None = UNSET
    public: bool | UnsetType | None = UNSET
    all: bool | UnsetType | None = UNSET
    monitors: Annotated[list[UUID], Meta(max_length=1000)] | UnsetType | None = UNSET
    tags: Annotated[list[str], Meta(max_length=50)] | UnsetType | None = UNSET
    starts_at: datetime | UnsetType | None = UNSET
    ends_at: datetime | UnsetType | None = UNSET
    cron: Annotated[str, Meta(description="Five fields, in the local time of `timezone`")] | UnsetType | None = UNSET
    rrule: Annotated[str, Meta(description="RFC 5545, counted from starts_at")] | UnsetType | None = UNSET
    duration: Annotated[int, Meta(ge=60, le=2_592_000, description="Seconds")] | UnsetType | None = UNSET
    timezone: Annotated[str, Meta(description="IANA name; UTC by default")] | UnsetType | None = UNSET
    until: datetime | UnsetType | None = UNSET
    key: str | UnsetType | None = UNSET


class NewWindow(WindowPatch, frozen=True, kw_only=True):
    """A window to plan: once, from starts_at to ends_at, or recurring, by cron or rrule with a duration."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]


EXAMPLE = {
    "title": "Weekly database upkeep",
    "tags": ["database"],
    "cron": "0 2 * * SUN",
    "duration": 7200,
    "timezone": "Europe/Berlin",
}
WRITE_ERRORS = (
    *("INVALID_TITLE", "INVALID_DESCRIPTION", "INVALID_TARGETS", "INVALID_TAGS", "INVALID_SCHEDULE", "INVALID_TIME"),
    *("INVALID_DURATION", "INVALID_CRON", "INVALID_RRULE", "INVALID_TIMEZONE", "INVALID_KEY", "KEY_TAKEN"),
)
