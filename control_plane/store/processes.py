"""processes: the control planes that serve now, among which rate limits are shared out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection

LIVE_FOR = timedelta(seconds=20)
"""How long after its last mark a process counts."""

FLEET_MARK = """
INSERT INTO processes (id, kind, version, jobs) VALUES ($1, 'control_plane', $2, $3)
ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), jobs = excluded.jobs
"""
FLEET_FORGET_GONE = """
DELETE FROM processes WHERE id = ANY (ARRAY(
    SELECT id FROM processes WHERE seen_at < clock_timestamp() - $1::interval * 10 FOR UPDATE SKIP LOCKED))
"""
FLEET_COUNT_LIVE = "SELECT count(*) FROM processes WHERE seen_at > clock_timestamp() - $1::interval"


async def mark(conn: Connection, *, process_id: UUID, version: str, jobs: Mapping[str, Any]) -> int:
    """Say that this process is there and how its jobs go; how many processes are, itself among them."""
    await conn.execute(FLEET_MARK, process_id, version, dict(jobs))
    await conn.execute(FLEET_FORGET_GONE, LIVE_FOR)
    live: int = await conn.fetchval(FLEET_COUNT_LIVE, LIVE_FOR)
    return live


class ProcessRow(Struct, frozen=True):
    """A process that serves now. `jobs`: how each of its jobs goes, by name, as it said when it was last seen."""

    id: UUID
    version: str | None
    started_at: datetime
    seen_at: datetime
    jobs: dict[str, Any]


FLEET_LIVE = """
SELECT id, version, started_at, seen_at, jobs FROM processes
WHERE seen_at > clock_timestamp() - $1::interval ORDER BY started_at, id
"""


async def live_processes(conn: Connection) -> list[ProcessRow]:
    """Those that were seen lately, oldest first."""
    return [ProcessRow(**row) for row in await conn.fetch(FLEET_LIVE, LIVE_FOR)]


FLEET_LEAVE = "DELETE FROM processes WHERE id = $1"


async def leave(conn: Connection, *, process_id: UUID) -> None:
    """Say that this process stops, so that the others share its part at once."""
    await conn.execute(FLEET_LEAVE, process_id)
