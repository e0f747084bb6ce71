"""Reading heartbeats, their pings and runs, and giving them their ping URL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class HeartbeatView(Struct, frozen=True, kw_only=True):
    """A heartbeat as it is shown."""

    monitor_id: UUID
    number: int
    name: str
    check: dict[str, Any]
    enabled: bool
    ping_id: UUID
    previous_until: datetime | None
    phase: str
    due_at: datetime | None
    open_runs: list[list[Any]]
    pings: int
    last_ping_at: datetime | None
    last_kind: str | None


class PingView(Struct, frozen=True, kw_only=True):
    """A ping without its body, of which `size` bytes are kept; `cut`: more came."""

    number: int
    at: datetime
    kind: str
    exit_code: int | None
    rid: UUID | None
    method: str
    source: str
    user_agent: str
    size: int
    cut: bool


class RunView(Struct, frozen=True, kw_only=True):
    """A run; `number` is that of the ping that began it."""

    number: int
    rid: UUID | None
    started_at: datetime
    finished_at: datetime | None
    duration_ms: int | None
    exit_code: int | None
    outcome: str


_VIEW = """
SELECT h.monitor_id, m.number, m.name, m."check", m.enabled, h.ping_id,
       CASE WHEN h.previous_until > now() THEN h.previous_until END AS previous_until,
       h.phase, h.due_at, h.open_runs, h.pings, h.last_ping_at, h.last_kind
FROM heartbeats h JOIN monitors m ON m.tenant_id = h.tenant_id AND m.id = h.monitor_id
WHERE h.tenant_id = $1
"""

LIST_HEARTBEATS = _VIEW + "ORDER BY m.number LIMIT $2 OFFSET $3"
COUNT_HEARTBEATS = "SELECT count(*) FROM heartbeats WHERE tenant_id = $1"


async def list_heartbeats(
    conn: Connection, *, tenant_id: UUID, limit: int, offset: int
) -> tuple[list[HeartbeatView], int]:
    """A page in order of their numbers, and how many there are."""
    rows = await conn.fetch(LIST_HEARTBEATS, tenant_id, limit, offset)
    total: int = await conn.fetchval(COUNT_HEARTBEATS, tenant_id)
    return [HeartbeatView(**dict(row)) for row in rows], total


GET_HEARTBEATS = _VIEW + "AND h.monitor_id = ANY($2::uuid[])"


async def get_heartbeats(conn: Connection, *, tenant_id: UUID, monitor_ids: list[UUID]) -> dict[UUID, HeartbeatView]:
    """The heartbeats among these monitors."""
    rows = await conn.fetch(GET_HEARTBEATS, tenant_id, monitor_ids)
    return {row["monitor_id"]: HeartbeatView(**dict(row)) for row in rows}


LIST_PINGS = """
SELECT number, at, kind, exit_code, rid, method, source, user_agent, coalesce(length(body), 0) AS size, cut
FROM heartbeat_pings
WHERE tenant_id = $1 AND monitor_id = $2 AND number < $3 AND ($4::text IS NULL OR kind = $4)
ORDER BY number DESC LIMIT $5
"""


async def list_pings(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, before: int, kind: str | None, limit: int
) -> list[PingView]:
    """Pings with numbers below `before`, newest first."""
    rows = await conn.fetch(LIST_PINGS, tenant_id, monitor_id, before, kind, limit)
    return [PingView(**dict(row)) for row in rows]


PING_BODY = "SELECT body FROM heartbeat_pings WHERE tenant_id = $1 AND monitor_id = $2 AND number = $3"


async def ping_body(conn: Connection, *, tenant_id: UUID, monitor_id: UUID, number: int) -> bytes | None:
    """What came with the ping, empty if nothing did; None for a ping that is not kept."""
    row = await conn.fetchrow(PING_BODY, tenant_id, monitor_id, number)
    return None if row is None else row["body"] or b""


LIST_RUNS = """
SELECT number, rid, started_at, finished_at, duration_ms, exit_code, outcome
FROM heartbeat_runs WHERE tenant_id = $1 AND monitor_id = $2 AND number < $3
ORDER BY number DESC LIMIT $4
"""


async def list_runs(conn: Connection, *, tenant_id: UUID, monitor_id: UUID, before: int, limit: int) -> list[RunView]:
    """Runs whose first ping has a number below `before`, newest first."""
    rows = await conn.fetch(LIST_RUNS, tenant_id, monitor_id, before, limit)
    return [RunView(**dict(row)) for row in rows]


ADD_HEARTBEAT = "INSERT INTO heartbeats (tenant_id, monitor_id, ping_id) VALUES ($1, $2, $3)"


async def add_heartbeat(conn: Connection, *, tenant_id: UUID, monitor_id: UUID, ping_id: UUID) -> None:
    """A heartbeat that nobody has pinged."""
    await conn.execute(ADD_HEARTBEAT, tenant_id, monitor_id, ping_id)


ROTATE = """
UPDATE heartbeats SET previous_id = ping_id, previous_until = clock_timestamp() + $4::interval, ping_id = $3
WHERE tenant_id = $1 AND monitor_id = $2
RETURNING monitor_id
"""


async def rotate(conn: Connection, *, tenant_id: UUID, monitor_id: UUID, ping_id: UUID, overlap: timedelta) -> bool:
    """Give it another ping id; the one before it counts for the overlap, older ones no more. False: no such."""
    return await conn.fetchval(ROTATE, tenant_id, monitor_id, ping_id, overlap) is not None
