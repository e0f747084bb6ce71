"""Make the partitions of results that the coming days need."""

from __future__ import annotations

from datetime import datetime

from control_plane.store import partitions
from control_plane.store.pool import Database
from shared.clock import to_unix_ms


async def make_partitions(database: Database, *, now: datetime) -> list[str]:
    """The names of those made."""
    async with database.owner() as conn:
        return await partitions.make_partitions(conn, now_ms=to_unix_ms(now))
