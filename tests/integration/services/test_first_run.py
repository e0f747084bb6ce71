from __future__ import annotations

import asyncio

from control_plane.domain.tenants.credentials import KeyKind, looks_like_key
from control_plane.services.tenants.first_run import RegionDefinition, ensure_first_tenant
from control_plane.store.pool import Database
from tests.support.seed import PEPPER

REGIONS = (
    RegionDefinition(slug="local", name="This machine", allow_cidrs=("127.0.0.0/8",)),
    RegionDefinition(slug="other", name="Another"),
)


async def test_a_fresh_installation_gets_a_tenant_a_key_and_the_regions_it_asks_for(database: Database) -> None:
    made = await ensure_first_tenant(database, pepper=PEPPER, regions=REGIONS)
    assert made is not None
    assert looks_like_key(made.api_key, KeyKind.TENANT)
    assert set(made.probe_keys) == {"local", "other"}
    async with database.app() as conn:
        rows = await conn.fetch("SELECT slug, tenant_id, allow_cidrs::text[] AS reach FROM regions ORDER BY slug")
        plan = await conn.fetchval("SELECT plan FROM tenants WHERE id = $1", made.tenant_id)
    assert plan == "unlimited"
    assert [tuple(row) for row in rows] == [
        ("local", made.tenant_id, ["127.0.0.0/8"]),
        ("other", made.tenant_id, []),
    ]


async def test_of_many_processes_at_once_one_makes_it(database: Database) -> None:
    made = await asyncio.gather(*(ensure_first_tenant(database, pepper=PEPPER) for _ in range(5)))
    assert sum(one is not None for one in made) == 1
    async with database.app() as conn:
        assert await conn.fetchval("SELECT count(*) FROM tenants") == 1
