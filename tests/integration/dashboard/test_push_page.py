"""One's own browsers: listed, tested and removed; and what makes the dashboard an app that can be pushed to."""

from __future__ import annotations

import json
import struct
from typing import Any

import httpx

from tests.support.dashboard import Desk, post, token_of
from tests.support.vendor_push import Browser

HERE = "/app/settings/push"


async def subscribe(http: httpx.AsyncClient, name: str = "Firefox on my phone") -> str:
    """As static/push.js does it: with the session and its token."""
    config = Browser("").config
    keys = {"p256dh": config["p256dh"], "auth": config["auth"]}
    body = {"endpoint": config["endpoint"], "keys": keys, "name": name}
    token = token_of((await http.get(HERE)).text)
    reply = await http.post("/api/v1/push-subscriptions", json=body, headers={"X-CSRF-Token": token})
    assert reply.status_code == 201, reply.text
    made: str = reply.json()["id"]
    return made


async def test_a_browser_is_listed_without_its_address_and_removed(http: httpx.AsyncClient) -> None:
    made = await subscribe(http)
    text = (await http.get(HERE)).text
    assert "Firefox on my phone" in text
    assert "push.example.net" in text
    assert "/send/abc" not in text
    assert "every incident" in text
    assert (await post(http, f"{HERE}/{made}/remove", page=HERE)).status_code == 303
    assert "Firefox on my phone" not in (await http.get(HERE)).text
    for verb in ("test", "remove"):
        assert (await post(http, f"{HERE}/{made}/{verb}", page=HERE)).status_code == 404


async def test_a_test_that_does_not_arrive_says_why(http: httpx.AsyncClient) -> None:
    made = await subscribe(http)
    reply = await post(http, f"{HERE}/{made}/test", page=HERE)
    assert reply.status_code == 422
    assert "The test did not arrive" in reply.text


async def test_nobody_sees_or_ends_the_browser_of_another(desk: Desk, http: httpx.AsyncClient) -> None:
    made = await subscribe(http)
    async with desk.served.tenant() as api:
        scopes = ["push-subscriptions:read", "push-subscriptions:write"]
        key = (await api.post("/api/v1/keys", json={"label": "other", "scopes": scopes})).json()["key"]
    async with desk.signed_in(key) as other:
        assert "Firefox on my phone" not in (await other.get(HERE)).text
        assert (await post(other, f"{HERE}/{made}/remove", page=HERE)).status_code == 404


async def test_the_page_says_what_helps_where_scripts_do_not_run(http: httpx.AsyncClient) -> None:
    text = (await http.get(HERE)).text
    assert "if scripts are switched off" in text
    assert 'id="push-on" type="button" hidden' in text


async def test_the_service_worker_governs_the_site_and_is_never_stale(desk: Desk) -> None:
    async with desk.browser() as stranger:
        reply = await stranger.get("/sw.js")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert reply.headers["Service-Worker-Allowed"] == "/"
    assert reply.headers["Cache-Control"] == "no-cache"
    assert "connect-src 'self'" in reply.headers["Content-Security-Policy"]
    assert "script-src" not in reply.headers["Content-Security-Policy"]


async def test_every_host_has_the_icon_that_browsers_ask_for_by_themselves(desk: Desk) -> None:
    async with desk.browser() as stranger:
        for host in ("127.0.0.1", "status.acme.example"):
            reply = await stranger.get("/favicon.ico", headers={"Host": host})
            assert (reply.status_code, reply.headers["Content-Type"]) == (200, "image/png")
            assert reply.content.startswith(b"\x89PNG")
            assert reply.headers["Cache-Control"] == "public, max-age=86400"
        assert (await stranger.head("/favicon.ico")).status_code == 200


async def test_the_dashboard_can_be_installed(desk: Desk) -> None:
    """The rules by which browsers offer it: a name, a start within the scope, icons of 192 and 512 that are there."""
    async with desk.browser() as stranger:
        front = (await stranger.get("/")).text
        assert '<link rel="manifest" href="/app.webmanifest">' in front
        reply = await stranger.get("/app.webmanifest")
        assert reply.headers["Content-Type"].startswith("application/manifest+json")
        manifest: dict[str, Any] = json.loads(reply.text)
        assert manifest["name"]
        assert len(manifest["short_name"]) <= 12
        assert manifest["start_url"].startswith(manifest["scope"])
        assert manifest["display"] == "standalone"
        assert {icon["sizes"] for icon in manifest["icons"]} >= {"192x192", "512x512"}
        assert "maskable" in {icon["purpose"] for icon in manifest["icons"]}
        for icon in manifest["icons"]:
            image = await stranger.get(icon["src"])
            assert image.headers["Content-Type"].partition(";")[0] == icon["type"]
            assert len(image.content) < 40_000
            if icon["type"] == "image/png":
                width, height = struct.unpack(">II", image.content[16:24])
                assert f"{width}x{height}" == icon["sizes"]
        for shown in ("icon-192.png", "badge-96.png"):
            assert (await stranger.get(f"/static/0/{shown}")).headers["Content-Type"] == "image/png"
