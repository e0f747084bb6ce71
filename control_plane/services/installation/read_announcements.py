"""What the operator tells everybody who looks at this installation now: for banners."""

from __future__ import annotations

from msgspec import Struct

from control_plane.store import announcements
from control_plane.store.pool import Database

MOST = 3
"""Banners at a time, the newest: more would hide the page."""


class Told(Struct, frozen=True):
    title: str
    text: str


async def read_announcements(database: Database) -> tuple[Told, ...]:
    """What holds now, newest first."""
    async with database.app() as conn:
        rows = await announcements.current_announcements(conn, limit=MOST)
    return tuple(Told(row.title, row.text) for row in rows)
