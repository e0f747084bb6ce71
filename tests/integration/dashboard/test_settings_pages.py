"""Settings: keys, the team and its plan, domains, words, the audit log. Every form with what it refuses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from control_plane.dashboard.visit import TOKEN
from control_plane.domain.tenants.credentials import SCOPES
from tests.support.dashboard import Desk, post, token_of

PAGES = ("tenant", "keys", "domains", "words", "push", "audit")
KEYS = "/app/settings/keys"


async def limited(desk: Desk, *scopes: str) -> str:
    """A key with these scopes alone."""
    async with desk.served.tenant() as api:
        reply = await api.post("/api/v1/keys", json={"label": "limited", "scopes": scopes})
    key: str = reply.json()["key"]
    return key


async def key_id(desk: Desk, label: str) -> str:
    async with desk.served.tenant() as api:
        items = (await api.get("/api/v1/keys", params={"q": label})).json()["items"]
    found: str = items[-1]["id"]
    return found


@pytest.mark.parametrize("name", PAGES)
async def test_every_page_stands_below_its_tab(name: str, http: httpx.AsyncClient) -> None:
    reply = await http.get(f"/app/settings/{name}")
    assert reply.status_code == 200
    assert f'<a href="/app/settings/{name}" aria-current="page">' in reply.text
    assert '<a href="/app/settings" aria-current="page">Settings</a>' in reply.text


async def test_settings_begin_with_the_first_page_that_one_may_open(desk: Desk, http: httpx.AsyncClient) -> None:
    assert (await http.get("/app/settings")).headers["Location"] == "/app/settings/tenant"
    async with desk.signed_in(await limited(desk, "monitors:read")) as other:
        assert (await other.get("/app/settings")).headers["Location"] == "/app/settings/words"
        shown = await other.get("/app/settings/words")
        refused = await other.get("/app/settings/keys")
    assert "API keys" not in shown.text
    assert refused.status_code == 403


async def test_members_and_sessions_belong_to_settings(http: httpx.AsyncClient) -> None:
    for path in ("/app/members", "/app/sessions"):
        text = (await http.get(path)).text
        assert '<a href="/app/settings" aria-current="page">Settings</a>' in text
        assert f'<a href="{path}" aria-current="page">' in text


async def make_key(http: httpx.AsyncClient, label: str, scopes: Sequence[str]) -> httpx.Response:
    return await post(http, KEYS, page=KEYS, label=label, scopes=list(scopes))


async def test_a_key_is_shown_once_and_has_the_scopes_that_were_ticked(desk: Desk, http: httpx.AsyncClient) -> None:
    reply = await make_key(http, "deploy pipeline", ["monitors:read", "incidents:write"])
    assert reply.status_code == 200
    key = re.search(r"fw_live_\w{49}", reply.text)
    assert key is not None
    assert key[0] not in (await http.get(KEYS)).text
    async with desk.served.client(key[0]) as api:
        assert (await api.get("/api/v1/me")).json()["scopes"] == ["incidents:write", "monitors:read"]
    assert "2 of" in (await http.get(KEYS)).text


async def test_a_key_is_made_for_what_it_is_usually_for(desk: Desk, http: httpx.AsyncClient) -> None:
    assert '<input type="radio" name="preset" value="read" checked>' in (await http.get(KEYS)).text
    reply = await post(http, KEYS, page=KEYS, label="Prometheus", preset="metrics", scopes=["monitors:write"])
    key = re.search(r"fw_live_\w{49}", reply.text)
    assert key is not None
    async with desk.served.client(key[0]) as api:
        assert (await api.get("/api/v1/me")).json()["scopes"] == ["metrics:read"]
    async with desk.signed_in(await limited(desk, "keys:read", "keys:write", "monitors:read")) as other:
        text = (await other.get(KEYS)).text
        assert 'value="metrics"' not in text
        stronger = await post(other, KEYS, page=KEYS, label="stronger", preset="metrics")
        assert stronger.status_code == 400
        assert '<input type="radio" name="preset" value="read">' in stronger.text
        assert 'value="stronger"' in stronger.text


@pytest.mark.parametrize(
    ("label", "scopes", "status"),
    [
        ("ab", ["monitors:read"], 400),
        ("x" * 101, ["monitors:read"], 400),
        ("", ["monitors:read"], 400),
        ("no scope", [], 400),
        ("unknown", ["moon:read"], 400),
        ("<script>alert(1)</script>", [], 400),
    ],
)
async def test_a_key_that_cannot_be_is_said_with_what_was_typed(
    label: str, scopes: list[str], status: int, http: httpx.AsyncClient
) -> None:
    reply = await make_key(http, label, scopes)
    assert reply.status_code == status
    assert 'role="alert"' in reply.text
    assert "fw_live_" not in reply.text.partition('id="label"')[2].partition("scopes")[0]
    assert "<script>alert" not in reply.text
    if label.startswith("no"):
        assert f'value="{label}"' in reply.text


async def test_nobody_hands_on_what_they_may_not_do(desk: Desk) -> None:
    async with desk.signed_in(await limited(desk, "keys:read", "keys:write", "monitors:read")) as other:
        text = (await other.get(KEYS)).text
        reply = await make_key(other, "stronger", ["monitors:write"])
    assert 'value="monitors:read"' in text
    assert 'value="monitors:write"' not in text
    assert reply.status_code == 403
    assert "You lack monitors:write" in reply.text


async def test_without_the_scope_keys_are_read_only(desk: Desk) -> None:
    async with desk.signed_in(await limited(desk, "keys:read")) as other:
        text = (await other.get(KEYS)).text
        reply = await make_key(other, "sneaky", ["keys:read"])
    assert "Make the key" not in text
    assert "/rotate" not in text
    assert reply.status_code == 403


async def test_a_rotated_key_overlaps_with_the_one_before(desk: Desk, http: httpx.AsyncClient) -> None:
    old = await limited(desk, "monitors:read")
    path = f"{KEYS}/{await key_id(desk, 'limited')}/rotate"
    reply = await post(http, path, page=KEYS)
    new = re.search(r"fw_live_\w{49}", reply.text)
    assert new is not None
    assert "five more minutes" in reply.text
    for key in (old, new[0]):
        async with desk.served.client(key) as api:
            assert (await api.get("/api/v1/monitors")).status_code == 200
    again = await post(http, path, page=KEYS)
    assert again.status_code == 409
    assert "rotated already" in again.text


async def test_a_revoked_key_opens_nothing(desk: Desk, http: httpx.AsyncClient) -> None:
    key = await limited(desk, "monitors:read")
    reply = await post(http, f"{KEYS}/{await key_id(desk, 'limited')}/revoke", page=KEYS)
    assert reply.status_code == 303
    async with desk.served.client(key) as api:
        assert (await api.get("/api/v1/monitors")).status_code == 401


async def test_the_last_key_that_makes_keys_stays(desk: Desk, http: httpx.AsyncClient) -> None:
    async with desk.served.tenant() as api:
        only = (await api.get("/api/v1/keys")).json()["items"][0]["id"]
    reply = await post(http, f"{KEYS}/{only}/revoke", page=KEYS)
    assert reply.status_code == 409
    assert "Nobody could make keys without this one" in reply.text
    assert (await http.get(KEYS)).status_code == 200


async def test_the_quota_of_keys_is_said(desk: Desk, http: httpx.AsyncClient) -> None:
    async with desk.served.operator() as operator:
        overrides = {"overrides": {"quotas": {"keys": 1}}}
        tenant = f"/operator/tenants/{desk.served.home.tenant_id}"
        assert (await operator.patch(tenant, json=overrides)).status_code == 200
    assert "1 of 1 in use" in (await http.get(KEYS)).text
    reply = await make_key(http, "one more", ["monitors:read"])
    assert reply.status_code == 422
    assert (await http.get("/app/settings/tenant")).text.count("none left") == 1


async def test_every_scope_can_be_ticked(http: httpx.AsyncClient) -> None:
    text = (await http.get(KEYS)).text
    assert all(f'value="{scope}"' in text for scope in SCOPES)


async def test_the_team_is_renamed(http: httpx.AsyncClient) -> None:
    path = "/app/settings/tenant"
    assert (await post(http, path, page=path, name="Acme & <Co>")).status_code == 303
    assert "Acme &amp; &lt;Co&gt;" in (await http.get(path)).text
    for name in ("", "x" * 101):
        refused = await post(http, path, page=path, name=name)
        assert refused.status_code == 400
        assert "1 to 100 characters" in refused.text


async def test_a_domain_is_added_looked_for_and_removed(http: httpx.AsyncClient) -> None:
    path = "/app/settings/domains"
    assert (await post(http, path, page=path, domain="https://shop.example.com/x")).status_code == 303
    text = (await http.get(path)).text
    assert "_farwatch.shop.example.com" in text
    assert "not proven yet" in text
    removal = re.search(r'action="(/app/settings/domains/[\w-]+/remove)"', text)
    assert removal is not None
    assert (await post(http, removal[1], page=path)).status_code == 303
    assert "shop.example.com" not in (await http.get(path)).text
    assert (await post(http, removal[1], page=path)).status_code == 404


@pytest.mark.parametrize("domain", ["", "co.uk", "10.0.0.1", "x" * 2000, "<b>", "a..b"])
async def test_what_is_no_domain_is_refused_in_words(domain: str, http: httpx.AsyncClient) -> None:
    path = "/app/settings/domains"
    reply = await post(http, path, page=path, domain=domain)
    assert reply.status_code == 400
    assert 'role="alert"' in reply.text
    assert "<b>" not in reply.text


async def test_tags_and_groups_are_renamed_and_taken_away(desk: Desk, http: httpx.AsyncClient) -> None:
    await desk.monitor("One", tags=["team:pay", "eu"], group="Shop")
    path = "/app/settings/words"
    text = (await http.get(path)).text
    assert "team:pay" in text
    assert "1 monitor: 1 unknown" in text
    renamed = await post(http, f"{path}/rename", page=path, kind="tag", old="team:pay", new="team:payments")
    grouped = await post(http, f"{path}/rename", page=path, kind="group", old="Shop", new="Store / EU")
    assert (renamed.status_code, grouped.status_code) == (303, 303)
    removed = await post(http, f"{path}/remove", page=path, kind="tag", old="eu")
    assert removed.status_code == 303
    async with desk.served.tenant() as api:
        monitor = (await api.get("/api/v1/monitors")).json()["items"][0]
    assert (monitor["tags"], monitor["group"]) == (["team:payments"], "Store / EU")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"kind": "tag", "old": "nothing", "new": "x"}, 404),
        ({"kind": "tag", "old": "eu", "new": ""}, 400),
        ({"kind": "group", "old": "nothing", "new": "x"}, 404),
        ({"kind": "moon", "old": "eu", "new": "x"}, 400),
        ({}, 400),
    ],
)
async def test_a_word_that_cannot_be_renamed_is_said(
    fields: dict[str, str], status: int, desk: Desk, http: httpx.AsyncClient
) -> None:
    await desk.monitor("One", tags=["eu"])
    reply = await post(http, "/app/settings/words/rename", page="/app/settings/words", **fields)
    assert reply.status_code == status
    assert 'role="alert"' in reply.text


async def test_the_audit_log_says_who_changed_what_in_words(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor("Shop")
    await post(http, "/app/settings/tenant", page="/app/settings/tenant", name="Acme")
    async with desk.served.tenant() as api:
        await api.patch(f"/api/v1/monitors/{monitor_id}", json={"interval": 120})
    text = (await http.get("/app/settings/audit")).text
    assert "made the monitor “Shop”" in text
    assert "changed the tenant “Acme”" in text
    assert "in the dashboard from 127.0.0.1" in text
    assert "through the API from 127.0.0.1" in text
    assert re.search(r"60\S* → 120", text)


AUDIT_FILTERS: list[tuple[dict[str, str], bool]] = [
    ({"kind": "monitor"}, True),
    ({"kind": "channel"}, False),
    ({"actor": "key"}, True),
    ({"actor": "member"}, False),
    ({"from": "2020-01-01", "to": "2099-01-01"}, True),
    ({"to": "2020-01-01"}, False),
]


@pytest.mark.parametrize(("query", "found"), AUDIT_FILTERS)
async def test_the_audit_log_is_filtered_by_its_address(
    query: dict[str, str], found: bool, desk: Desk, http: httpx.AsyncClient
) -> None:
    await desk.monitor("Shop")
    reply = await http.get("/app/settings/audit", params=query)
    assert reply.status_code == 200
    assert ("“Shop”" in reply.text) is found
    assert ("Nothing fits these filters" in reply.text) is not found


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"from": "2026-02-30"},
        {"from": "2026-03-01", "to": "2026-02-01"},
        {"actor": "ghost"},
        {"by": "nobody"},
        {"before": "x"},
        {"from": "0001-01-01"},
        {"to": "9999-12-31"},
    ],
)
async def test_a_filter_that_cannot_be_read_is_said(query: dict[str, str], http: httpx.AsyncClient) -> None:
    reply = await http.get("/app/settings/audit", params=query)
    assert reply.status_code == 400
    assert 'role="alert"' in reply.text


async def test_the_audit_log_is_read_page_by_page(desk: Desk, http: httpx.AsyncClient) -> None:
    documents: list[dict[str, Any]] = [
        {"name": f"M{n}", "check": "http://127.0.0.1:8080/", "regions": ["eu"]} for n in range(60)
    ]
    async with desk.served.tenant() as api:
        assert (await api.post("/api/v1/monitors/bulk", json={"monitors": documents})).status_code == 201
    first = (await http.get("/app/settings/audit", params={"kind": "monitor"})).text
    older = re.search(r'href="(/app/settings/audit\?[^"]*before=[^"]*)"', first)
    assert older is not None
    second = (await http.get(older[1].replace("&amp;", "&"))).text
    seen = [set(re.findall(r"“(M\d+)”", text)) for text in (first, second)]
    assert len(seen[0]) == 50
    assert len(seen[1]) == 10
    assert not seen[0] & seen[1]


async def test_a_form_of_settings_needs_the_sessions_token(http: httpx.AsyncClient) -> None:
    for path in (KEYS, "/app/settings/tenant", "/app/settings/domains", "/app/settings/words/rename"):
        reply = await http.post(path, data={TOKEN: "0" * 64, "name": "Planted", "label": "planted"})
        assert reply.status_code == 403
    assert token_of((await http.get(KEYS)).text)
    assert "Planted" not in (await http.get("/app/settings/tenant")).text
