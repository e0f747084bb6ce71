"""announcements: what the operator tells everybody."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class Announcement(Struct, frozen=True, kw_only=True):
    """Stands in the feed from `starts_at` on, and above every page of the dashboard until `ends_at`, or for good."""

    id: UUID
    title: str
    text: str
    starts_at: datetime
    ends_at: datetime | None
    created_at: datetime


_COLUMNS = "id, title, text, starts_at, ends_at, created_at"

INSERT = f"""
INSERT INTO announcements (id, title, text, starts_at, ends_at)
VALUES ($1, $2, $3, coalesce($4, now()), $5) RETURNING {_COLUMNS}
"""


async def insert_announcement(
    conn: Connection,
    *,
    announcement_id: UUID,
    title: str,
    text: str,
    starts_at: datetime | None,
    ends_at: datetime | None,
) -> Announcement:
    """Announce from `starts_at` on, or from now. Raises BadRequest INVALID_TIME where it would end before."""
    return Announcement(**await conn.fetchrow(INSERT, announcement_id, title, text, starts_at, ends_at))


LIST = f"SELECT {_COLUMNS} FROM announcements ORDER BY starts_at DESC, id DESC LIMIT $1 OFFSET $2"
COUNT = "SELECT count(*) FROM announcements"


async def list_announcements(conn: Connection, *, limit: int, offset: int) -> tuple[list[Announcement], int]:
    """A page of all, those that begin last first, and how many there are."""
    rows = await conn.fetch(LIST, limit, offset)
    return [Announcement(**row) for row in rows], await conn.fetchval(COUNT)


BEGUN = f"""
SELECT {_COLUMNS} FROM announcements WHERE starts_at <= clock_timestamp() ORDER BY starts_at DESC, id DESC LIMIT $1
"""


async def begun_announcements(conn: Connection, *, limit: int) -> list[Announcement]:
    """What has been announced, newest first; also what is over."""
    return [Announcement(**row) for row in await conn.fetch(BEGUN, limit)]


CURRENT = f"""
SELECT {_COLUMNS} FROM announcements
WHERE starts_at <= clock_timestamp() AND (ends_at IS NULL OR ends_at > clock_timestamp())
ORDER BY starts_at DESC, id DESC LIMIT $1
"""


async def current_announcements(conn: Connection, *, limit: int) -> list[Announcement]:
    """What holds now, newest first."""
    return [Announcement(**row) for row in await conn.fetch(CURRENT, limit)]


DELETE = "DELETE FROM announcements WHERE id = $1 RETURNING id"


async def delete_announcement(conn: Connection, *, announcement_id: UUID) -> bool:
    """Whether there was one."""
    return await conn.fetchrow(DELETE, announcement_id) is not None
