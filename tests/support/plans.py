"""What a statement really reads: rows taken from each table, by its plan once it has run."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

import asyncpg

MANY = """
INSERT INTO monitors (tenant_id, id, number, name, kind, "check", first_slot, interval_s, regions, write_source)
SELECT $1, gen_random_uuid(), n, 'monitor ' || n, 'http', '{}', 1, 60, $2, 'api' FROM generate_series(1, $3) AS n
"""
"""Monitors of a tenant ($1), numbered from 1, in these regions ($2), so many ($3)."""

STATES = """
INSERT INTO monitor_states (tenant_id, monitor_id, assigned, verdict)
SELECT tenant_id, id, cardinality(regions), 'up' FROM monitors
"""
"""The state of every monitor."""


async def rows_read(
    conn: asyncpg.Connection, statement: str, *arguments: Any, tables: Collection[str]
) -> dict[str, int]:
    """Run it; how many rows it took from each of these tables, those that it threw away included."""
    text = await conn.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *arguments)
    read = dict.fromkeys(tables, 0)
    for node in _nodes(json.loads(text)[0]["Plan"]):
        name = node.get("Relation Name")
        if name in read:
            taken = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            read[name] += round(taken * node["Actual Loops"])
    return read


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
