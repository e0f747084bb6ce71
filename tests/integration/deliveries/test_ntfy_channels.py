"""An ntfy channel over the API: masked, merged, tested, and the delivery that says which message told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from control_plane.store.pool import Database
from control_plane.tenant_api import channels, deliveries
from tests.support.door import an_api_key, serving
from tests.support.ntfy_server import an_ntfy_server
from tests.support.outbox import SETTINGS, Outbox, working

SCOPES = ("channels:read", "channels:write", "deliveries:read")


@pytest.fixture
async def outbox(database: Database) -> Outbox:
    return await Outbox.make(database)


@pytest.fixture
async def http(outbox: Outbox) -> AsyncIterator[httpx.AsyncClient]:
    async with outbox.database.app_transaction() as conn:
        key = await an_api_key(conn, outbox.tenant_id, *SCOPES)
    routes = (*channels.ROUTES, *deliveries.ROUTES)
    async with serving(outbox.database, routes, delivery=SETTINGS) as door, door.client(key) as client:
        yield client


async def test_a_token_is_masked_kept_by_a_patch_and_sent(http: httpx.AsyncClient) -> None:
    async with an_ntfy_server(token="tk_secret") as server:
        config = {"type": "ntfy", "topic": "alerts", "server_url": server.url, "access_token": "tk_secret"}
        made = await http.post("/api/v1/channels", json={"name": "Phones", "config": config})
        assert made.status_code == 201, made.text
        assert made.json()["config"] == {**config, "server_url": f"{server.url}/", "access_token": "***"}
        path = f"/api/v1/channels/{made.json()['id']}"
        changed = await http.patch(path, json={"config": {"topic": "others"}})
        assert changed.status_code == 200, changed.text
        assert changed.json()["config"]["access_token"] == "***"
        tested = await http.post(f"{path}/test")
        assert tested.status_code == 200, tested.text
        (published,) = server.published
    assert (published["topic"], published["priority"]) == ("others", 3)
    assert "Nothing is wrong" in published["message"]


async def test_the_mask_and_a_path_are_refused_at_their_fields(http: httpx.AsyncClient) -> None:
    for field, value, code in (
        ("access_token", "***", "REDACTION_SENTINEL"),
        ("server_url", "https://ntfy.sh/alerts", "INVALID_CHANNEL_CONFIG"),
    ):
        config = {"type": "ntfy", "topic": "alerts", field: value}
        refused = await http.post("/api/v1/channels", json={"name": "Phones", "config": config})
        error = refused.json()["error"]
        assert (refused.status_code, error["code"], error["field"]) == (400, code, f"/config/{field}")


async def test_a_delivery_says_which_message_told_of_it(outbox: Outbox, http: httpx.AsyncClient) -> None:
    async with an_ntfy_server() as server:
        (owed,) = await outbox.owe_words(await outbox.ntfy_channel(server.url), [await outbox.incident()])
        path = f"/api/v1/deliveries/{owed}"
        assert (await http.get(path)).json()["message_id"] is None
        async with working(outbox.database):
            await outbox.ended(owed)
    assert (await http.get(path)).json()["message_id"] == str(owed)
