"""processes: the control planes that serve now, among which rate limits are shared out."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from control_plane.store.pool import Connection

LIVE_FOR = timedelta(seconds=20)
"""How long after its last mark a process counts."""

FLEET_MARK = """
INSERT INTO processes (id, kind) VALUES ($1, 'control_plane')
ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp()
"""
FLEET_FORGET_GONE = """
DELETE FROM processes WHERE id = ANY (ARRAY(
    SELECT id FROM processes WHERE seen_at < clock_timestamp() - $1::interval * 10 FOR UPDATE SKIP LOCKED))
"""
FLEET_COUNT_LIVE = "SELECT count(*) FROM processes WHERE seen_at > clock_timestamp() - $1::interval"


async def mark(conn: Connection, *, process_id: UUID) -> int:
    """Say that this process is there; how many are, itself among them."""
    await conn.execute(FLEET_MARK, process_id)
    await conn.execute(FLEET_FORGET_GONE, LIVE_FOR)
    live: int = await conn.fetchval(FLEET_COUNT_LIVE, LIVE_FOR)
    return live


FLEET_LEAVE = "DELETE FROM processes WHERE id = $1"


async def leave(conn: Connection, *, process_id: UUID) -> None:
    """Say that this process stops, so that the others share its part at once."""
    await conn.execute(FLEET_LEAVE, process_id)
