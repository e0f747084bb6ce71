"""Browsers that are told: subscribed, tested, told of incidents, ended; each is its owner's alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from control_plane.notify import vapid
from control_plane.settings import Settings
from control_plane.store.pool import Database
from tests.support.outbox import Outbox, working
from tests.support.serving import SETTINGS, ControlPlane, control_plane
from tests.support.vendor_push import HOST, Browser
from tests.support.vendors import Reply, VendorServer, vendor_server

PATH = "/api/v1/push-subscriptions"


@dataclass
class Stage:
    plane: ControlPlane
    http: httpx.AsyncClient
    browser: Browser
    server: VendorServer
    settings: Settings

    def body(self, **over: Any) -> dict[str, Any]:
        config = self.browser.config
        keys = {"p256dh": config["p256dh"], "auth": config["auth"]}
        return {"endpoint": config["endpoint"], "keys": keys, "name": "My phone", **over}

    async def subscribed(self, **over: Any) -> dict[str, Any]:
        made = await self.http.post(PATH, json=self.body(**over))
        assert made.status_code == 201, made.text
        document: dict[str, Any] = made.json()
        return document

    async def key(self, *scopes: str) -> httpx.AsyncClient:
        body = {"label": "another key", "scopes": list(scopes)}
        made = await self.http.post("/api/v1/keys", json=body)
        assert made.status_code == 201, made.text
        return self.plane.client(made.json()["key"])


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    browser = Browser(vapid.public_key(SETTINGS))
    async with vendor_server(browser.judge, HOST) as server:
        settings = msgspec.structs.replace(SETTINGS, delivery=server.settings())
        async with control_plane(database, settings) as plane, plane.tenant() as http:
            yield Stage(plane, http, browser, server, settings)


async def test_a_browser_subscribes_with_our_key_is_tested_and_ended(stage: Stage) -> None:
    assert (await stage.http.get(f"{PATH}/key")).json() == {"public_key": stage.browser.server_key}
    made = await stage.subscribed()
    assert (made["name"], made["service"], made["everything"], made["state"]) == ("My phone", HOST, True, "unknown")
    assert stage.browser.config["auth"] not in str(made)
    tested = await stage.http.post(f"{PATH}/{made['id']}/test")
    assert tested.status_code == 200, tested.text
    assert "Nothing is wrong" in stage.browser.shown[0]["body"]
    listed = (await stage.http.get(PATH)).json()
    assert [(each["id"], each["state"]) for each in listed["items"]] == [(made["id"], "ok")]
    assert (await stage.http.delete(f"{PATH}/{made['id']}")).status_code == 204
    assert (await stage.http.get(PATH)).json()["items"] == []
    assert (await stage.http.get("/api/v1/channels")).json()["items"] == []
    assert (await stage.http.get("/api/v1/routes")).json()["items"] == []


async def test_it_is_a_channel_whose_address_is_never_shown_and_never_changed(stage: Stage) -> None:
    made = await stage.subscribed(everything=False)
    path = f"/api/v1/channels/{made['id']}"
    config = (await stage.http.get(path)).json()["config"]
    assert config == {"type": "web_push", "endpoint": "***", "p256dh": "***", "auth": "***"}
    moved = await stage.http.patch(path, json={"config": {"endpoint": "https://elsewhere.example.net/x"}})
    assert (moved.status_code, moved.json()["error"]["code"]) == (422, "CHANNEL_KIND_MANAGED")
    posted = await stage.http.post("/api/v1/channels", json={"name": "x", "config": stage.browser.config})
    assert (posted.status_code, posted.json()["error"]["code"]) == (422, "CHANNEL_KIND_MANAGED")
    assert (await stage.http.get("/api/v1/routes")).json()["items"] == []


async def test_the_same_browser_again_is_the_same_browser(stage: Stage) -> None:
    first = await stage.subscribed()
    second = await stage.subscribed(name="My phone, renamed")
    assert first["id"] != second["id"]
    assert [each["name"] for each in (await stage.http.get(PATH)).json()["items"]] == ["My phone, renamed"]
    assert len((await stage.http.get("/api/v1/routes")).json()["items"]) == 1


async def test_one_that_replaces_another_keeps_its_name_and_what_it_is_told_of(stage: Stage) -> None:
    first = await stage.subscribed(everything=False)
    moved = f"{stage.browser.config['endpoint']}-moved"
    second = await stage.subscribed(endpoint=moved, replaces=first["id"])
    assert (second["name"], second["everything"]) == ("My phone", False)
    assert [each["id"] for each in (await stage.http.get(PATH)).json()["items"]] == [second["id"]]
    again = await stage.subscribed(endpoint=f"{moved}-again", replaces=first["id"], name="Another")
    assert again["everything"] is True, "what is gone already is replaced by nothing"
    async with await stage.key("push-subscriptions:read", "push-subscriptions:write") as other:
        body = stage.body(endpoint=f"{moved}-other", replaces=again["id"])
        assert (await other.post(PATH, json=body)).status_code == 201
    assert len((await stage.http.get(PATH)).json()["items"]) == 2, "nobody replaces another owner's"
    wrong = await stage.http.post(PATH, json=stage.body(replaces="mine"))
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "INVALID_REPLACES")


async def test_every_owner_sees_and_ends_their_own_alone(stage: Stage) -> None:
    made = await stage.subscribed()
    async with await stage.key("push-subscriptions:read", "push-subscriptions:write") as other:
        assert (await other.get(PATH)).json()["items"] == []
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/test")):
            reply = await other.request(method, f"{PATH}/{made['id']}{path}")
            assert reply.status_code == 404, method
    async with await stage.key("push-subscriptions:read") as reader:
        assert (await reader.post(PATH, json=stage.body())).status_code == 403
    assert stage.browser.shown == []


async def test_a_browser_that_ended_its_subscription_disables_it_with_the_reason(
    stage: Stage, database: Database
) -> None:
    made = await stage.subscribed()
    stage.browser.ended = True
    failed = await stage.http.post(f"{PATH}/{made['id']}/test")
    assert (failed.status_code, failed.json()["error"]["code"]) == (422, "CHANNEL_TEST_FAILED")
    found = (await stage.http.get(f"{PATH}/{made['id']}")).json()
    assert (found["enabled"], found["disabled_reason"]) == (False, "The browser has ended this subscription")


async def test_an_incident_reaches_the_browser(stage: Stage, database: Database) -> None:
    made = await stage.subscribed()
    outbox = Outbox(database, stage.plane.home.tenant_id)
    await outbox.owe_words(UUID(made["id"]), [await outbox.incident()], kind="web_push")
    async with working(database, whole=stage.settings):
        await outbox.emptied()
    assert [each["title"] for each in stage.browser.shown] == ["API 1 is down"]


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"endpoint": "https://127.0.0.2:1/x", "keys": {"p256dh": "x", "auth": "y"}}, "/config/p256dh"),
        ({"endpoint": "ftp://push.example.net/x"}, "/config/endpoint"),
        ({"name": ""}, None),
        ({"keys": {"p256dh": "x"}}, "/keys/auth"),
        ({"unknown": 1}, "/unknown"),
    ],
    ids=["keys", "scheme", "no name", "missing", "unknown"],
)
async def test_what_is_no_subscription_is_refused_by_field(
    stage: Stage, over: dict[str, Any], field: str | None
) -> None:
    reply = await stage.http.post(PATH, json=stage.body(**over))
    if field is None:
        assert reply.status_code == 201
        return
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["field"] == field
    assert (await stage.http.get("/api/v1/channels")).json()["items"] == []


async def test_a_push_service_that_is_down_is_told_as_it_is(stage: Stage) -> None:
    made = await stage.subscribed()
    stage.browser.replies.append(Reply(503, b"try later"))
    failed = await stage.http.post(f"{PATH}/{made['id']}/test")
    assert failed.json()["error"]["details"]["http_status"] == 503
    assert (await stage.http.get(f"{PATH}/{made['id']}")).json()["enabled"]
