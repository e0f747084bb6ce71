"""Many monitors are read by other statements than one: both say the same."""

from __future__ import annotations

from uuid import UUID

from msgspec import structs

from control_plane.services.installation.identity import new_id
from control_plane.store import monitor_reads
from control_plane.store.monitor_reads import MonitorView
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support import seed
from tests.support.deciding import Stage

_GONE = "UPDATE assignments SET removed_at = now() WHERE monitor_id = $1 AND region_id = $2"
_NEWER = "UPDATE assignments SET check_version = 2 WHERE monitor_id = $1 AND region_id = $2"
_WINDOW = """
INSERT INTO monitor_periods (tenant_id, monitor_id, kind, starts_at, ends_at)
VALUES ($1, $2, 'maintenance', now() - interval '1 hour', now() + interval '1 hour')
"""
_DEPENDS = "INSERT INTO monitor_dependencies (tenant_id, monitor_id, depends_on) VALUES ($1, $2, $3)"


async def _both_ways(stage: Stage, *monitor_ids: UUID) -> tuple[list[MonitorView], list[MonitorView]]:
    """One by one, and together; without the instant of the reading."""
    tenant_id = TenantId(stage.tenant_id)
    async with stage.database.tenant(tenant_id) as conn:
        alone = [
            await monitor_reads.get_monitor(conn, tenant_id=tenant_id, monitor_id=monitor_id)
            for monitor_id in monitor_ids
        ]
        together = await monitor_reads.get_monitors(conn, tenant_id=tenant_id, monitor_ids=monitor_ids)
    views = [view for view in alone if view is not None]
    return [structs.replace(view, now_ms=0) for view in views], [structs.replace(view, now_ms=0) for view in together]


async def test_monitors_read_together_are_what_they_are_one_by_one(database: Database) -> None:
    stage = await Stage.make(database, regions=("ap", "eu", "us", "za"))
    await stage.bind_channel()
    await stage.all_up()
    await stage.report("eu", "down", at=0)
    async with database.app_transaction() as conn:
        regions = [reporter.region_id for reporter in stage.reporters.values()]
        unheard = await seed.a_monitor(conn, TenantId(stage.tenant_id), regions[:2])
        await conn.execute(_GONE, stage.monitor_id, stage.reporters["us"].region_id)
        await conn.execute(_NEWER, stage.monitor_id, stage.reporters["ap"].region_id)
        await conn.execute(_WINDOW, stage.tenant_id, unheard)
        await conn.execute(_DEPENDS, stage.tenant_id, unheard, stage.monitor_id)

    alone, together = await _both_ways(stage, unheard, new_id(), stage.monitor_id)

    assert together == alone
    assert [view.in_maintenance for view in together] == [True, False]
    assert [region.vote for region in together[1].regions] == [None, "up", None, "up"]
    assert together[1].newest_slot == stage.slot(0)


async def test_of_anothers_monitors_nothing_is_read(database: Database) -> None:
    stage = await Stage.make(database, regions=("eu",))
    async with database.app_transaction() as conn:
        stranger = await seed.a_tenant(conn)
    async with database.tenant(stranger) as conn:
        assert await monitor_reads.get_monitors(conn, tenant_id=stranger, monitor_ids=[stage.monitor_id]) == []
