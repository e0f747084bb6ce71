"""How many control planes serve: each marks its row, says how its jobs go, and counts the rows marked lately."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import version
from uuid import UUID

import msgspec

from control_plane.domain.fleet.background_jobs import JobRun
from control_plane.errors import Unavailable
from control_plane.services.installation.identity import new_id
from control_plane.store import processes
from control_plane.store.pool import Database


class Processes:
    """This process among them."""

    def __init__(self) -> None:
        self._id: UUID = new_id()
        self._marked = False
        self._runs: dict[str, JobRun] = {}

    def job_began(self, name: str, *, now: datetime) -> None:
        """A job of this process begins; others hear of it with the next mark."""
        self._runs[name] = self._runs.get(name, JobRun()).began(now)

    def job_ended(self, name: str, *, now: datetime, next_run_at: datetime, error: str | None = None) -> None:
        """It ended, `error` being the kind of its fault."""
        self._runs[name] = self._runs.get(name, JobRun()).ended(now, next_run_at=next_run_at, error=error)

    async def mark(self, database: Database) -> int:
        """Say that this process is there; how many are, itself among them. At least 1."""
        async with database.app() as conn:
            jobs = msgspec.to_builtins(self._runs)
            live = await processes.mark(conn, process_id=self._id, version=version("farwatch"), jobs=jobs)
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
