"""Rules cost a mass outage a few statements, however many monitors and routes there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest

from control_plane.domain.alerting.alerting import IncidentFacts, NoticeBody, notice_body
from control_plane.services.alerting.owe_deliveries import owe_deliveries
from control_plane.services.installation.identity import new_id
from control_plane.store import notices
from control_plane.store.deliveries import DeliveryRow
from control_plane.store.notices import ChannelTarget
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId
from tests.support import seed

MONITORS, ROUTES = 2_000, 50
COPY_MONITOR = """
INSERT INTO monitors (tenant_id, id, number, name, kind, "check", check_version, first_slot, interval_s, regions, tags,
    write_source)
SELECT tenant_id, gen_random_uuid(), number + n, name || n, kind, "check", check_version, first_slot, interval_s,
    regions, ARRAY['t' || n % 50], write_source
FROM monitors, generate_series(1, $1) n
"""
CHANNEL = """
INSERT INTO channels (tenant_id, id, number, name, kind, config, write_source)
VALUES ($1, $1, 1, 'Ops', 'webhook', '{}', 'api')
"""
ADD_ROUTES = """
INSERT INTO routes (tenant_id, id, name, tags, write_source)
SELECT $1, gen_random_uuid(), 'r' || n, ARRAY['t' || n % 50], 'api' FROM generate_series(1, $2) n
"""
LEAD = "INSERT INTO route_channels (tenant_id, route_id, channel_id) SELECT tenant_id, id, tenant_id FROM routes"
SILENCE = """
INSERT INTO silences (tenant_id, id, name, starts_at, ends_at, tags, created_by, write_source)
VALUES ($1, gen_random_uuid(), 'Upgrade', now() - interval '1 hour', now() + interval '1 hour', ARRAY['t7'], 'x', 'api')
"""


class Counting:
    """A connection that counts what is asked of it."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.asked = 0

    async def fetch(self, *asked: Any) -> Any:
        self.asked += 1
        return await self._conn.fetch(*asked)

    async def execute(self, *asked: Any) -> Any:
        self.asked += 1
        return await self._conn.execute(*asked)


def _row(tenant_id: TenantId, target: ChannelTarget, number: int) -> DeliveryRow:
    delivery_id, now = new_id(), datetime.now(UTC)
    incident = IncidentFacts(
        id=new_id(),
        number=number,
        type="down",
        severity="major",
        state="triggered",
        started_at=now,
        resolved_at=None,
        cause="Down",
        regions_down=(),
        regions_up=(),
    )
    body = NoticeBody(
        event="incident.opened",
        delivery_id=delivery_id,
        occurred_at=now,
        tenant_id=tenant_id,
        monitor=None,
        incident=incident,
        reason="Down",
    )
    return DeliveryRow(
        tenant_id=tenant_id,
        id=delivery_id,
        number=number,
        channel_id=target.channel_id,
        channel_name=target.name,
        channel_kind=target.kind,
        incident_id=incident.id,
        monitor_id=target.monitor_id,
        event="incident.opened",
        notice="opened",
        body=notice_body(body),
    )


async def outage(conn: Connection, tenant_id: TenantId, monitor_ids: list[UUID]) -> int:
    """Owe what an outage of these monitors owes; the statements that it took."""
    counting = Counting(conn)
    as_connection = cast("Connection", counting)
    targets = await notices.channels_bound(
        as_connection,
        tenant_id=tenant_id,
        monitor_ids=monitor_ids,
        severities=["major"] * len(monitor_ids),
        event="incident.opened",
    )
    first = await conn.fetchval("SELECT coalesce(max(number), 0) + 1 FROM deliveries")
    rows = [_row(tenant_id, target, number) for number, target in enumerate(targets, first)]
    assert len(rows) == len(monitor_ids)
    await owe_deliveries(as_connection, rows)
    return counting.asked


@pytest.mark.parametrize(("silences", "statements"), [(0, 4), (1, 5)])
async def test_two_thousand_monitors_and_fifty_routes_ask_no_more_than_one(
    database: Database, silences: int, statements: int
) -> None:
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
        await seed.a_monitor(conn, tenant_id, [await seed.a_region(conn, "eu")])
        await conn.execute(COPY_MONITOR, MONITORS)
        await conn.execute(CHANNEL, tenant_id)
        await conn.execute(ADD_ROUTES, tenant_id, ROUTES)
        await conn.execute(LEAD)
        for _ in range(silences):
            await conn.execute(SILENCE, tenant_id)
        found = await conn.fetch("SELECT id FROM monitors WHERE cardinality(tags) > 0")
        monitor_ids = [row["id"] for row in found]
        assert len(monitor_ids) == MONITORS
        assert await outage(conn, tenant_id, monitor_ids[:1]) == statements
        await conn.execute("DELETE FROM deliveries")
        assert await outage(conn, tenant_id, monitor_ids) == statements
        states = dict(await conn.fetch("SELECT state, count(*) FROM deliveries GROUP BY state"))
    muted = MONITORS // 50 * silences
    assert states == {"pending": MONITORS - muted} | ({"cancelled": muted} if silences else {})
