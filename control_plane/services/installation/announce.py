"""Tell everybody something: above the dashboard's pages and in the open feed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from control_plane.domain import field_rules
from control_plane.errors import BadRequest
from control_plane.store import announcements
from control_plane.store.announcements import Announcement
from control_plane.store.pool import Database


async def announce(
    database: Database,
    *,
    announcement_id: UUID,
    title: str,
    text: str,
    starts_at: datetime | None,
    ends_at: datetime | None,
    now: datetime,
) -> Announcement:
    """The announcement; without `starts_at` it begins now. Raises BadRequest INVALID_TITLE, INVALID_TIME."""
    if ends_at is not None and ends_at <= (starts_at or now):
        raise BadRequest("The announcement would end before it begins", code="INVALID_TIME", field="/ends_at")
    read = field_rules.name(title, "/title", code="INVALID_TITLE")
    async with database.app_transaction() as conn:
        return await announcements.insert_announcement(
            conn, announcement_id=announcement_id, title=read, text=text, starts_at=starts_at, ends_at=ends_at
        )
