"""A maintenance window as people see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from control_plane.domain.maintenance import Occurrence
from control_plane.store.maintenance import WindowRow


class MaintenanceWindow(Struct, frozen=True, kw_only=True):
    """A window: once, from starts_at to ends_at, or recurring, by cron or rrule, for `duration` seconds each time.

    `current` is what it holds now. `next` lists up to 10 times to come, in a reply about one window.
    """

    id: UUID
    number: int
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


_STRING = {"type": ["string", "null"]}
_INSTANT = {"type": ["string", "null"], "format": "date-time"}
WINDOW_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 200},
        "description": {"type": ["string", "null"], "maxLength": 2000},
        "public": {"type": ["boolean", "null"]},
        "all": {"type": ["boolean", "null"]},
        "monitors": {"type": ["array", "null"], "items": {"type": "string", "format": "uuid"}, "maxItems": 1000},
        "tags": {"type": ["array", "null"], "items": {"type": "string"}, "maxItems": 50},
        "starts_at": _INSTANT,
        "ends_at": _INSTANT,
        "cron": {**_STRING, "description": "Five fields, in the local time of `timezone`."},
        "rrule": {**_STRING, "description": "RFC 5545, DAILY to YEARLY, counted from starts_at in `timezone`."},
        "duration": {"type": ["integer", "null"], "minimum": 60, "maximum": 2_592_000, "description": "Seconds."},
        "timezone": {**_STRING, "description": "IANA name; UTC by default."},
        "until": _INSTANT,
    },
}
EXAMPLE = {
    "title": "Weekly database upkeep",
    "tags": ["database"],
    "cron": "0 2 * * SUN",
    "duration": 7200,
    "timezone": "Europe/Berlin",
}
WRITE_ERRORS = (
    *("INVALID_TITLE", "INVALID_DESCRIPTION", "INVALID_TARGETS", "INVALID_TAGS", "INVALID_SCHEDULE", "INVALID_TIME"),
    *("INVALID_DURATION", "INVALID_CRON", "INVALID_RRULE", "INVALID_TIMEZONE"),
)
