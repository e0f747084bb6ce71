"""What the pages show, to whom, and how they are served."""

from __future__ import annotations

import re

import httpx
import pytest

from shared.results import Detail, Evidence
from tests.support import seed
from tests.support.dashboard import Desk, post
from tests.support.door import an_api_key

HOSTILE = "<script>alert(1)</script>"
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


async def test_the_front_page_greets_a_stranger(desk: Desk) -> None:
    async with desk.browser() as http:
        reply = await http.get("/")
    assert reply.status_code == 200
    assert "Nobody has signed in here yet" in reply.text
    assert "setup link" in reply.text
    assert 'href="/docs"' in reply.text
    assert {name: reply.headers[name] for name in HEADERS} == HEADERS


async def test_without_monitors_the_overview_teaches(desk: Desk, http: httpx.AsyncClient) -> None:
    page = (await http.get("/app")).text
    assert "Nothing is watched yet" in page
    assert f'curl -sS "{desk.url}/api/v1/monitors"' in page
    assert 'name="paste"' in page


async def test_without_a_live_agent_the_overview_says_which_command_starts_one(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    assert "No agent is live" not in (await http.get("/app")).text
    async with desk.database.app() as conn:
        await conn.execute("UPDATE agents SET lease_until = now() - interval '1 second'")
    page = (await http.get("/app")).text
    assert "No agent is live" in page
    assert "farwatch-agent run" in page


async def test_without_a_channel_the_overview_says_that_nobody_is_told(desk: Desk, http: httpx.AsyncClient) -> None:
    await desk.monitor()
    assert "Nobody is told" in (await http.get("/app")).text
    async with desk.served.tenant() as api:
        config = {"type": "webhook", "url": "https://ops.example.com/hook"}
        reply = await api.post("/api/v1/channels", json={"name": "Ops", "config": config})
        assert reply.status_code == 201, reply.text
    assert "Nobody is told" not in (await http.get("/app")).text


async def test_what_is_wrong_comes_first(desk: Desk, http: httpx.AsyncClient) -> None:
    names = ("paused one", "up one", "degraded one", "down one", "unknown one")
    ids = {name: await desk.monitor(name) for name in names}
    for name in names[1:4]:
        await desk.all_up(ids[name])
    await desk.down(ids["degraded one"], "us")
    await desk.down(ids["down one"], "us", "eu")
    async with desk.served.tenant() as api:
        await api.post(f"/api/v1/monitors/{ids['paused one']}/pause")
    page = (await http.get("/app")).text
    shown = re.findall(r'class="monitor-link" href="[^"]+">([^<]+)<', page)
    assert shown == ["down one", "degraded one", "unknown one", "up one", "paused one"]
    assert "1 down, 1 degraded, 1 unknown of 4 monitors" in page
    assert "Only us of 3 regions cannot reach it" in page
    assert page.index("down one is down") < page.index('id="monitors-title"')


async def test_the_list_is_narrowed_by_state_and_search(desk: Desk, http: httpx.AsyncClient) -> None:
    ids = [await desk.monitor(name) for name in ("Shop", "Blog", "Mail")]
    for monitor_id in ids[:2]:
        await desk.all_up(monitor_id)

    async def names(query: str) -> list[str]:
        return re.findall(r'class="monitor-link" href="[^"]+">([^<]+)<', (await http.get(f"/app?{query}")).text)

    assert await names("state=up") == ["Shop", "Blog"]
    assert await names("state=unknown") == ["Mail"]
    assert await names("q=LO") == ["Blog"]
    assert await names("q=blog&state=unknown") == []
    assert await names("state=nonsense&page=x") == ["Mail", "Shop", "Blog"]
    assert (await http.get("/app?page=7")).status_code == 404


async def test_a_hundred_monitors_are_a_page(desk: Desk, http: httpx.AsyncClient) -> None:
    regions = list(desk.regions.values())
    async with desk.database.app_transaction() as conn:
        for number in range(101):
            await seed.a_monitor(conn, desk.served.home.tenant_id, regions, name=f"m{number:03}")
    first, second = (await http.get("/app")).text, (await http.get("/app?page=2")).text
    assert (first.count('class="monitor-link"'), second.count('class="monitor-link"')) == (100, 1)
    assert 'rel="next" href="/app?page=2"' in first
    assert "101 to 101 of 101" in second
    assert len(first.encode()) < 300_000


async def test_a_monitor_is_shown_with_its_votes_results_and_configuration(desk: Desk, http: httpx.AsyncClient) -> None:
    check = {"type": "http", "url": "http://127.0.0.1:8080/", "headers": {"Authorization": "Bearer s3cret-value"}}
    monitor_id = await desk.monitor("Shop", check=check)
    await desk.all_up(monitor_id)
    await desk.down(monitor_id, "us")
    page = (await http.get(f"/app/monitors/{monitor_id}")).text
    assert "Only us of 3 regions cannot reach it, 2 would be an outage" in page
    assert "Connection refused." in page
    assert "dns 1.2 ms, connect 8.4 ms, tls 21 ms, ttfb 48 ms, download 2.1 ms" in page
    assert "Authorization: ***" in page
    assert "s3cret" not in page


async def test_an_incident_is_shown_with_its_proof_and_timeline(desk: Desk, http: httpx.AsyncClient) -> None:
    incident = await _incident(desk)
    page = (await http.get(incident)).text
    assert "Down from 2 of 3 regions: connection refused." in page
    assert "eu: down" in page
    assert "ap: up" in page
    assert "HTTP/1.1 502 Bad Gateway" in page
    assert "&lt;h1&gt;502&lt;/h1&gt;" in page


async def test_a_fragment_is_the_living_part_alone(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor()
    await desk.all_up(monitor_id)
    incident = await _incident(desk)
    for path in ("/app", f"/app/monitors/{monitor_id}", incident):
        whole, part = (await http.get(path)).text, (await http.get(f"{path}?fragment=1")).text
        assert "<html" in whole
        assert "<html" not in part
        assert "<h1" in part
        assert len(part) < len(whole)


@pytest.mark.parametrize(
    "path",
    ["/app/monitors/{id}", "/app/monitors/{id}/delete", "/app/incidents/{id}", "/app/monitors/x", "/app/nothing"],
)
async def test_what_is_not_there_is_a_page_that_says_so(path: str, desk: Desk, http: httpx.AsyncClient) -> None:
    async with desk.database.app_transaction() as conn:
        stranger = await seed.a_tenant(conn, "Other")
        foreign = await seed.a_monitor(conn, stranger, [], name="Foreign secret")
    reply = await http.get(path.format(id=foreign))
    assert reply.status_code == 404
    assert reply.headers["Content-Type"].startswith("text/html")
    assert "Nothing here" in reply.text
    assert "Foreign secret" not in reply.text


async def test_a_strangers_monitor_cannot_be_changed(desk: Desk, http: httpx.AsyncClient) -> None:
    async with desk.database.app_transaction() as conn:
        stranger = await seed.a_tenant(conn, "Other")
        foreign = await seed.a_monitor(conn, stranger, [], name="Foreign")
    for verb in ("check-now", "pause", "resume", "delete"):
        assert (await post(http, f"/app/monitors/{foreign}/{verb}")).status_code == 404
    async with desk.database.app() as conn:
        assert await conn.fetchval("SELECT revision FROM monitors WHERE id = $1", foreign) == 1


async def test_hostile_text_is_shown_as_text_everywhere(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor(HOSTILE, notes=HOSTILE, group="<b>g</b>", check="http://127.0.0.1/?q=%3Cscript%3E")
    detail = Detail(
        message=f'"><img src=x onerror=alert(1)>{HOSTILE}',
        evidence=Evidence(status_line=HOSTILE, headers={HOSTILE: HOSTILE}, body_excerpt=f"</pre>{HOSTILE}"),
    )
    await desk.all_up(monitor_id)
    for seconds_ago in (4, 2):
        for region in ("eu", "us"):
            await desk.report(monitor_id, region, "down", seconds_ago=seconds_ago, detail=detail)
    incident = await _first_incident(desk)
    await post(http, f"{incident}/notes", text=HOSTILE)
    pages = ["/app", f"/app?q={HOSTILE}", f"/app/monitors/{monitor_id}", f"/app/monitors/{monitor_id}/delete", incident]
    for path in pages:
        page = (await http.get(path)).text
        assert HOSTILE not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page
        assert not re.search(r"<script(?! type=\"module\" src=\"/static/)", page)
        assert not re.search(r"\son\w+=|\sstyle=", re.sub(r">[^<]*<", "><", page).replace("&#34;", ""))


async def test_static_files_are_kept_for_ever_under_the_digest_of_them_all(desk: Desk) -> None:
    async with desk.browser() as http:
        links = re.findall(r'(?:href|src)="(/static/[^"]+)"', (await http.get("/")).text)
        assert len(links) == 4
        for link in links:
            reply = await http.get(link)
            assert reply.status_code == 200
            assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        name = links[0].rpartition("/")[2]
        assert (await http.get(f"/static/older/{name}")).headers["Cache-Control"] == "no-store"
        assert (await http.get(links[0].replace(name, "..%2F__init__.py"))).status_code == 404
        assert (await http.get(links[0].replace(name, "nothing.css"))).status_code == 404


async def test_a_reading_key_sees_no_forms_and_may_change_nothing(desk: Desk) -> None:
    monitor_id = await desk.monitor()
    incident = await _incident(desk)
    async with desk.database.app_transaction() as conn:
        scopes = ("monitors:read", "incidents:read", "events:read")
        key = await an_api_key(conn, desk.served.home.tenant_id, *scopes, number=99)
    async with desk.signed_in(key) as reader:
        for path in ("/app", f"/app/monitors/{monitor_id}", incident):
            reply = await reader.get(path)
            assert reply.status_code == 200
            assert re.findall(r'<form[^>]*method="post" action="([^"]+)"', reply.text) == ["/logout"]
        for path in ("/app/monitors/new", f"/app/monitors/{monitor_id}/delete"):
            assert (await reader.get(path)).status_code == 403
        writes = [f"/app/monitors/{monitor_id}/{verb}" for verb in ("check-now", "pause", "resume", "delete")]
        for path in ("/app/monitors", *writes, f"{incident}/acknowledge", f"{incident}/notes"):
            reply = await post(reader, path, text="x", url="http://127.0.0.1/", name="x", regions="eu")
            assert reply.status_code == 403
            assert "lacks the scope" in reply.text


async def test_a_key_without_a_scope_does_not_see_what_it_is_for(desk: Desk) -> None:
    incident = await _incident(desk)
    async with desk.database.app_transaction() as conn:
        key = await an_api_key(conn, desk.served.home.tenant_id, "monitors:read", number=98)
        none = await an_api_key(conn, desk.served.home.tenant_id, "keys:read", number=97)
    async with desk.signed_in(key) as http:
        page = (await http.get("/app")).text
        assert "is down</a>" not in page
        assert "data-events" not in page
        assert (await http.get(incident)).status_code == 403
        assert (await http.get("/app/events")).status_code == 403
    async with desk.signed_in(none) as http:
        assert (await http.get("/app")).status_code == 403


async def _incident(desk: Desk) -> str:
    """The path of an incident that is open."""
    monitor_id = await desk.monitor("Broken")
    await desk.all_up(monitor_id)
    await desk.down(monitor_id, "eu", "us")
    return await _first_incident(desk)


async def _first_incident(desk: Desk) -> str:
    async with desk.served.tenant() as api:
        found = (await api.get("/api/v1/incidents")).json()["items"]
    return f"/app/incidents/{found[0]['id']}"
