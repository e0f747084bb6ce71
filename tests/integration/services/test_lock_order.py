"""Whoever will judge waits for the state of what is upstream before it holds the tenant's counters (docs/adr/0024).

The other way round, a judgement of the upstream, which has its state and wants the counters, would wait in a circle.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from control_plane.services.fleet.change_region import remove_region
from control_plane.services.incidents.declare_incident import Declaration, declare_incident
from control_plane.store import cases
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support import seed
from tests.support.deciding import Stage
from tests.support.restraining import depends
from tests.support.waiting import until_async

WAITING = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
TAKE_COUNTERS = "SELECT FROM tenant_counters WHERE tenant_id = $1 FOR UPDATE NOWAIT"


async def _remove(stage: Stage) -> None:
    await remove_region(stage.database, "eu")


async def _declare(stage: Stage) -> None:
    declaration = Declaration(title="It is slow", monitor_ids=[stage.monitor_id])
    tenant_id = TenantId(stage.tenant_id)
    await declare_incident(
        stage.database, declaration, tenant_id=tenant_id, incident_id=seed.new_id(), actor="somebody"
    )


@pytest.mark.parametrize("act", [_remove, _declare])
async def test_counters_are_free_while_an_upstreams_state_is_waited_for(
    database: Database, act: Callable[[Stage], Awaitable[None]]
) -> None:
    stage = await Stage.make(database, regions=("eu", "us"))
    async with database.app_transaction() as conn:
        elsewhere = [stage.reporters["us"].region_id]
        upstream = await seed.a_monitor(conn, TenantId(stage.tenant_id), elsewhere)
    await depends(stage, stage.monitor_id, upstream)

    async with database.app_transaction() as conn:
        await cases.lock_states(conn, [upstream])
        acting = asyncio.ensure_future(act(stage))
        await until_async(lambda: conn.fetchval(WAITING), "it waits for the upstream's state")
        await conn.execute(TAKE_COUNTERS, stage.tenant_id)
    await acting
