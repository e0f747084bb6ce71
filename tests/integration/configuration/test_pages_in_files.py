"""Status pages in a configuration file: exported, applied again without a change, changed, pruned, refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.configuration import Keeper, actions, fields, told

BEAT = {"type": "heartbeat", "period": 3600}
MONITORS = [{"key": key, "name": key.upper(), "check": BEAT} for key in ("api", "db", "web/1")]
PAGE: dict[str, Any] = {
    "key": "acme",
    "slug": "acme-status",
    "title": "Acme status",
    "description": "One line\nand another",
    "state": "published",
    "listed": False,
    "language": "de",
    "branding": {"accent": "#1d5fd1"},
    "footer_text": "Ask us",
    "show_latency": True,
    "history_days": 30,
    "components": [
        {"monitor": "web/1", "name": "Shop", "group": "Shop"},
        {"monitor": "api", "name": "API", "description": "For programs", "show_uptime": False},
        {"monitor": "db", "name": "Orders", "group": "Shop", "show_latency": False},
    ],
}
FILE: dict[str, Any] = {"version": 1, "monitors": MONITORS, "status_pages": [PAGE]}


def with_page(**changed: Any) -> dict[str, Any]:
    return {"version": 1, "status_pages": [{**PAGE, **changed}]}


async def public_order(keeper: Keeper) -> list[str]:
    (page,) = (await keeper.http.get("/api/v1/status-pages")).json()["items"]
    listed = await keeper.http.get(f"/api/v1/status-pages/{page['id']}/components")
    return [one["name"] for one in listed.json()["items"]]


async def test_what_is_applied_is_exported_and_makes_an_empty_tenant_the_same(keeper: Keeper) -> None:
    applied = await keeper.apply(FILE)
    assert applied["summary"]["create"] == 4
    assert await public_order(keeper) == ["Shop", "API", "Orders"]
    before = await keeper.fingerprint()
    assert (await keeper.apply(FILE, prune=True))["changes"] == []
    assert await keeper.fingerprint() == before
    exported = await keeper.export()
    assert exported["status_pages"] == [PAGE]
    sources = await keeper.rows("SELECT write_source FROM status_pages UNION SELECT write_source FROM page_components")
    assert sources == [{"write_source": "file"}]
    there = {**exported, "status_pages": [{**PAGE, "slug": "acme-too"}]}
    await told(keeper.empty, "apply", there)
    assert await keeper.export(keeper.empty) == there


async def test_a_plan_reads_like_the_change_that_was_made(keeper: Keeper) -> None:
    await keeper.apply(FILE)
    shop, api, orders = PAGE["components"]
    renamed = with_page(
        title="Acme",
        branding={"accent": "#0b57d0"},
        components=[shop, {**api, "name": "Programs"}, {"monitor": "db", "name": "Orders"}],
    )
    assert fields(await keeper.plan(renamed), "acme") == {
        "/title": ("Acme status", "Acme"),
        "/branding/accent": ("#1d5fd1", "#0b57d0"),
        "/components/api/name": ("API", "Programs"),
        "/components/db/group": ("Shop", None),
        "/components/db/show_latency": (False, True),
    }
    await keeper.apply(renamed)
    moved = with_page(components=[orders, shop])
    assert fields(await keeper.plan(moved), "acme")["/components/api"] == (
        {"monitor": "api", "name": "Programs", "description": "For programs", "show_uptime": False},
        None,
    )
    assert fields(await keeper.apply(moved), "acme")["/components"] == (["web/1", "api", "db"], ["db", "web/1"])
    assert await public_order(keeper) == ["Orders", "Shop"]
    back = await keeper.apply(with_page(components=[orders, shop, api]))
    assert [field["field"] for field in back["changes"][0]["fields"]] == ["/components/api"], "last is where it belongs"


async def test_a_component_without_a_name_has_its_monitors_once(keeper: Keeper) -> None:
    nameless = with_page(components=[{"monitor": "api"}])["status_pages"]
    await keeper.apply({"version": 1, "monitors": MONITORS, "status_pages": nameless})
    assert await public_order(keeper) == ["API"]
    renamed = [{**MONITORS[0], "name": "API behind the VPN"}, *MONITORS[1:]]
    applied = await keeper.apply({"version": 1, "monitors": renamed, "status_pages": nameless})
    assert actions(applied) == {"api": "update"}
    assert await public_order(keeper) == ["API"], "what a monitor is called inside is not told"


async def test_a_password_stays_outside_the_file_and_where_it_is_stored(keeper: Keeper) -> None:
    secret = "correct horse battery"
    await keeper.apply({**FILE, **with_page(password=secret)})
    text = (await keeper.http.get("/api/v1/export")).text
    assert secret not in text
    exported = await keeper.export()
    assert exported["status_pages"] == [{**PAGE, "secrets": ["/password"]}]
    assert (await keeper.plan(exported))["drift"] is False, "left out, it stays"
    assert (await keeper.plan(with_page(password=secret)))["drift"] is False
    other = await keeper.plan(with_page(password="another password"))
    assert fields(other, "acme") == {"/password": ("***", "***")}
    guessed = await told(keeper.reader, "plan", with_page(password="another password"))
    assert guessed["drift"] is False, "who may only read learns nothing by guessing"
    elsewhere = {**exported, "status_pages": [{**exported["status_pages"][0], "slug": "acme-too"}]}
    planned = await told(keeper.empty, "plan", elsewhere)
    (warning,) = planned["warnings"]
    assert (warning["code"], warning["field"]) == ("SECRET_MISSING", "/status_pages/0/password")
    refused = await keeper.empty.post("/api/v1/apply", json=elsewhere)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "SECRET_MISSING")
    assert (await keeper.export(keeper.empty)) == {"version": 1}, "nothing of the file was applied"
    cleared = await keeper.apply(with_page(password=None))
    assert fields(cleared, "acme") == {"/password": ("***", None)}
    assert "secrets" not in (await keeper.export())["status_pages"][0]


async def test_pages_made_by_hand_are_shown_adopted_and_pruned_only_when_asked(keeper: Keeper) -> None:
    made = (await keeper.http.post("/api/v1/status-pages", json={"slug": "by-hand", "title": "By hand"})).json()
    await keeper.apply(FILE)
    planned = await keeper.plan(FILE)
    (drift,) = planned["changes"]
    assert (drift["action"], drift["key"], drift["write_source"]) == ("unmanaged", "by-hand", "api")
    adopting = {"key": "hand", "adopt": made["id"], "slug": "by-hand", "title": "By hand"}
    adopted = await keeper.apply({"version": 1, "status_pages": [PAGE, adopting]})
    assert fields(adopted, "hand") == {"/key": (None, "hand")}
    reused = {"key": "new", "slug": "acme-status", "title": "Acme, anew"}
    pruned = await keeper.apply({"version": 1, "status_pages": [adopting, reused]}, prune=True)
    assert actions(pruned) == {"acme": "delete", "new": "create"}, "and what it was called is free at once"
    assert (await keeper.apply({"version": 1, "monitors": MONITORS[:1]}, prune=True))["summary"]["delete"] == 2
    assert {page["slug"] for page in (await keeper.export())["status_pages"]} == {"by-hand", "acme-status"}


async def test_a_domain_has_to_be_proven_and_moves_between_pages_of_one_file(keeper: Keeper) -> None:
    owned = with_page(custom_domain="status.acme.example")
    await keeper.apply(FILE)
    assert await keeper.refused("plan", owned) == (422, "DOMAIN_UNVERIFIED", "/status_pages/0/custom_domain")
    async with keeper.database.app_transaction() as conn:
        await conn.execute(
            "INSERT INTO domains (tenant_id, id, domain, path_token, txt_token, state, verified_at)"
            " VALUES ($1, gen_random_uuid(), 'acme.example', repeat('p', 32), repeat('t', 32), 'verified', now())",
            keeper.tenant_id,
        )
    await keeper.apply(owned)
    other = {"key": "two", "slug": "acme-two", "title": "Two", "custom_domain": "status.acme.example"}
    moved = await keeper.apply({"version": 1, "status_pages": [PAGE, other]})
    assert actions(moved) == {"acme": "update", "two": "create"}
    taken = {"version": 1, "status_pages": [{**other, "key": "three", "slug": "acme-three"}]}
    assert await keeper.refused("apply", taken) == (409, "CUSTOM_DOMAIN_TAKEN", "/status_pages/0/custom_domain")
    assert await keeper.refused("apply", {"version": 1, "status_pages": [{**other, "key": "x"}]}) == (
        409,
        "SLUG_TAKEN",
        "/status_pages/0/slug",
    )


async def test_changing_pages_needs_the_right_to_change_pages(keeper: Keeper) -> None:
    await keeper.apply(FILE)
    key = await keeper.key("config:write", "monitors:write", number=9)
    async with keeper.door.client(key) as http:
        reply = await http.post("/api/v1/apply", json=with_page(title="Mine"))
    assert (reply.status_code, reply.json()["error"]["details"]) == (403, {"scope": "status-pages:write"})


@pytest.mark.parametrize(
    ("entry", "code", "field"),
    [
        ({"components": [{"monitor": "api"}, {"monitor": "none"}]}, "INVALID_MONITOR", "/components/1/monitor"),
        ({"components": [{"monitor": "api"}, {"monitor": "api"}]}, "DUPLICATE_KEY", "/components/1/monitor"),
        ({"components": [{"name": "API"}]}, "MISSING_FIELD", "/components/0/monitor"),
        ({"components": [{"monitor": "api", "monitor_id": "x"}]}, "UNKNOWN_FIELD", "/components/0/monitor_id"),
        ({"components": {"api": {}}}, "INVALID_TYPE", "/components"),
        ({"components": [{"monitor": "api", "group": 3}]}, "INVALID_TYPE", "/components/0/group"),
        ({"password": "***password"}, "REDACTION_SENTINEL", "/password"),
        ({"logo": "x"}, "UNKNOWN_FIELD", "/logo"),
        ({"slug": None}, "MISSING_FIELD", "/slug"),
        ({"branding": {"accent": "#ffff00"}}, "CONTRAST_TOO_LOW", "/branding/accent"),
    ],
)
async def test_what_a_file_says_wrongly_of_a_page_is_named(
    keeper: Keeper, entry: dict[str, Any], code: str, field: str
) -> None:
    file = {"version": 1, "monitors": MONITORS, "status_pages": [{**PAGE, "components": [], **entry}]}
    assert (await keeper.refused("apply", file))[1:] == (code, f"/status_pages/0{field}")
