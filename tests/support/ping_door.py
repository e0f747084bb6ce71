"""A heartbeat whose past is made up, and the rows that tell when the ping door was open."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from control_plane.domain.heartbeats.heartbeat import Ping, PingKind
from control_plane.services.heartbeats.take_pings import NewPing
from control_plane.store import cases, heartbeats
from control_plane.store.pool import Database

SHORT: dict[str, int] = {"period": 30, "grace": 10}

# As if the last ping, and everything that follows from it, had been so many seconds ago.
AGE = """
WITH moved AS (
    UPDATE heartbeats SET phase = 'up', counted_from = clock_timestamp() - $2::float8 * interval '1 s',
        last_ping_at = clock_timestamp() - $2::float8 * interval '1 s', pings = 1, last_kind = 'success',
        since = clock_timestamp() - $2::float8 * interval '1 s',
        due_at = clock_timestamp() + (40 - $2::float8) * interval '1 s'
    WHERE monitor_id = $1 RETURNING tenant_id, monitor_id, due_at
)
UPDATE monitor_states s SET verdict = 'up', assigned = 1, fresh_up = 1, fresh_down = 0, due_at = moved.due_at,
    since = clock_timestamp() - $2::float8 * interval '1 s'
FROM moved WHERE s.tenant_id = moved.tenant_id AND s.monitor_id = moved.monitor_id
"""
SHIFT = """
WITH moved AS (
    UPDATE heartbeats SET counted_from = counted_from - $2::float8 * interval '1 s',
        last_ping_at = last_ping_at - $2::float8 * interval '1 s', due_at = due_at - $2::float8 * interval '1 s'
    WHERE monitor_id = $1 RETURNING tenant_id, monitor_id, due_at
)
UPDATE monitor_states s SET due_at = moved.due_at
FROM moved WHERE s.tenant_id = moved.tenant_id AND s.monitor_id = moved.monitor_id
"""
EARLIER = """
UPDATE ping_door_spells
SET opened_at = opened_at - interval '1 h', seen_at = seen_at - $1::float8 * interval '1 s'
"""
STATE = "SELECT verdict, reason FROM monitor_states WHERE monitor_id = $1"
SPELL = """
INSERT INTO ping_door_spells (id, opened_at, seen_at)
VALUES (gen_random_uuid(), clock_timestamp() - $1::float8 * interval '1 s',
    clock_timestamp() - $2::float8 * interval '1 s')
"""


class Watched:
    """A heartbeat of 30 s with 10 s of grace, and the rows that tell of the door."""

    def __init__(self, database: Database, monitor_id: UUID, ping_id: UUID) -> None:
        self.database, self.monitor_id, self.ping_id = database, monitor_id, ping_id

    async def run(self, statement: str, *args: Any) -> list[dict[str, Any]]:
        async with self.database.app() as conn:
            return [dict(row) for row in await conn.fetch(statement, *args)]

    async def age(self, seconds: float) -> None:
        """Pinged so many seconds ago, and up since."""
        await self.run(AGE, self.monitor_id, seconds)

    async def shift(self, seconds: float) -> None:
        """As if the last ping had come so much earlier."""
        await self.run(SHIFT, self.monitor_id, seconds)

    async def spell(self, since: float, until: float = 0) -> None:
        """Some process marked the door from so many seconds ago to so many seconds ago."""
        await self.run(SPELL, since, until)

    async def state(self) -> tuple[str, str]:
        [row] = await self.run(STATE, self.monitor_id)
        return row["verdict"], row["reason"]

    async def verdict(self) -> str:
        return (await self.state())[0]

    async def incidents(self) -> int:
        return len(await self.run("SELECT FROM incidents WHERE monitor_id = $1", self.monitor_id))

    async def stale(self) -> list[UUID]:
        async with self.database.app() as conn:
            return await heartbeats.stale(conn, await cases.database_clock_ms(conn), 100)

    async def new_ping(self, kind: str = "success") -> NewPing:
        async with self.database.app() as conn:
            now_ms = await cases.database_clock_ms(conn)
        signal = Ping(kind=PingKind(kind), at_ms=now_ms)
        return NewPing(ping_id=self.ping_id, signal=signal, method="GET", source="127.0.0.1", user_agent="")
