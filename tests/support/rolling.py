"""Raw results of past hours, written straight into the table, and what their rollups must then be."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from control_plane.domain.uptime.latency_histogram import histogram_of, to_bytes
from control_plane.store.pool import Connection

HOUR_MS = 3_600_000
FINE_MS = 300_000
PHASES = ("total_us", "dns_us", "connect_us", "tls_us", "ttfb_us", "download_us")
OUTCOMES = ("up", "degraded", "down", "error")
INSERT = """
INSERT INTO results (monitor_id, slot, region_id, agent_number, tenant_id, check_version, outcome, reason,
                     total_us, dns_us, connect_us, tls_us, ttfb_us, download_us)
VALUES ($1, $2, $3, 1, $4, 1, $5, 0, $6, $7, $8, $9, $10, $11)
"""


async def write_results(
    conn: Connection, tenant_id: UUID, monitor_id: UUID, region_id: int, slots: Sequence[int], *, seed: int = 1
) -> None:
    """A result for each slot, of any outcome, some without phases or without a total."""
    chance = random.Random(seed)
    rows = []
    for slot in slots:
        outcome = chance.choices((0, 1, 2, 3), weights=(80, 8, 8, 4))[0]
        phases = [chance.choice((None, chance.randrange(100_000))) for _ in range(5)]
        total = None if chance.random() < 0.1 else int(chance.lognormvariate(11, 2)) % 2**31
        rows.append((monitor_id, slot, region_id, tenant_id, outcome, total, *phases))
    await conn.executemany(INSERT, rows)


async def expected(conn: Connection, width_ms: int, *, until_ms: int) -> dict[tuple[UUID, int, int], dict[str, Any]]:
    """What the rollups of all slices that end by then must be, counted one result at a time."""
    found: dict[tuple[UUID, int, int], list[Any]] = defaultdict(list)
    for row in await conn.fetch("SELECT * FROM results WHERE slot < $1", until_ms):
        found[row["monitor_id"], row["region_id"], row["slot"] // width_ms * width_ms].append(row)
    return {key: _slice(rows) for key, rows in found.items()}


def _slice(rows: Sequence[Any]) -> dict[str, Any]:
    sampled = [row for row in rows if row["outcome"] < 2 and row["total_us"] is not None]
    return {
        "tenant_id": rows[0]["tenant_id"],
        **{
            name: sum(row["outcome"] == n for row in rows) for n, name in enumerate(("up", "degraded", "down", "error"))
        },
        "samples": len(sampled),
        **{name: sum(row[name] or 0 for row in sampled) for name in PHASES},
        "histogram": to_bytes(histogram_of([row["total_us"] for row in sampled])),
    }


async def stored(conn: Connection, table: str, *, until_ms: int) -> dict[tuple[UUID, int, int], dict[str, Any]]:
    """The rollups that there are, in the same form."""
    rows = [dict(row) for row in await conn.fetch(f"SELECT * FROM {table} WHERE starts < $1", until_ms)]
    return {(row.pop("monitor_id"), row.pop("region_id"), row.pop("starts")): row for row in rows}
