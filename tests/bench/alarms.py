"""Incidents and their webhooks, as a tenant sets them up, and when the database says they opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from shared.results import OUTCOMES, Outcome
from tests.bench.hooks import Hooks
from tests.bench.world import World

OPENED = "incident.opened"

_BIND = "INSERT INTO monitor_channels (tenant_id, monitor_id, channel_id) SELECT $1, unnest($2::uuid[]), $3"
_OPENED = """
SELECT monitor_id, extract(epoch FROM opened_at)::float8 AS at, cardinality(regions_down) AS regions
FROM incidents WHERE monitor_id = ANY($1::uuid[])
"""
_FIRST_BAD = """
SELECT monitor_id, min(slot + coalesce(total_us, 0) / 1000) / 1000.0 AS at
FROM results WHERE monitor_id = ANY($1::uuid[]) AND outcome = $2 GROUP BY monitor_id
"""


async def alert(world: World, monitor_ids: Sequence[UUID], hooks: Hooks) -> None:
    """A webhook channel made through the API, bound to these monitors."""
    await alert_through(world, monitor_ids, {"type": "webhook", "url": hooks.url})


async def alert_through(world: World, monitor_ids: Sequence[UUID], config: Mapping[str, str]) -> None:
    """A channel of this configuration made through the API, bound to these monitors."""
    async with world.api() as api:
        document = {"name": f"Bench {config['type']}", "config": dict(config)}
        answer = await api.post("/api/v1/channels", json=document)
        answer.raise_for_status()
    async with world.database.app_transaction() as conn:
        await conn.execute(_BIND, world.tenant_id, monitor_ids, UUID(answer.json()["id"]))


async def opened_at(world: World, monitor_ids: Sequence[UUID]) -> dict[UUID, float]:
    """When each monitor's only incident opened, in Unix seconds. More than one incident is a broken promise."""
    async with world.database.owner() as conn:
        rows = await conn.fetch(_OPENED, list(monitor_ids))
    assert len({row["monitor_id"] for row in rows}) == len(rows), "a monitor has two incidents"
    return {row["monitor_id"]: row["at"] for row in rows}


async def first_bad_at(world: World, monitor_ids: Sequence[UUID]) -> dict[UUID, float]:
    """When each monitor's first bad check ended, had it begun on time, in Unix seconds."""
    async with world.database.owner() as conn:
        rows = await conn.fetch(_FIRST_BAD, list(monitor_ids), OUTCOMES.index(Outcome.DOWN))
    return {row["monitor_id"]: float(row["at"]) for row in rows}
