"""Writing the demo's invented past, table by table, as a whole: COPY, or one statement for all rows.

Nothing else may write rows of the past like this. Only an installation that `farwatch demo` made is given it, by the
login that owns the tables, which no audit trigger takes for somebody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson
from msgspec import Struct

from control_plane.store.pool import Connection

Row = tuple[object, ...]


class SliceRow(NamedTuple):
    """Results of one monitor from one region, counted from `starts` (Unix ms) on."""

    starts: int
    up: int
    degraded: int
    down: int
    samples: int
    total_us: int
    connect_us: int
    ttfb_us: int
    download_us: int
    histogram: bytes


class ResultRow(NamedTuple):
    """One result of a slot (Unix ms)."""

    slot: int
    outcome: int
    reason: int
    total_us: int | None
    connect_us: int | None
    ttfb_us: int | None
    download_us: int | None
    message: str | None


class PairIds(NamedTuple):
    """A monitor of a tenant, seen from a region."""

    tenant_id: UUID
    monitor_id: UUID
    region_id: int


class DemoMonitor(Struct, frozen=True):
    """What the past needs to know of a monitor."""

    id: UUID
    number: int
    key: str
    name: str
    kind: str
    tags: list[str]
    group: str | None
    interval_s: int
    severity: str
    check_version: int


MARK = """
INSERT INTO installation (name, value) VALUES ('demo', to_jsonb($1::text)) ON CONFLICT (name) DO NOTHING RETURNING name
"""


async def mark(conn: Connection, *, at: datetime) -> bool:
    """Say that this installation has its past. False when it had one."""
    return await conn.fetchval(MARK, at.isoformat()) is not None


FIND_MONITORS = """
SELECT id, number, key, name, kind, tags, "group", interval_s, severity, check_version
FROM monitors WHERE tenant_id = $1 AND key IS NOT NULL ORDER BY number
"""


async def find_monitors(conn: Connection, *, tenant_id: UUID) -> dict[str, DemoMonitor]:
    """The tenant's monitors by key."""
    rows = [DemoMonitor(*row) for row in await conn.fetch(FIND_MONITORS, tenant_id)]
    return {row.key: row for row in rows}


FIND_REGIONS = """
SELECT r.slug, r.id, min(a.number) AS agent FROM regions r JOIN agents a ON a.region_id = r.id
WHERE r.tenant_id = $1 GROUP BY r.slug, r.id ORDER BY r.slug
"""


async def find_regions(conn: Connection, *, tenant_id: UUID) -> dict[str, tuple[int, int]]:
    """By slug: the region's id, and the number of an agent of it. A private region's slug lacks its tenant's id."""
    rows = await conn.fetch(FIND_REGIONS, tenant_id)
    return {row["slug"].rpartition(":")[2]: (row["id"], row["agent"]) for row in rows}


SET_MADE = "UPDATE monitors SET created_at = $3, updated_at = $3 WHERE tenant_id = $1 AND id = $2"
SET_ALL_MADE = """
WITH tenant AS (UPDATE tenants SET created_at = $2 WHERE id = $1),
    channel AS (UPDATE channels SET created_at = $2, updated_at = $2 WHERE tenant_id = $1),
    page AS (UPDATE status_pages SET created_at = $2 WHERE tenant_id = $1),
    member AS (UPDATE members SET created_at = $2 WHERE tenant_id = $1),
    written AS (UPDATE audit SET at = $2 + (at - (SELECT min(at) FROM audit WHERE tenant_id = $1)) WHERE tenant_id = $1)
SELECT
"""


async def set_made(conn: Connection, rows: Sequence[tuple[UUID, UUID, datetime]], *, at: datetime) -> None:
    """Let the monitors (tenant, id, instant) be as old as that, and everything else of the tenant as old as `at`."""
    await conn.executemany(SET_MADE, rows)
    await conn.execute(SET_ALL_MADE, rows[0][0], at)


_SLICE = (
    "starts",
    "up",
    "degraded",
    "down",
    "samples",
    "total_us",
    "connect_us",
    "ttfb_us",
    "download_us",
    "histogram",
)


async def copy_slices(conn: Connection, grain: str, rows: Iterable[SliceRow], ids: PairIds) -> None:
    """Slices of one monitor and region; `grain` is `fine` or `hourly`."""
    columns = ("monitor_id", "region_id", "tenant_id", "error", "dns_us", "tls_us", *_SLICE)
    head = (ids.monitor_id, ids.region_id, ids.tenant_id, 0, 0, 0)
    records = [head + row for row in rows]
    await conn.copy_records_to_table(f"rollups_{grain}", records=records, columns=columns)


_RESULT = ("slot", "outcome", "reason", "total_us", "connect_us", "ttfb_us", "download_us", "detail")


async def copy_results(
    conn: Connection, rows: Iterable[ResultRow], *, tenant_id: UUID, monitor: DemoMonitor, region: tuple[int, int]
) -> None:
    """Single results of one monitor from one region (its id, an agent's number)."""
    columns = ("monitor_id", "region_id", "agent_number", "tenant_id", "check_version", *_RESULT)
    head = (monitor.id, *region, tenant_id, monitor.check_version)
    records = [(*head, *row[:-1], row.message and orjson.dumps({"message": row.message}).decode()) for row in rows]
    await conn.copy_records_to_table("results", records=records, columns=columns)


TAKE_WINDOW_NUMBERS = """
UPDATE tenant_counters SET maintenance = maintenance + $2 WHERE tenant_id = $1 RETURNING maintenance
"""


async def take_window_numbers(conn: Connection, *, tenant_id: UUID, count: int) -> int:
    """The last of so many numbers of maintenance windows, which are the caller's."""
    last: int = await conn.fetchval(TAKE_WINDOW_NUMBERS, tenant_id, count)
    return last


async def copy_rows(conn: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Rows of any other table, in the order of the columns; values of JSON columns are still to be encoded."""
    as_json = [column in _JSON for column in columns]
    records = [
        tuple(orjson.dumps(value).decode() if each else value for value, each in zip(row, as_json, strict=True))
        for row in rows
    ]
    await conn.copy_records_to_table(table, records=records, columns=columns)


_JSON = frozenset({"evidence", "data", "changes"})


SET_HEARTBEAT = """
UPDATE heartbeats
SET phase = 'up', since = $3, counted_from = $4, due_at = $5, pings = $6, last_ping_at = $4, last_kind = 'success'
WHERE tenant_id = $1 AND monitor_id = $2
"""


async def set_heartbeats(conn: Connection, rows: Sequence[Row]) -> None:
    """Tuples in the order of the statement's parameters."""
    await conn.executemany(SET_HEARTBEAT, rows)


ADD_PERSON = "INSERT INTO users (id, email, email_proven, name, created_at) VALUES ($1, $2, false, $3, $4)"
ADD_MEMBER = "INSERT INTO members (tenant_id, user_id, role, email, created_at) VALUES ($1, $2, $3, $4, $5)"


async def add_people(
    conn: Connection, rows: Sequence[tuple[UUID, str, str, str]], *, tenant_id: UUID, at: datetime
) -> None:
    """Members (id, e-mail, name, role) since this instant."""
    await conn.executemany(ADD_PERSON, [(id_, email, name, at) for id_, email, name, _ in rows])
    await conn.executemany(ADD_MEMBER, [(tenant_id, id_, role, email, at) for id_, email, _, role in rows])
