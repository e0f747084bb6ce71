"""Budgets per registrable domain, over all tenants."""

from __future__ import annotations

import time
from uuid import UUID

import pytest

from control_plane.errors import TooMany
from control_plane.services.safety.domain_budget import (
    ON_DEMAND_PER_DOMAIN,
    RECHECKS_PER_DOMAIN,
    beyond_budget,
    domains_of,
    require_room,
)
from control_plane.store.domain_load import ON_DEMAND_WINDOW_S
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support import seed
from tests.support.deciding import Stage

DISPATCH = """
INSERT INTO dispatches (id, region_id, tenant_id, kind, slot, expires_at, domain)
SELECT gen_random_uuid(), $1, $2, $3, $4, now() + interval '1 minute', $5 FROM generate_series(1, $6)
"""


class Fleet:
    """Two tenants and a region of a database."""

    def __init__(self, database: Database, tenants: tuple[TenantId, TenantId], region_id: int) -> None:
        self.database = database
        self.tenants = tenants
        self.region_id = region_id

    async def dispatch(self, kind: str, domain: str, count: int, *, ago_s: float = 0, tenant: int = 0) -> None:
        slot = int((time.time() - ago_s) * 1000)
        async with self.database.app() as conn:
            await conn.execute(DISPATCH, self.region_id, self.tenants[tenant], kind, slot, domain, count)

    async def monitor(self, url: str) -> UUID:
        async with self.database.app_transaction() as conn:
            check = {"type": "http", "url": url, "timeout": 10_000}
            monitor_id: UUID = await seed.a_monitor(conn, self.tenants[0], [self.region_id], check=check)
        return monitor_id


@pytest.fixture
async def fleet(database: Database) -> Fleet:
    async with database.app_transaction() as conn:
        tenants = await seed.a_tenant(conn), await seed.a_tenant(conn, "Other")
        return Fleet(database, tenants, await seed.a_region(conn, "eu"))


async def test_tests_and_check_nows_of_all_tenants_share_a_domains_budget(fleet: Fleet) -> None:
    await fleet.dispatch("test", "example.com", ON_DEMAND_PER_DOMAIN // 2, ago_s=20)
    await fleet.dispatch("check_now", "example.com", ON_DEMAND_PER_DOMAIN // 2 - 1, tenant=1)
    await require_room(fleet.database, "example.com", wanted=1)
    with pytest.raises(TooMany) as refused:
        await require_room(fleet.database, "example.com", wanted=2)
    assert 1 <= refused.value.retry_after_s <= ON_DEMAND_WINDOW_S - 20
    await require_room(fleet.database, "example.org", wanted=2)
    await require_room(fleet.database, None, wanted=10_000)


async def test_what_was_asked_before_the_window_is_forgotten(fleet: Fleet) -> None:
    await fleet.dispatch("test", "example.com", ON_DEMAND_PER_DOMAIN, ago_s=ON_DEMAND_WINDOW_S + 1)
    await fleet.dispatch("recheck", "example.com", ON_DEMAND_PER_DOMAIN)
    await require_room(fleet.database, "example.com", wanted=1)


async def test_rechecks_beyond_a_domains_budget_are_left_out(fleet: Fleet) -> None:
    near, next_, far, inside = [
        await fleet.monitor(url)
        for url in ("https://a.example.com/", "https://b.example.com/", "https://example.org/", "http://127.0.0.1/")
    ]
    await fleet.dispatch("recheck", "example.com", RECHECKS_PER_DOMAIN - 12, tenant=1)
    async with fleet.database.app() as conn:
        domains = await domains_of(conn, dict.fromkeys([near, next_, far, inside], fleet.tenants[0]))
        assert domains == {near: "example.com", next_: "example.com", far: "example.org"}
        beyond = await beyond_budget(conn, dict.fromkeys([near, next_, far, inside], 12), domains)
    assert beyond == {next_}


async def test_an_outage_at_a_domain_whose_budget_is_spent_waits_for_the_normal_cadence(database: Database) -> None:
    check = {"type": "http", "url": "https://www.example.com/", "timeout": 10_000}
    stage = await Stage.make(database, regions=("ap", "eu", "us"), check=check)
    await stage.all_up()
    fleet = Fleet(database, (TenantId(stage.tenant_id),) * 2, stage.reporters["eu"].region_id)
    await fleet.dispatch("recheck", "example.com", RECHECKS_PER_DOMAIN)
    await stage.report("eu", "down", at=5)
    assert [row for row in await stage.rechecks() if row["monitor_id"] == stage.monitor_id] == []


async def test_rechecks_say_whom_they_bother(database: Database) -> None:
    check = {"type": "http", "url": "https://www.example.com/", "timeout": 10_000}
    stage = await Stage.make(database, regions=("eu", "us"), check=check)
    await stage.all_up()
    await stage.report("eu", "down", at=5)
    assert len(await stage.rechecks()) > 0
    assert {row["domain"] for row in await stage.rows("SELECT domain FROM dispatches")} == {"example.com"}
