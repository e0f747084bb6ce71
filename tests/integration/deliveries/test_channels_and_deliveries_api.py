"""/api/v1/channels over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from control_plane.settings import DeliverySettings
from control_plane.store.pool import Database
from control_plane.tenant_api import channels, deliveries
from tests.support import seed
from tests.support.door import an_api_key, serving
from tests.support.outbox import SETTINGS, Outbox, working
from tests.support.receiver import Receiver, answer

SCOPES = ("channels:read", "channels:write", "deliveries:read", "deliveries:write")
PUBLIC = "https://ops.example.com/t0ken"
NOBODY = "0197a2f0-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Stage:
    """A tenant and a stranger at the same door."""

    outbox: Outbox
    mine: httpx.AsyncClient
    theirs: httpx.AsyncClient

    async def create(self, name: str = "Ops", **config: Any) -> dict[str, Any]:
        document = {"name": name, "config": {"type": "webhook", "url": PUBLIC, **config}}
        response = await self.mine.post("/api/v1/channels", json=document)
        assert response.status_code == 201, response.text
        created: dict[str, Any] = response.json()
        return created


async def a_stage(database: Database, delivery: DeliverySettings) -> AsyncIterator[Stage]:
    outbox, stranger = await Outbox.make(database), await Outbox.make(database, "Stranger")
    async with database.app_transaction() as conn:
        mine = await an_api_key(conn, outbox.tenant_id, *SCOPES)
        theirs = await an_api_key(conn, stranger.tenant_id, *SCOPES)
    routes = (*channels.ROUTES, *deliveries.ROUTES)
    async with (
        serving(database, routes, delivery=delivery) as served,
        served.client(mine) as client,
        served.client(theirs) as other,
    ):
        yield Stage(outbox, client, other)


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    """An installation whose webhooks may go to loopback over http."""
    async for made in a_stage(database, SETTINGS):
        yield made


@pytest.fixture
async def guarded(database: Database) -> AsyncIterator[Stage]:
    """An installation as `serve` makes it."""
    async for made in a_stage(database, DeliverySettings()):
        yield made


def code_of(response: httpx.Response) -> tuple[int, str, str | None]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["field"]


async def test_a_secret_of_ours_is_shown_once_and_masked_ever_after(guarded: Stage) -> None:
    created = await guarded.create(headers={"Authorization": "Bearer t0ken"})
    secret = created["config"]["secret"]
    assert secret.startswith("whsec_")
    assert created["number"] == 1
    read = await guarded.mine.get(f"/api/v1/channels/{created['id']}")
    assert read.json()["config"] == {
        "type": "webhook",
        "url": "***",
        "headers": {"Authorization": "***"},
        "secret": "***",
    }
    listed = await guarded.mine.get("/api/v1/channels")
    for text in (read.text, listed.text):
        assert secret not in text
        assert "t0ken" not in text
    assert listed.json()["total"] == 1
    assert read.json()["health"] == {
        "state": "unknown",
        "consecutive_failures": 0,
        "last_delivered_at": None,
        "last_error": None,
    }


async def test_a_secret_that_was_sent_is_not_repeated(guarded: Stage) -> None:
    created = await guarded.create(secret="sixteen letters!")
    assert created["config"]["secret"] == "***"


async def test_nothing_secret_is_stored_in_the_open(guarded: Stage) -> None:
    await guarded.create(headers={"Authorization": "Bearer t0ken"}, secret="sixteen letters!")
    row = await guarded.outbox.value("SELECT channels::text || encode(sealed, 'escape') FROM channels")
    assert "t0ken" not in row
    assert "sixteen" not in row


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"type": "webhook", "url": "http://a.example.com"}, (400, "INVALID_CHANNEL_CONFIG", "/config/url")),
        ({"type": "webhook", "url": "https://[::ffff:10.0.0.1]/h"}, (400, "SSRF_BLOCKED", "/config/url")),
        ({"type": "webhook", "url": "https://127.0.0.1/h"}, (400, "SSRF_BLOCKED", "/config/url")),
        ({"type": "webhook", "url": 5}, (400, "INVALID_CHANNEL_CONFIG", "/config/url")),
        ({"type": "webhook"}, (400, "INVALID_CHANNEL_CONFIG", "/config/url")),
        ({"type": "webhook", "url": PUBLIC, "colour": "red"}, (400, "INVALID_CHANNEL_CONFIG", "/config/colour")),
        ({"type": "webhook", "url": PUBLIC, "headers": []}, (400, "INVALID_CHANNEL_CONFIG", "/config/headers")),
        ({"type": "webhook", "url": PUBLIC, "headers": {"X": 1}}, (400, "INVALID_CHANNEL_CONFIG", "/config/headers")),
        ({"type": "webhook", "url": PUBLIC, "headers": {"X": "***"}}, (400, "REDACTION_SENTINEL", "/config/headers/X")),
        ({"type": "webhook", "url": "***"}, (400, "REDACTION_SENTINEL", "/config/url")),
        ({"type": "webhook", "url": PUBLIC, "headers": {"Host": "x"}}, (400, "INVALID_HEADER", "/config/headers/Host")),
        ({"type": "webhook", "url": PUBLIC, "secret": "short"}, (400, "INVALID_CHANNEL_CONFIG", "/config/secret")),
        ({"type": "pager", "url": PUBLIC}, (400, "INVALID_CHANNEL_CONFIG", "/config/type")),
        ({"type": "slack", "webhook_url": PUBLIC}, (400, "INVALID_CHANNEL_CONFIG", "/config/webhook_url")),
        ({"type": "telegram_app", "chat_id": "1"}, (422, "CHANNEL_KIND_MANAGED", "/config/type")),
        ({}, (400, "INVALID_CHANNEL_CONFIG", "/config/type")),
    ],
)
async def test_a_bad_configuration_is_refused_by_field_and_changes_nothing(
    guarded: Stage, config: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    for path, document in (
        ("/api/v1/channels", {"name": "Ops", "config": config}),
        ("/api/v1/channels/test", {"config": config}),
    ):
        assert code_of(await guarded.mine.post(path, json=document)) == expected
    assert (await guarded.mine.get("/api/v1/channels")).json()["total"] == 0


@pytest.mark.parametrize("name", ["", "x" * 101, "a\nb", "a\r\nBcc: x@evil.example"])
async def test_a_bad_name_is_refused(guarded: Stage, name: str) -> None:
    document = {"name": name, "config": {"type": "webhook", "url": PUBLIC}}
    assert code_of(await guarded.mine.post("/api/v1/channels", json=document)) == (400, "NAME_INVALID", "/name")


async def test_names_are_unique_per_tenant(guarded: Stage) -> None:
    first = await guarded.create("Ops")
    second = await guarded.create("Night")
    document = {"name": "Ops", "config": {"type": "webhook", "url": PUBLIC}}
    taken = (422, "CHANNEL_NAME_TAKEN", "/name")
    assert code_of(await guarded.mine.post("/api/v1/channels", json=document)) == taken
    assert code_of(await guarded.mine.patch(f"/api/v1/channels/{second['id']}", json={"name": "Ops"})) == taken
    assert (await guarded.theirs.post("/api/v1/channels", json=document)).status_code == 201
    assert (first["number"], second["number"]) == (1, 2)


async def test_a_patch_merges_and_keeps_the_secrets_it_does_not_name(stage: Stage, receiver: Receiver) -> None:
    created = await stage.create(url=receiver.url(), headers={"X-A": "1", "X-B": "2"}, secret="sixteen letters!")
    path = f"/api/v1/channels/{created['id']}"
    patch = {"name": "Renamed", "config": {"headers": {"X-A": None, "X-C": "3"}}}
    changed = await stage.mine.patch(path, json=patch)
    assert changed.json()["config"]["headers"] == {"X-B": "***", "X-C": "***"}
    assert changed.headers["ETag"].startswith('"2-')
    assert (await stage.mine.post(f"{path}/test")).status_code == 200
    (request,) = receiver.received
    request.verify("sixteen letters!")
    assert (request.headers["x-b"], request.headers["x-c"]) == ("2", "3")
    assert "x-a" not in request.headers


async def test_an_unknown_field_is_answered_with_those_that_there_are(guarded: Stage) -> None:
    config = {"type": "ntfy", "topic": "alerts", "server": "https://ntfy.example"}
    refused = await guarded.mine.post("/api/v1/channels", json={"name": "Phones", "config": config})
    assert code_of(refused) == (400, "INVALID_CHANNEL_CONFIG", "/config/server")
    assert "known here: access_token, password, server_url, topic, username" in refused.json()["error"]["message"]


async def test_a_secret_set_to_null_is_replaced_by_one_of_ours(guarded: Stage) -> None:
    created = await guarded.create(secret="sixteen letters!")
    changed = await guarded.mine.patch(f"/api/v1/channels/{created['id']}", json={"config": {"secret": None}})
    assert changed.json()["config"]["secret"].startswith("whsec_")


async def test_a_kind_stays_what_it_is(guarded: Stage) -> None:
    created = await guarded.create()
    changed = await guarded.mine.patch(f"/api/v1/channels/{created['id']}", json={"config": {"type": "slack"}})
    assert code_of(changed) == (400, "INVALID_CHANNEL_CONFIG", "/config/type")


async def test_a_stale_write_is_refused(guarded: Stage) -> None:
    created = await guarded.create()
    path, stale = f"/api/v1/channels/{created['id']}", {"If-Match": '"1"'}
    assert (await guarded.mine.patch(path, json={"name": "New"}, headers=stale)).status_code == 200
    assert (await guarded.mine.patch(path, json={"name": "Newer"}, headers=stale)).status_code == 412
    assert (await guarded.mine.delete(path, headers=stale)).status_code == 412
    assert (await guarded.mine.delete(path, headers={"If-Match": '"2"'})).status_code == 204


async def test_a_deleted_channel_leaves_its_log_and_takes_its_bindings(stage: Stage, receiver: Receiver) -> None:
    channel_id = UUID((await stage.create(url=receiver.url()))["id"])
    delivery_id = await stage.outbox.owe(channel_id, await stage.outbox.incident())
    async with stage.outbox.database.app_transaction() as conn:
        region_id = await seed.a_region(conn)
        monitor_id = await seed.a_monitor(conn, stage.outbox.tenant_id, [region_id])
    bind = "INSERT INTO monitor_channels (tenant_id, monitor_id, channel_id) VALUES ($1, $2, $3)"
    await stage.outbox.execute(bind, stage.outbox.tenant_id, monitor_id, channel_id)
    assert (await stage.mine.delete(f"/api/v1/channels/{channel_id}")).status_code == 204
    assert (await stage.mine.get(f"/api/v1/channels/{channel_id}")).status_code == 404
    assert await stage.outbox.value("SELECT count(*) FROM monitor_channels") == 0
    left = (await stage.mine.get(f"/api/v1/deliveries/{delivery_id}")).json()
    assert (left["state"], left["reason"], left["channel_id"]) == ("cancelled", "The channel was deleted", None)
    replayed = await stage.mine.post(f"/api/v1/deliveries/{delivery_id}/replay")
    assert code_of(replayed) == (409, "CHANNEL_GONE", None)


async def test_disabling_cancels_what_is_still_owed(stage: Stage, receiver: Receiver) -> None:
    channel_id = UUID((await stage.create(url=receiver.url()))["id"])
    delivery_id = await stage.outbox.owe(channel_id, await stage.outbox.incident())
    assert (await stage.mine.patch(f"/api/v1/channels/{channel_id}", json={"enabled": False})).status_code == 200
    assert (await stage.outbox.view(delivery_id)).reason == "The channel was disabled"


async def test_a_strangers_channel_does_not_exist(guarded: Stage) -> None:
    created = await guarded.create()
    path = f"/api/v1/channels/{created['id']}"
    for response in (
        await guarded.theirs.get(path),
        await guarded.theirs.patch(path, json={"name": "Mine now"}),
        await guarded.theirs.delete(path),
        await guarded.theirs.post(f"{path}/test"),
    ):
        assert code_of(response) == (404, "NOT_FOUND", None)
    assert (await guarded.theirs.get("/api/v1/channels")).json()["items"] == []
    assert (await guarded.mine.get(path)).json()["name"] == "Ops"


async def test_an_unsaved_configuration_is_tested_and_forgotten(stage: Stage, receiver: Receiver) -> None:
    config = {"type": "webhook", "url": receiver.url(), "secret": "sixteen letters!"}
    response = await stage.mine.post("/api/v1/channels/test", json={"config": config})
    assert response.status_code == 200
    assert response.json()["delivered"] is True
    (request,) = receiver.received
    request.verify("sixteen letters!")
    assert b"This is a test sent by Farwatch. Nothing is wrong." in request.body
    assert (await stage.mine.get("/api/v1/channels")).json()["total"] == 0
    assert (await stage.mine.get("/api/v1/deliveries")).json()["total"] == 0


async def test_a_failed_test_says_what_happened_and_is_not_tried_again(stage: Stage, receiver: Receiver) -> None:
    receiver.otherwise = answer(500, b"no disk")
    created = await stage.create(url=receiver.url())
    saved = await stage.mine.post(f"/api/v1/channels/{created['id']}/test")
    config = {"type": "webhook", "url": receiver.url()}
    unsaved = await stage.mine.post("/api/v1/channels/test", json={"config": config})
    for response in (saved, unsaved):
        assert code_of(response) == (422, "CHANNEL_TEST_FAILED", None)
        details = response.json()["error"]["details"]
        assert (details["http_status"], details["response"]) == (500, "no disk")
    (logged,) = (await stage.mine.get("/api/v1/deliveries", params={"state": "dead"})).json()["items"]
    assert (logged["notice"], logged["attempts"]) == ("test", 1)


async def test_a_disabled_channel_can_be_tested(stage: Stage, receiver: Receiver) -> None:
    created = await stage.create(url=receiver.url())
    await stage.mine.patch(f"/api/v1/channels/{created['id']}", json={"enabled": False})
    tested = await stage.mine.post(f"/api/v1/channels/{created['id']}/test")
    assert tested.status_code == 200
    log = (await stage.mine.get(f"/api/v1/deliveries/{tested.json()['delivery_id']}")).json()["log"]
    assert [attempt["outcome"] for attempt in log] == ["delivered"]


async def test_the_delivery_log_is_filtered_paged_and_complete(stage: Stage, receiver: Receiver) -> None:
    receiver.script.append(answer(410, b"gone"))
    channel_id = UUID((await stage.create(url=receiver.url()))["id"])
    incidents = [await stage.outbox.incident() for _ in range(2)]
    dead = await stage.outbox.owe(channel_id, incidents[0])
    async with working(stage.outbox.database):
        await stage.outbox.ended(dead)
        delivered = await stage.outbox.owe(channel_id, incidents[1])
        await stage.outbox.ended(delivered)
    page = (await stage.mine.get("/api/v1/deliveries", params={"limit": 1})).json()
    assert (page["total"], [item["id"] for item in page["items"]]) == (2, [str(delivered)])
    for query in ({"state": "dead"}, {"incident_id": str(incidents[0])}):
        found = (await stage.mine.get("/api/v1/deliveries", params=query)).json()["items"]
        assert [item["id"] for item in found] == [str(dead)]
    by_channel = await stage.mine.get("/api/v1/deliveries", params={"channel_id": str(channel_id)})
    assert by_channel.json()["total"] == 2
    of_incident = (await stage.mine.get(f"/api/v1/incidents/{incidents[1]}/deliveries")).json()["items"]
    assert [item["id"] for item in of_incident] == [str(delivered)]
    detail = (await stage.mine.get(f"/api/v1/deliveries/{dead}")).json()
    assert detail["body"]["delivery_id"] == str(dead)
    (attempt,) = detail["log"]
    assert (attempt["attempt"], attempt["outcome"], attempt["http_status"], attempt["response"]) == (
        1,
        "dead",
        410,
        "gone",
    )
    health = (await stage.mine.get(f"/api/v1/channels/{channel_id}")).json()["health"]
    assert (health["state"], health["consecutive_failures"]) == ("ok", 0)


async def test_a_dead_delivery_is_replayed_over_http(stage: Stage, receiver: Receiver) -> None:
    receiver.script.append(answer(410))
    channel_id = UUID((await stage.create(url=receiver.url()))["id"])
    delivery_id = await stage.outbox.owe(channel_id, await stage.outbox.incident())
    path = f"/api/v1/deliveries/{delivery_id}/replay"
    async with working(stage.outbox.database):
        await stage.outbox.ended(delivery_id)
        assert code_of(await stage.theirs.post(path)) == (404, "NOT_FOUND", None)
        assert (await stage.mine.post(path)).json()["state"] == "pending"
        assert (await stage.outbox.ended(delivery_id)).state == "delivered"
    assert code_of(await stage.mine.post(path)) == (409, "DELIVERY_NOT_DEAD", None)


@pytest.mark.parametrize(
    ("of", "code"),
    [("incidents", "INCIDENT_NOT_FOUND"), ("monitors", "MONITOR_NOT_FOUND")],
    ids=["incidents", "monitors"],
)
async def test_the_deliveries_of_what_is_not_mine_do_not_exist(stage: Stage, of: str, code: str) -> None:
    incident_id = await stage.outbox.incident()
    for client, object_id in ((stage.mine, NOBODY), (stage.theirs, incident_id)):
        response = await client.get(f"/api/v1/{of}/{object_id}/deliveries")
        assert code_of(response) == (404, code, None)


async def test_a_strangers_delivery_does_not_exist(stage: Stage, receiver: Receiver) -> None:
    channel_id = UUID((await stage.create(url=receiver.url()))["id"])
    delivery_id = await stage.outbox.owe(channel_id, await stage.outbox.incident())
    assert code_of(await stage.theirs.get(f"/api/v1/deliveries/{delivery_id}")) == (404, "NOT_FOUND", None)
    assert (await stage.theirs.get("/api/v1/deliveries")).json()["items"] == []


async def test_a_plan_allows_so_many_channels_also_to_those_who_ask_at_once(guarded: Stage) -> None:
    await guarded.outbox.execute("UPDATE tenants SET plan = 'free' WHERE id = $1", guarded.outbox.tenant_id)
    for number in range(8):
        await guarded.create(f"Channel {number}")
    document = {"config": {"type": "webhook", "url": PUBLIC}}
    answers = await asyncio.gather(
        *(guarded.mine.post("/api/v1/channels", json=document | {"name": f"Late {number}"}) for number in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 422, 422, 422, 422]
    refused = next(answer for answer in answers if answer.status_code == 422)
    assert code_of(refused)[1] == "QUOTA_EXCEEDED"
    assert refused.json()["error"]["details"] == {"quota": "channels", "current": 10, "limit": 10, "plan": "free"}
