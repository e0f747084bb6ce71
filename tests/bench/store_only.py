"""The floor of ingest: PostgreSQL storing the same columns by the batch, without votes, verdicts or a control plane."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec

from control_plane.store.pool import Database
from shared.results import OUTCOMES, REASONS, CheckResult, Detail
from tests.bench.cpu import cpu_seconds, difference
from tests.bench.rotation import Turn
from tests.bench.world import POSTGRES, World

_CREATE = "CREATE TABLE bench_results (LIKE results, PRIMARY KEY (monitor_id, region_id, slot))"
_INSERT = """
INSERT INTO bench_results (monitor_id, slot, region_id, agent_number, tenant_id, check_version, outcome, reason,
                           http_status, dns_us, connect_us, ttfb_us, download_us, total_us, detail)
SELECT item.monitor_id, item.slot, $1, 1, $2, 1, item.outcome, item.reason, item.http_status, item.dns_us,
       item.connect_us, item.ttfb_us, item.download_us, item.total_us, item.detail
FROM unnest($3::uuid[], $4::bigint[], $5::smallint[], $6::smallint[], $7::smallint[], $8::int[], $9::int[], $10::int[],
            $11::int[], $12::int[], $13::text[])
    AS item (monitor_id, slot, outcome, reason, http_status, dns_us, connect_us, ttfb_us, download_us, total_us, detail)
ON CONFLICT (monitor_id, region_id, slot) DO NOTHING
"""


class StoreOnly:
    def __init__(self, world: World) -> None:
        self._world = world
        self._stored = 0

    @classmethod
    @asynccontextmanager
    async def made(cls, world: World) -> AsyncIterator[StoreOnly]:
        async with world.database.owner() as conn:
            await conn.execute(_CREATE)
        yield cls(world)

    async def turn(self, made: dict[int, list[list[CheckResult]]]) -> Turn:
        """Store all of it, one connection per region, a commit per batch."""
        tenant_id = self._world.tenant_id
        columns = {key: [_columns(items) for items in lists] for key, lists in made.items()}
        count = sum(len(items) for lists in made.values() for items in lists)
        roots = {POSTGRES: self._world.roots()[POSTGRES]}
        before = cpu_seconds(roots)
        async with asyncio.TaskGroup() as tasks:
            for key, lists in columns.items():
                tasks.create_task(_store(self._world.database, key, tenant_id, lists))
        used = difference(before, cpu_seconds(roots))
        return Turn(used, count, wrong=await self._missing(count))

    async def _missing(self, count: int) -> int:
        async with self._world.database.owner() as conn:
            found: int = await conn.fetchval("SELECT count(*) FROM bench_results")
        self._stored += count
        return self._stored - found


async def _store(database: Database, region_id: int, tenant_id: UUID, lists: Sequence[Sequence[list[Any]]]) -> None:
    async with database.owner() as conn:
        for columns in lists:
            await conn.execute(_INSERT, region_id, tenant_id, *columns)


def _columns(items: Sequence[CheckResult]) -> list[list[Any]]:
    rows = [
        (
            item.monitor_id,
            item.slot,
            OUTCOMES.index(item.outcome),
            REASONS.index(item.reason),
            item.http_status,
            *(None if value is None else int(value * 1000) for value in _phases(item)),
            msgspec.json.encode(item.detail).decode() if isinstance(item.detail, Detail) else None,
        )
        for item in items
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def _phases(item: CheckResult) -> tuple[float | None, ...]:
    return (item.dns, item.connect, item.ttfb, item.download, item.total)
