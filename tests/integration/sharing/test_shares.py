"""Share links: what whoever has one sees, and what nobody sees."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from control_plane.services.pages.shared_view import SharedView
from control_plane.store.pool import Database
from tests.integration.sharing.test_badges import share
from tests.support.dashboard import Desk

SECRETS = ("127.0.0.1", "8080", "connection refused", "502", "nginx", "/health", "Bearer")
DIGESTS = "SELECT encode(digest, 'escape') FROM monitor_shares"
EXPIRE = "UPDATE monitor_shares SET expires_at = now() - interval '1 second'"
LIMIT = "UPDATE tenants SET plan = 'free'"
USED = "SELECT last_used_at IS NOT NULL FROM monitor_shares"


async def test_the_token_is_shown_once_and_only_its_digest_is_kept(database: Database, desk: Desk) -> None:
    monitor_id = await desk.monitor()
    made = await share(desk, monitor_id, label="Agency")
    assert len(made["token"]) == 32
    assert made["path"] == f"/m/{made['token']}"
    async with desk.served.tenant() as http:
        listed = (await http.get(f"/api/v1/monitors/{monitor_id}/shares")).json()
    assert (listed["total"], listed["items"][0]["label"]) == (1, "Agency")
    assert "token" not in listed["items"][0]
    async with database.owner() as conn:
        assert made["token"] not in await conn.fetchval(DIGESTS)


async def test_the_page_says_how_it_is_and_nothing_of_what_is_asked_or_answered(database: Database, desk: Desk) -> None:
    monitor_id = await desk.monitor("Checkout <b>", check={"type": "http", "url": "http://127.0.0.1:8080/health"})
    token = (await share(desk, monitor_id))["token"]
    await desk.all_up(monitor_id)
    await desk.down(monitor_id, *desk.regions)
    async with desk.browser() as http:
        page = await http.get(f"/m/{token}")
        told = await http.get(f"/api/public/v1/shares/{token}")
    assert (page.status_code, told.status_code) == (200, 200)
    view = told.json()
    assert (view["name"], view["state"]) == ("Checkout <b>", "down")
    assert view["sentence"] == "Down: 3 of 3 regions cannot reach it."
    assert [vote["state"] for vote in view["votes"]] == ["down"] * 3
    assert [each["title"] for each in view["incidents"]] == ["Checkout <b> is down"]
    assert [each["period"] for each in view["uptime"]] == ["24h", "7d", "30d", "90d"]
    assert view["latency"]["p50"] is not None
    for said in (page.text, told.text):
        assert not [secret for secret in SECRETS if secret in said]
    assert "Checkout &lt;b&gt;" in page.text
    assert "<script" not in page.text
    assert page.headers["X-Robots-Tag"] == "noindex"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == told.headers["Cache-Control"] == "public, max-age=10"
    async with database.owner() as conn:
        assert await conn.fetchval(USED)


@pytest.mark.parametrize("state", ["unknown", "up", "degraded", "paused"])
async def test_every_state_has_a_page(desk: Desk, state: str) -> None:
    monitor_id = await desk.monitor()
    token = (await share(desk, monitor_id))["token"]
    if state in ("up", "paused"):
        await desk.all_up(monitor_id)
    if state == "degraded":
        for region in desk.regions:
            await desk.report(monitor_id, region, "degraded", seconds_ago=5)
            await desk.report(monitor_id, region, "degraded")
    if state == "paused":
        async with desk.served.tenant() as http:
            assert (await http.post(f"/api/v1/monitors/{monitor_id}/pause")).status_code == 200
    async with desk.browser() as http:
        page = await http.get(f"/m/{token}")
    assert page.status_code == 200
    assert f'class="state-{state}">{state.capitalize()}<' in page.text


async def test_unknown_revoked_and_expired_links_have_one_answer(database: Database, desk: Desk) -> None:
    monitor_id = await desk.monitor()
    revoked, expired = await share(desk, monitor_id), await share(desk, monitor_id)
    feed_like = "A" * 32
    async with desk.served.tenant() as http:
        gone = await http.delete(f"/api/v1/monitors/{monitor_id}/shares/{revoked['id']}")
        again = await http.delete(f"/api/v1/monitors/{monitor_id}/shares/{revoked['id']}")
        assert (gone.status_code, again.status_code) == (204, 404)
    async with database.owner() as conn:
        await conn.execute(EXPIRE)
    async with desk.browser() as http:
        tokens = (feed_like, "x", revoked["token"], expired["token"])
        pages = [await http.get(f"/m/{token}") for token in tokens]
        told = [await http.get(f"/api/public/v1/shares/{token}") for token in tokens]
    assert {(page.status_code, page.text) for page in pages} == {(404, pages[0].text)}
    assert {(one.status_code, one.json()["error"]["code"]) for one in told} == {(404, "SHARE_NOT_FOUND")}


async def test_labels_and_ends_have_limits(desk: Desk) -> None:
    monitor_id = await desk.monitor()
    past = (desk.served.deps.now() - timedelta(minutes=1)).isoformat()
    async with desk.served.tenant() as http:
        path = f"/api/v1/monitors/{monitor_id}/shares"
        for body, code in (
            ({"label": "x" * 81}, "SHARE_LABEL_INVALID"),
            ({"label": "a\u0007b"}, "SHARE_LABEL_INVALID"),
            ({"expires_at": past}, "INVALID_EXPIRY"),
            ({"days": 7}, "UNKNOWN_FIELD"),
        ):
            reply = await http.post(path, json=body)
            assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)
        assert (await http.post(f"/api/v1/monitors/{uuid4()}/shares", json={})).status_code == 404


async def test_a_plan_counts_links_of_a_monitor_and_monitors_that_have_any(database: Database, desk: Desk) -> None:
    monitors = [await desk.monitor(f"M{n}") for n in range(3)]
    async with database.owner() as conn:
        await conn.execute(LIMIT)
    desk.served.deps.authenticator.forget("")  # whatever was remembered of the plan before
    refused = []
    async with desk.served.tenant() as http:
        for n, monitor_id in enumerate((*monitors, monitors[0])):
            reply = await http.post(f"/api/v1/monitors/{monitor_id}/shares", json={"label": str(n)})
            refused.append(reply.json().get("error", {}).get("details", {}).get("quota"))
    assert refused == [None, None, "shared_monitors", "share_links_per_monitor"]


def walked(kind: Any, seen: set[Any]) -> Iterator[tuple[str, Any]]:
    """Each field of a type and of the types within, by "Type.field"."""
    if kind in seen:
        return
    seen.add(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for field in msgspec.structs.fields(kind):
            yield f"{kind.__name__}.{field.name}", field.type
            yield from walked(field.type, seen)
        return
    for part in typing.get_args(kind):
        yield from walked(part, seen)


TEXTS = {"SharedView.name", "SharedView.sentence", "SharedVote.region", "SharedVote.name", "SharedIncident.title"}
"""Fields of free text: names that a tenant gave for people to read, and words of ours."""


def test_no_public_type_can_hold_what_is_asked_or_answered() -> None:
    fields = dict(walked(SharedView, set()))
    assert len(fields) >= 20
    texts = {name for name, kind in fields.items() if kind is str}
    assert texts == TEXTS
    for name, kind in fields.items():
        for leaf in (kind, *typing.get_args(kind)):
            assert leaf not in (bytes, dict, object, Any), name
            assert typing.get_origin(leaf) is not dict, name
            assert leaf is not str or name in TEXTS, name


@pytest.mark.parametrize(
    ("accepted", "html", "over", "uptime"),
    [
        ("fr, de;q=0.8, en;q=0.5", '<html lang="de" dir="ltr">', "Dieser Link führt nirgendwohin", "Verfügbarkeit"),
        ("ar-EG", '<html lang="ar" dir="rtl">', "هذا الرابط لا يؤدي إلى شيء", "نسبة التوفر"),
        ("", '<html lang="en" dir="ltr">', "It may have been revoked", "Uptime"),
    ],
    ids=["de", "ar", "none"],
)
async def test_a_link_is_told_in_the_readers_language(
    desk: Desk, accepted: str, html: str, over: str, uptime: str
) -> None:
    token = (await share(desk, await desk.monitor(name="Shop")))["token"]
    async with desk.served.client(**{"Accept-Language": accepted}) as http:
        for path, said in ((f"/m/{token}", uptime), ("/m/nope", over), ("/c/nope", ""), ("/verify/nope", "")):
            reply = await http.get(path)
            assert html in reply.text, path
            assert said in reply.text
            assert "Accept-Language" in reply.headers["Vary"]
        assert "used before" not in (await http.get("/m/nope")).text
