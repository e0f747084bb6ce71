"""What everybody who looks at this installation should know now: for banners and /meta."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from control_plane.domain.fleet.fleet_regions import MONITORS_SILENT
from control_plane.store import fleet_regions
from control_plane.store.pool import Database

# Said to everybody, so without numbers: how many monitors there are is the operator's to know.
_WORDS = (
    "Many checks cannot run at the moment: several regions are silent. Verdicts may be unknown until they are back; "
    "no incident opens or ends for that reason."
)


class Notice(Struct, frozen=True):
    """`kind` is that of the operator's incident it stands for, `since` when that opened."""

    kind: str
    message: str
    since: datetime


async def read_notice(database: Database) -> Notice | None:
    """The notice of the moment; None, nearly always."""
    async with database.app() as conn:
        found = await fleet_regions.find_open(conn, kind=MONITORS_SILENT)
    return None if found is None else Notice(MONITORS_SILENT, _WORDS, found.opened_at)
