"""heartbeat.pinged: told live to whoever listens, without an id, and never before the commit."""

from __future__ import annotations

import json
from uuid import uuid4

from control_plane.public_site import ROUTES as PUBLIC
from control_plane.store.pool import Database
from control_plane.tenant_api.events import ROUTES as EVENTS
from tests.support import seed
from tests.support.door import an_api_key, serving
from tests.support.heartbeats import a_heartbeat, pinged, send_burst
from tests.support.sse_client import streaming
from tests.support.waiting import until


async def test_a_ping_is_told_to_whoever_listens_and_carries_no_id(database: Database) -> None:
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
        monitor_id, ping_id = await a_heartbeat(conn, tenant_id)
        key = await an_api_key(conn, tenant_id, "events:read")
    async with (
        serving(database, (*PUBLIC, *EVENTS)) as door,
        streaming(door, "/api/v1/events?events=heartbeat.pinged", key) as stream,
    ):
        assert stream.status == 200
        await until(lambda: str(tenant_id) in door.deps.hub.watched_tenants(), "somebody is known to listen")
        rid = uuid4()
        await send_burst(door.host, door.port, [f"/ping/{ping_id}/7?rid={rid}"])
        told = await stream.next()
        assert told is not None
        assert told.event == "heartbeat.pinged"
        assert told.last_event_id == stream.last_event_id
        data = json.loads(told.data)
        assert (data["monitor_id"], data["number"], data["kind"], data["exit_code"], data["rid"]) == (
            str(monitor_id),
            1,
            "fail",
            7,
            str(rid),
        )
        assert str(ping_id) not in told.data
        assert len((await pinged(database))[monitor_id]) == 1
