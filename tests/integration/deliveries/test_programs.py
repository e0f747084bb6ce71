"""Receivers that are programs, through the whole outbox: one notice, one call, and one alert for an incident."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import msgspec
import pytest

from control_plane.notify.pagerduty import HOSTS
from control_plane.settings import Settings
from control_plane.tenant_api import channels
from tests.support.alertmanager_server import an_alertmanager
from tests.support.door import an_api_key, serving
from tests.support.outbox import SETTINGS, Outbox, working
from tests.support.vendor_pagerduty import KEY, PagerDutyJudge
from tests.support.vendors import vendor_server

MANY = 12
"""Incidents at once: beyond what a channel that people read would send singly."""


async def test_alerts_open_one_by_one_and_end_whatever_their_monitors_are_called_by_then(outbox: Outbox) -> None:
    async with an_alertmanager() as server, working(outbox.database):
        channel_id = await outbox.channel_of({"type": "alertmanager", "url": server.url}, name="Routing")
        incidents = [await outbox.incident() for _ in range(MANY)]
        await outbox.owe_words(channel_id, incidents, kind="alertmanager")
        await outbox.emptied()
        assert len(server.firing(datetime.now(UTC))) == len(server.receiver.received) == MANY
        await outbox.owe_words(channel_id, incidents, "resolved", kind="alertmanager")
        await outbox.emptied()
        assert server.firing(datetime.now(UTC)) == []
        assert len(server.alerts) == MANY
        assert len(server.receiver.received) == 2 * MANY


async def test_pagerduty_opens_one_by_one_and_ends(outbox: Outbox) -> None:
    judge = PagerDutyJudge()
    async with vendor_server(judge, *HOSTS.values()) as server:
        settings = Settings(delivery=server.settings())
        config = {"type": "pagerduty", "routing_key": KEY, "region": "eu"}
        channel_id = await outbox.channel_of(config, name="On call", settings=settings)
        incidents = [await outbox.incident() for _ in range(MANY)]
        async with working(outbox.database, whole=settings):
            await outbox.owe_words(channel_id, incidents, kind="pagerduty")
            await outbox.emptied()
            assert judge.open == {str(incident_id): "triggered" for incident_id in incidents}
            await outbox.owe_words(channel_id, incidents, "resolved", kind="pagerduty")
            await outbox.emptied()
    assert judge.open == {}
    assert len(judge.events) == 2 * MANY


@pytest.mark.parametrize("is_offered", [False, True])
async def test_apprise_is_there_where_the_operator_offers_it(outbox: Outbox, is_offered: bool) -> None:
    async with outbox.database.app_transaction() as conn:
        key = await an_api_key(conn, outbox.tenant_id, "channels:write")
    delivery = msgspec.structs.replace(SETTINGS, apprise=is_offered)
    body = {
        "name": "Tail",
        "config": {"type": "apprise", "url": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"},
    }
    async with serving(outbox.database, channels.ROUTES, delivery=delivery) as door, door.client(key) as http:
        reply = await http.post("/api/v1/channels", json=body)
    assert _said(reply) == ((201, "***") if is_offered else (422, "CHANNEL_KIND_UNAVAILABLE"))


def _said(reply: httpx.Response) -> tuple[int, str]:
    document = reply.json()
    return reply.status_code, document["error"]["code"] if reply.is_error else document["config"]["url"]
