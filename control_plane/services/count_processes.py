"""How many control planes serve: each marks its row, and counts the rows that were marked lately."""

from __future__ import annotations

from uuid import UUID

from control_plane.errors import Unavailable
from control_plane.services.identity import new_id
from control_plane.store import processes
from control_plane.store.pool import Database


class Processes:
    """This process among them."""

    def __init__(self) -> None:
        self._id: UUID = new_id()
        self._marked = False

    async def mark(self, database: Database) -> int:
        """Say that this process is there; how many are, itself among them. At least 1."""
        async with database.app() as conn:
            live = await processes.mark(conn, process_id=self._id)
        self._marked = True
        return max(1, live)

    async def leave(self, database: Database) -> None:
        """Say that it stops. While the database is away nobody need hear it: the mark grows old by itself."""
        if not self._marked:
            return
        try:
            async with database.app() as conn:
                await processes.leave(conn, process_id=self._id)
        except Unavailable:
            return
