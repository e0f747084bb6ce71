"""How far results are rolled up, remembered for a few seconds: every chart needs to know, and it only ever grows.

An older answer is as right as a new one: what lies beyond it is read from raw results, of which rollups are made.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from control_plane.errors import NotFound
from control_plane.store import rollup_reads
from control_plane.store.pool import Connection
from control_plane.store.rollup_reads import Progress

KEPT_S = 5.0


class RollupProgress:
    """Of one process and its database."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: Progress | None = None
        self._until = 0.0

    async def of(self, conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> Progress:
        """Raises NotFound MONITOR_NOT_FOUND, unless it is remembered: then whoever finds nothing asks `require`."""
        if self._known is None or self._clock() >= self._until:
            self._known = await require(conn, tenant_id=tenant_id, monitor_id=monitor_id)
            self._until = self._clock() + KEPT_S
        return self._known


async def require(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> Progress:
    """How far, as of now. Raises NotFound MONITOR_NOT_FOUND."""
    progress = await rollup_reads.rollup_progress(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    if progress is None:
        raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
    return progress
