"""/api/v1/status-pages and their components, as a tenant's programs see them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from control_plane.store.page_reads import face_by_domain, face_by_slug
from tests.support.seed import new_id
from tests.support.tenant_world import World

PROVE = """
INSERT INTO domains (tenant_id, id, domain, path_token, txt_token, state) VALUES ($1, $2, $3, 'p', 't', $4)
ON CONFLICT (tenant_id, domain) DO UPDATE SET state = excluded.state
"""
PAGES = "/api/v1/status-pages"


async def made(http: httpx.AsyncClient, path: str = PAGES, **body: Any) -> dict[str, Any]:
    reply = await http.post(path, json=body)
    assert reply.status_code == 201, reply.text
    found: dict[str, Any] = reply.json()
    assert reply.headers["Location"] == f"{path}/{found['id']}"
    return found


def code_of(reply: httpx.Response) -> tuple[int, str, str | None]:
    error = reply.json()["error"]
    return reply.status_code, error["code"], error["field"]


async def a_page(world: World, slug: str = "acme", **body: Any) -> dict[str, Any]:
    return await made(world.http, slug=slug, title="Acme", **body)


async def a_line(world: World, page: dict[str, Any], inside: str, /, **body: Any) -> dict[str, Any]:
    """A component of a monitor of its own."""
    monitor = await world.monitor(name=f"{inside} inside")
    return await made(world.http, f"{PAGES}/{page['id']}/components", monitor_id=monitor["id"], **body)


async def test_a_page_is_created_read_changed_and_deleted(world: World) -> None:
    page = await a_page(world, branding={"accent": "#1D5FD1"}, password="open sesame")
    assert (page["state"], page["number"], page["password"], page["components"]) == ("draft", 1, "***", 0)
    assert page["branding"] == {
        "accent": "#1d5fd1", "accent_dark": None, "background": None, "background_dark": None
    }  # fmt: skip
    assert page["url"].endswith("/status/acme")
    path = f"{PAGES}/{page['id']}"
    reply = await world.http.get(path)
    assert reply.json() == page
    old = reply.headers["ETag"]
    body = {"state": "published", "branding": {"background": "#ffffff"}, "password": None}
    changed = await world.http.patch(path, json=body, headers={"If-Match": old})
    assert (changed.json()["state"], changed.json()["password"]) == ("published", None)
    assert changed.json()["branding"]["accent"] == "#1d5fd1"
    assert code_of(await world.http.patch(path, json=body, headers={"If-Match": old}))[1] == "PRECONDITION_FAILED"
    same = await world.http.patch(path, json=body)
    assert same.headers["ETag"] == changed.headers["ETag"], "what changes nothing writes nothing"
    assert (await world.http.delete(path)).status_code == 204
    assert code_of(await world.http.get(path))[:2] == (404, "STATUS_PAGE_NOT_FOUND")
    assert code_of(await world.http.delete(path))[:2] == (404, "STATUS_PAGE_NOT_FOUND")
    assert (await a_page(world))["number"] == 2, "numbers are never given again"


async def test_pages_are_found_by_words_state_and_number(world: World) -> None:
    for slug, state in (("acme-shop", "published"), ("acme-api", "draft"), ("other", "draft")):
        await a_page(world, slug, state=state)
    for query, slugs in {
        "q=ACME-": ["acme-shop", "acme-api"],
        "q=shop": ["acme-shop"],
        "state=draft": ["acme-api", "other"],
        "number=3": ["other"],
        "limit=1&offset=1": ["acme-api"],
        "q=%25": [],
    }.items():
        assert [page["slug"] for page in (await world.get(f"/status-pages?{query}"))["items"]] == slugs, query


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"slug": "ab"}, 400, "INVALID_SLUG", "/slug"),
        ({"slug": "a" * 61}, 400, "INVALID_SLUG", "/slug"),
        ({"slug": "Acme"}, 400, "INVALID_SLUG", "/slug"),
        ({"slug": "-acme"}, 400, "INVALID_SLUG", "/slug"),
        ({"slug": "a--b"}, 400, "INVALID_SLUG", "/slug"),
        ({"slug": "ac/me"}, 400, "INVALID_SLUG", "/slug"),
        ({"slug": "acmé"}, 400, "INVALID_SLUG", "/slug"),
        ({"slug": "api"}, 422, "SLUG_RESERVED", "/slug"),
        ({"slug": "farwatch-support"}, 422, "SLUG_RESERVED", "/slug"),
        ({"slug": None}, 400, "MISSING_FIELD", "/slug"),
        ({"title": ""}, 400, "INVALID_TITLE", "/title"),
        ({"title": "a\nb"}, 400, "INVALID_TITLE", "/title"),
        ({"state": "hidden"}, 400, "INVALID_STATE", "/state"),
        ({"language": "xx"}, 400, "INVALID_LANGUAGE", "/language"),
        ({"password": "short"}, 400, "INVALID_PASSWORD", "/password"),
        ({"password": "***"}, 400, "INVALID_PASSWORD", "/password"),
        ({"password": "not *** known"}, 400, "REDACTION_SENTINEL", "/password"),
        ({"branding": {"accent": "#ffff00"}}, 400, "CONTRAST_TOO_LOW", "/branding/accent"),
        ({"branding": {"accent": "yellow"}}, 400, "INVALID_COLOUR", "/branding/accent"),
        ({"branding": {"font": "Comic Sans"}}, 400, "UNKNOWN_FIELD", "/branding/font"),
        ({"branding": "blue"}, 400, "INVALID_TYPE", "/branding"),
        ({"custom_domain": "status.acme.example"}, 422, "DOMAIN_UNVERIFIED", "/custom_domain"),
        ({"custom_domain": "com"}, 400, "INVALID_DOMAIN", "/custom_domain"),
        ({"history_days": 91}, 400, "INVALID_HISTORY_DAYS", "/history_days"),
        ({"footer_text": "x" * 2001}, 400, "INVALID_TEXT", "/footer_text"),
        ({"listed": "yes"}, 400, "INVALID_TYPE", "/listed"),
        ({"logo": "x"}, 400, "UNKNOWN_FIELD", "/logo"),
    ],
)
async def test_what_no_page_may_be_is_refused_by_field(
    world: World, body: dict[str, Any], status: int, code: str, field: str
) -> None:
    reply = await world.http.post(PAGES, json={"slug": "acme", "title": "Acme", **body})
    assert code_of(reply) == (status, code, field), reply.text


async def test_a_slug_is_one_pages_over_the_whole_installation(world: World) -> None:
    await a_page(world)
    reply = await world.stranger.post(PAGES, json={"slug": "acme", "title": "Mine"})
    assert code_of(reply) == (409, "SLUG_TAKEN", "/slug")
    other = await made(world.stranger, slug="mine", title="Mine")
    reply = await world.stranger.patch(f"{PAGES}/{other['id']}", json={"slug": "acme"})
    assert code_of(reply) == (409, "SLUG_TAKEN", "/slug")


async def test_what_is_another_tenants_is_not_there(world: World) -> None:
    page = await a_page(world)
    line = await a_line(world, page, "Shop")
    path = f"{PAGES}/{page['id']}"
    own = await made(world.stranger, slug="mine", title="Mine")
    for reply in (
        await world.stranger.get(path),
        await world.stranger.patch(path, json={"title": "X"}),
        await world.stranger.delete(path),
        await world.stranger.get(f"{path}/components"),
        await world.stranger.get(f"{path}/components/{line['id']}"),
        await world.stranger.post(f"{path}/reorder", json={"component_ids": [line["id"]]}),
        await world.stranger.delete(f"{path}/logo"),
    ):
        assert code_of(reply)[:2] == (404, "STATUS_PAGE_NOT_FOUND")
    reply = await world.stranger.get(f"{PAGES}/{own['id']}/components/{line['id']}")
    assert code_of(reply)[:2] == (404, "COMPONENT_NOT_FOUND")
    reply = await world.stranger.post(f"{PAGES}/{own['id']}/components", json={"monitor_id": line["monitor_id"]})
    assert code_of(reply) == (400, "INVALID_MONITOR", "/monitor_id")


async def test_a_component_shows_a_monitor_under_a_public_name(world: World) -> None:
    page = await a_page(world)
    line = await a_line(world, page, "Shop", name="Checkout", group="Web", description="Paying", show_latency=False)
    assert (line["name"], line["monitor_name"], line["position"]) == ("Checkout", "Shop inside", 1)
    path = f"{PAGES}/{page['id']}/components/{line['id']}"
    reply = await world.http.get(path)
    assert reply.json() == line
    stale = {"If-Match": reply.headers["ETag"]}
    changed = await world.http.patch(path, json={"group": None, "show_latency": None}, headers=stale)
    assert (changed.json()["group"], changed.json()["show_latency"], changed.json()["name"]) == (None, True, "Checkout")
    assert code_of(await world.http.patch(path, json={"name": "X"}, headers=stale))[1] == "PRECONDITION_FAILED"
    reply = await world.http.patch(path, json={"monitor_id": line["monitor_id"]})
    assert code_of(reply) == (400, "UNKNOWN_FIELD", "/monitor_id")
    assert code_of(await world.http.patch(path, json={"name": None}))[:2] == (400, "MISSING_FIELD")
    assert (await a_line(world, page, "Mail"))["name"] == "Mail inside"
    again = await world.http.post(f"{PAGES}/{page['id']}/components", json={"monitor_id": line["monitor_id"]})
    assert code_of(again) == (409, "COMPONENT_ON_PAGE", "/monitor_id")
    assert (await world.get(f"/status-pages/{page['id']}"))["components"] == 2
    assert (await world.http.delete(path)).status_code == 204
    assert code_of(await world.http.delete(path))[:2] == (404, "COMPONENT_NOT_FOUND")


@pytest.mark.parametrize("monitor_id", [None, "nothing", 5, "0197a2f0-0000-7000-8000-000000000000"])
async def test_a_component_needs_a_monitor_that_there_is(world: World, monitor_id: object) -> None:
    page = await a_page(world)
    reply = await world.http.post(f"{PAGES}/{page['id']}/components", json={"monitor_id": monitor_id})
    code = "MISSING_FIELD" if monitor_id is None else "INVALID_MONITOR"
    assert code_of(reply) == (400, code, "/monitor_id")


async def test_components_are_put_in_order_all_at_once(world: World) -> None:
    page = await a_page(world)
    lines = [await a_line(world, page, name) for name in "abc"]
    ids = [line["id"] for line in lines]
    path = f"{PAGES}/{page['id']}"
    stale = (await world.http.get(path)).headers["ETag"]
    wanted = [ids[2], ids[0], ids[1]]
    reply = await world.http.post(f"{path}/reorder", json={"component_ids": wanted}, headers={"If-Match": stale})
    assert [one["id"] for one in reply.json()["items"]] == wanted
    assert [one["id"] for one in (await world.get(f"/status-pages/{page['id']}/components"))["items"]] == wanted
    reply = await world.http.post(f"{path}/reorder", json={"component_ids": ids}, headers={"If-Match": stale})
    assert code_of(reply)[1] == "PRECONDITION_FAILED"
    for wrong in ([], wanted[:2], [*wanted, wanted[0]], [*wanted[:2], str(new_id())]):
        reply = await world.http.post(f"{path}/reorder", json={"component_ids": wrong})
        assert code_of(reply) == (400, "INVALID_ORDER", "/component_ids")


async def test_a_deleted_monitor_leaves_the_pages_that_show_it(world: World) -> None:
    page = await a_page(world)
    line = await a_line(world, page, "Shop")
    assert (await world.http.delete(f"/api/v1/monitors/{line['monitor_id']}")).status_code == 204
    assert (await world.get(f"/status-pages/{page['id']}/components"))["items"] == []


async def test_pages_and_the_monitors_on_them_are_counted_against_the_plan(world: World) -> None:
    async with world.database.app() as conn:
        await conn.execute("UPDATE tenants SET plan = 'free' WHERE id = $1", world.tenant_id)
        overrides = {"quotas": {"status_pages": 2, "public_components": 1}}
        await conn.execute("UPDATE tenants SET overrides = $2 WHERE id = $1", world.tenant_id, overrides)
    page, other = await a_page(world), await a_page(world, "other")
    reply = await world.http.post(PAGES, json={"slug": "third", "title": "Third"})
    assert code_of(reply)[:2] == (422, "QUOTA_EXCEEDED")
    assert reply.json()["error"]["details"]["quota"] == "status_pages"
    line = await a_line(world, page, "Shop")
    await made(world.http, f"{PAGES}/{other['id']}/components", monitor_id=line["monitor_id"])
    second = await world.monitor(name="Second")
    reply = await world.http.post(f"{PAGES}/{page['id']}/components", json={"monitor_id": second["id"]})
    assert reply.json()["error"]["details"] == {
        "quota": "public_components", "current": 2, "limit": 1, "plan": "free"
    }  # fmt: skip
    assert (await world.get(f"/status-pages/{page['id']}"))["components"] == 1


async def test_a_password_is_stored_as_a_digest_and_never_shown(world: World) -> None:
    await a_page(world, password="open sesame")
    (row,) = await world.rows("SELECT password_digest FROM status_pages")
    assert row["password_digest"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    listed = await world.http.get(PAGES)
    assert "argon2" not in listed.text
    assert "sesame" not in listed.text


async def test_a_custom_domain_counts_while_it_is_proven(world: World) -> None:
    async def prove(tenant_id: object, state: str) -> None:
        async with world.database.app() as conn:
            await conn.execute(PROVE, tenant_id, new_id(), "acme.example", state)

    async def reached() -> str | None:
        async with world.database.app() as conn:
            face = await face_by_domain(conn, domain="status.acme.example")
        return None if face is None else face.slug

    await prove(world.tenant_id, "verified")
    await a_page(world, custom_domain="Status.Acme.Example.", state="published")
    assert await reached() == "acme"
    await prove(world.stranger_id, "verified")
    body = {"slug": "mine", "title": "Mine", "custom_domain": "status.acme.example", "state": "published"}
    assert code_of(await world.stranger.post(PAGES, json=body)) == (409, "CUSTOM_DOMAIN_TAKEN", "/custom_domain")
    await prove(world.tenant_id, "lapsed")
    assert await reached() is None
    await made(world.stranger, **body)
    assert await reached() == "mine"
    assert (await world.get("/status-pages"))["items"][0]["custom_domain"] is None


async def test_a_draft_is_not_public_and_a_published_page_is(world: World) -> None:
    page = await a_page(world)
    async with world.database.app() as conn:
        assert await face_by_slug(conn, slug="acme") is None
    await world.http.patch(f"{PAGES}/{page['id']}", json={"state": "published"})
    async with world.database.app() as conn:
        assert await face_by_slug(conn, slug="acme") is not None


async def test_a_new_order_is_one_line_of_the_audit_log(world: World) -> None:
    page = await a_page(world)
    ids = [(await a_line(world, page, name))["id"] for name in "ab"]
    count = "SELECT object_kind, action FROM audit WHERE tenant_id = $1 ORDER BY at DESC, id DESC LIMIT 3"
    await world.http.post(f"{PAGES}/{page['id']}/reorder", json={"component_ids": ids[::-1]})
    found = [(row["object_kind"], row["action"]) for row in await world.rows(count, world.tenant_id)]
    assert found[0] == ("status_page", "updated")
    assert found[1] == ("page_component", "created")
