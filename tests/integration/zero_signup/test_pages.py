"""Status pages without an account: created, managed with one key, fed by monitors that everybody may see."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from control_plane.store.tenants import ANONYMOUS
from tests.support.dashboard import Desk
from tests.support.zero_signup import PAGE, a_strangers_monitor, a_strangers_page


def a_picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "#1d5fd1").save(out, "PNG")
    return out.getvalue()


async def test_a_page_is_made_filled_and_changed_with_its_key_alone(desk: Desk) -> None:
    page = await a_strangers_page(desk, is_public=True)
    assert page["manage_key"].startswith("fw_manage_")
    assert page["is_public"] is True
    monitor = await a_strangers_monitor(desk, name="Shop", is_public=True)
    at = f"/api/v1/status-pages/{page['id']}"
    async with desk.served.client(page["manage_key"]) as http:
        assert "manage_key" not in (await http.get(at)).json()
        added = await http.post(f"{at}/components", json={"monitor_id": monitor["id"]})
        assert (added.status_code, added.json()["name"]) == (201, "Shop")
        changed = await http.patch(at, json={"title": "Ours", "is_public": False})
        assert (changed.json()["title"], changed.json()["is_public"]) == ("Ours", False)
        logo = await http.put(f"{at}/logo", content=a_picture(), headers={"Content-Type": "image/png"})
        assert logo.status_code == 200, logo.text
        assert [one["id"] for one in (await http.get("/api/v1/status-pages")).json()["items"]] == [page["id"]]
        assert (await http.get(f"{at}/subscribers")).json()["items"] == []
        asked = await http.post(f"{at}/subscribers", json={"email": "somebody@example.com"})
        assert asked.json()["error"]["code"] == "NOT_FOR_MANAGE_KEYS", "strangers send nobody mail through us"
        assert (await http.get("/api/v1/monitors")).json()["error"]["code"] == "NOT_FOR_MANAGE_KEYS"
    async with desk.served.client() as http:
        shown = await http.get("/status/mine")
        assert "Shop" in shown.text
        assert "example.com" not in shown.text
    async with desk.served.client(page["manage_key"]) as http:
        assert (await http.delete(at)).status_code == 204
        assert (await http.get(at)).status_code in {401, 404}, "the key ended with its page"


async def test_a_page_shows_only_what_its_owner_shows_to_everybody(desk: Desk) -> None:
    page = await a_strangers_page(desk)
    hidden = await a_strangers_monitor(desk, name="Secret project")
    at = f"/api/v1/status-pages/{page['id']}/components"
    async with desk.served.client(page["manage_key"]) as http:
        refused = await http.post(at, json={"monitor_id": hidden["id"]})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "INVALID_MONITOR")
        async with desk.served.client(hidden["manage_key"]) as theirs:
            await theirs.patch(f"/api/v1/monitors/{hidden['id']}", json={"is_public": True})
            assert (await http.post(at, json={"monitor_id": hidden["id"]})).status_code == 201
            await theirs.patch(f"/api/v1/monitors/{hidden['id']}", json={"is_public": False})
        assert (await http.get(at)).json()["items"] == [], "taken back, it is on nobody's page"


async def test_a_key_is_replaced_and_taken_away(desk: Desk) -> None:
    page = await a_strangers_page(desk)
    path = f"/api/v1/status-pages/{page['id']}/manage-key"
    async with desk.served.client(page["manage_key"]) as http:
        assert (await http.get(path)).json()["prefix"] == page["manage_key"][: len("fw_manage_") + 4]
        fresh = (await http.post(f"{path}/rotate")).json()["manage_key"]
        assert (await http.get(path)).status_code == 401
    async with desk.served.client(fresh) as http:
        assert (await http.delete(path)).status_code == 204
        assert (await http.get(path)).status_code == 401
    async with desk.served.client() as http:
        assert (await http.get("/status/mine")).status_code == 200, "the page goes on"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"key": "mine"}, 422, "NOT_FOR_MANAGE_KEYS"),
        ({"custom_domain": "status.example.com"}, 422, "NOT_FOR_MANAGE_KEYS"),
        ({"is_public": "yes"}, 400, "INVALID_TYPE"),
        ({"slug": "admin"}, 422, "SLUG_RESERVED"),
    ],
)
async def test_what_a_page_without_an_account_cannot_have_is_refused(
    desk: Desk, body: dict[str, Any], status: int, code: str
) -> None:
    async with desk.served.client() as http:
        reply = await http.post("/api/v1/status-pages", json={**PAGE, **body})
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code), reply.text
    async with desk.database.owner() as conn:
        assert await conn.fetchval("SELECT count(*) FROM status_pages WHERE tenant_id = $1", ANONYMOUS) == 0


async def test_pages_and_monitors_count_together(desk: Desk) -> None:
    for number in range(5):
        await a_strangers_monitor(desk, name=f"Monitor {number}")
        await a_strangers_page(desk, slug=f"page-{number}")
    async with desk.served.client() as http:
        refused = await http.post("/api/v1/status-pages", json={**PAGE, "slug": "one-more"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")


async def test_a_tenants_page_has_no_is_public(desk: Desk) -> None:
    async with desk.served.tenant() as http:
        reply = await http.post("/api/v1/status-pages", json={**PAGE, "is_public": True})
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "UNKNOWN_FIELD")
        assert "is_public" not in (await http.post("/api/v1/status-pages", json=PAGE)).json()
