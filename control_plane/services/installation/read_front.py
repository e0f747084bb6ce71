"""What `/` shows to strangers, as the operator has set it."""

from __future__ import annotations

from msgspec import Struct

from control_plane.domain.safety.safety_settings import Front, settings_of
from control_plane.store import front
from control_plane.store.pool import Database


class FrontDoor(Struct, frozen=True):
    """`page` is the slug that `front` page means. `fresh`: nobody has signed in here yet, and nothing is watched."""

    front: Front = "about"
    page: str = ""
    name: str = "Farwatch"
    fresh: bool = False


async def read_front(database: Database) -> FrontDoor:
    """Raises Unavailable."""
    async with database.app() as conn:
        row = await front.read_front(conn)
    settings = settings_of(row.settings)
    return FrontDoor(settings.front, settings.front_page, settings.site_name, row.fresh)
