"""Share links and badges in the dashboard: made, shown once, revoked; and whose badges anybody may load."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.dashboard import Desk, post

LINK = re.compile(r'<code id="new-link"[^>]*>([^<]+)</code>')
LINES = re.compile(r'<code id="snippet-url"[^>]*>([^<]+)</code>')


def here(monitor_id: UUID) -> str:
    return f"/app/monitors/{monitor_id}/share"


def found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    assert match is not None, pattern.pattern
    return unescape(match[1])


async def shares(desk: Desk, monitor_id: UUID) -> list[dict[str, Any]]:
    async with desk.served.tenant() as api:
        items: list[dict[str, Any]] = (await api.get(f"/api/v1/monitors/{monitor_id}/shares")).json()["items"]
    return items


async def test_a_link_is_made_shown_once_opened_and_revoked(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor("Shop")
    page = here(monitor_id)
    assert "None yet. A link shows the verdict" in (await http.get(page)).text
    made = await post(http, page, page=page, label="The agency", lasts="7d", ends_at="")
    assert made.status_code == 200, made.text
    link = found(LINK, made.text)
    (share,) = await shares(desk, monitor_id)
    assert share["label"] == "The agency"
    ends = datetime.fromisoformat(share["expires_at"])
    assert abs(ends - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=2)
    async with desk.browser() as stranger:
        opened = await stranger.get(link)
        badge = found(LINES, made.text)
        assert (opened.status_code, (await stranger.get(badge)).status_code) == (200, 200)
        again = (await http.get(page)).text
        assert link not in again
        assert "last opened" in again
        assert "Until " in again
        assert "1 share link" in (await http.get(f"/app/monitors/{monitor_id}")).text
        assert (await post(http, f"{page}/{share['id']}/revoke", page=page)).status_code == 303
        assert ((await stranger.get(link)).status_code, (await stranger.get(badge)).status_code) == (404, 404)
    assert "Nobody without an account" in (await http.get(f"/app/monitors/{monitor_id}")).text
    assert (await post(http, f"{page}/{share['id']}/revoke", page=page)).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"label": "x" * 81}, "label"),
        ({"ends_at": "2020-01-01T00:00"}, "ends_at"),
        ({"ends_at": "tomorrow"}, "ends_at"),
    ],
    ids=["label", "past", "words"],
)
async def test_a_refused_link_names_the_field_and_keeps_the_rest(
    *, wrong: dict[str, str], field: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    monitor_id = await desk.monitor("Shop")
    page = here(monitor_id)
    good = {"label": "The <agency>", "lasts": "90d", "ends_at": ""}
    reply = await post(http, page, page=page, **{**good, **wrong})
    assert reply.status_code == 400
    assert f'id="{field}-problem"' in reply.text
    assert '<option value="90d" selected>' in reply.text
    if field != "label":
        assert 'value="The &lt;agency&gt;"' in reply.text
    assert await shares(desk, monitor_id) == []


async def test_lines_are_offered_only_where_others_can_load_the_badge(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id, other = await desk.monitor("Shop"), await desk.monitor("Other")
    page = here(monitor_id)
    alone = (await http.get(page)).text
    assert "Nobody outside can load this badge yet." in alone
    assert "snippet-url" not in alone
    linked = await post(http, here(other), page=page, label="Badges", lasts="never")
    foreign = await post(http, f"{page}/badges", page=page, kind="status", link=found(LINK, linked.text))
    assert "That is no share link of this monitor" in foreign.text
    assert "snippet-url" not in foreign.text
    async with desk.served.tenant() as api:
        status_page = (await api.post("/api/v1/status-pages", json={"title": "Acme", "slug": "acme"})).json()
        body = {"monitor_id": str(monitor_id), "name": "Web shop"}
        await api.post(f"/api/v1/status-pages/{status_page['id']}/components", json=body)
        assert "Acme has this monitor, but is not published." in (await http.get(page)).text
        published = await api.patch(f"/api/v1/status-pages/{status_page['id']}", json={"state": "published"})
        assert published.status_code == 200, published.text
    shown = await post(http, f"{page}/badges", page=page, kind="uptime", style="plastic", period="7d", left="Our shop")
    assert "shows this monitor to everybody" in shown.text
    assert "alt=&#34;Web shop: uptime&#34;" in shown.text, "it has the name that the page gives it"
    badge = found(LINES, shown.text)
    assert badge.endswith("/badge/uptime?label=Our+shop&period=7d&style=plastic")
    async with desk.browser() as stranger:
        assert (await stranger.get(badge)).headers["Content-Type"].startswith("image/svg+xml")
    assert "/status/acme" in (await http.get(f"/app/monitors/{monitor_id}")).text


async def test_pictures_are_for_whoever_may_read_the_monitor(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor("Shop")
    picture = f"{here(monitor_id)}/badge/status"
    shown = await http.get(f"{picture}?style=plastic&left=Our+shop")
    assert shown.headers["Content-Type"].startswith("image/svg+xml")
    assert "Our shop" in shown.text
    assert (await http.get(f"{here(monitor_id)}/badge/awful")).status_code == 404
    assert (await http.get(f"{here(UUID(int=1))}/badge/status")).status_code == 404
    async with desk.browser() as stranger:
        assert (await stranger.get(picture)).status_code == 303


async def test_who_may_only_read_makes_no_link_and_sees_the_badges(desk: Desk) -> None:
    monitor_id = await desk.monitor("Shop")
    page = here(monitor_id)
    async with desk.served.tenant() as api:
        key = (await api.post("/api/v1/keys", json={"label": "Reader", "scopes": ["monitors:read"]})).json()["key"]
    async with desk.signed_in(key) as reader:
        text = (await reader.get(page)).text
        assert "Make a link" not in text
        assert "How it is now" in text
        assert (await post(reader, page, page=page, label="Mine", lasts="never")).status_code == 403
    assert await shares(desk, monitor_id) == []


async def test_the_room_that_the_plan_leaves_is_said(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor("Shop")
    page, limit = here(monitor_id), {"quotas": {"share_links_per_monitor": 1, "shared_monitors": 3}}
    async with desk.served.operator() as operator:
        tenant_id = desk.served.home.tenant_id
        reply = await operator.patch(f"/operator/tenants/{tenant_id}", json={"overrides": limit})
        assert reply.status_code == 200, reply.text
    async with desk.signed_in() as fresh:
        assert "0 of 1 links of this monitor · 0 of 3 monitors are shared" in (await fresh.get(page)).text
        assert (await post(fresh, page, page=page, label="One", lasts="never")).status_code == 200
        full = await post(fresh, page, page=page, label="Two", lasts="never")
    assert full.status_code == 422
    assert 'value="Two"' in full.text
