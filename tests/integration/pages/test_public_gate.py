"""Who may read a status page, and by which name it is reached."""

from __future__ import annotations

from collections.abc import AsyncIterator
from http.cookies import SimpleCookie

import httpx
import pytest

from control_plane.services.pages import keep_public_pages
from control_plane.services.pages.hash_page_password import hash_page_password
from control_plane.store.pool import Database
from control_plane.web.call import PAGE_PASSWORDS_PER_MINUTE
from tests.support.public_pages import Stage, a_stage
from tests.support.serving import settings_with

PASSWORD = "open sesame"
VERIFY = """
INSERT INTO domains (tenant_id, id, domain, path_token, txt_token, state, verified_at)
VALUES ($1, gen_random_uuid(), 'acme.example', 'path', 'text', 'verified', now())
"""
NEW_PASSWORD = "UPDATE status_pages SET password_digest = $1, revision = revision + 1"
DOMAIN = "status.acme.example"


@pytest.fixture
async def stage(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(keep_public_pages, "FRESH_S", 0.0)
    async with a_stage(database) as made:
        yield made


@pytest.fixture
async def http(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    async with stage.served.client() as client:
        yield client


@pytest.fixture
async def locked(stage: Stage) -> Stage:
    page = await stage.page(title="Secret plans", password_digest=await hash_page_password(PASSWORD))
    await stage.component(page, "Shop")
    return stage


async def test_a_page_with_a_password_shows_a_form_and_not_even_its_name(
    locked: Stage, http: httpx.AsyncClient
) -> None:
    for path in ("", "/history", "?fragment=1"):
        reply = await http.get(f"/status/acme{path}")
        assert reply.status_code == 403
        assert reply.headers["Cache-Control"] == "no-store"
        assert 'type="password"' in reply.text
        assert "Secret plans" not in reply.text
        assert "Shop" not in reply.text
    for path in ("/status/acme/feed.atom", "/status/acme/api/v2/summary.json", "/api/public/v1/pages/acme/components"):
        reply = await http.get(path)
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "PAGE_PASSWORD_NEEDED")


async def test_the_password_opens_this_page_until_it_is_changed(locked: Stage, http: httpx.AsyncClient) -> None:
    await locked.page("other", password_digest=await hash_page_password(PASSWORD))
    reply = await http.post("/status/acme/unlock", data={"password": PASSWORD, "next": "/status/acme/history"})
    assert (reply.status_code, reply.headers["Location"]) == (303, "/status/acme/history")
    shown = await http.get("/status/acme")
    assert "Shop" in shown.text
    assert shown.headers["Cache-Control"] == "private, max-age=10"
    assert (await http.get("/api/public/v1/pages/acme")).status_code == 200
    assert (await http.get("/status/acme/feed.rss")).status_code == 200
    assert (await http.get("/status/other")).status_code == 403
    async with locked.database.app() as conn:
        await conn.execute(NEW_PASSWORD, await hash_page_password("another"))
    assert (await http.get("/status/acme")).status_code == 403


async def test_the_cookies_are_bound_to_the_page_and_out_of_the_reach_of_scripts(
    locked: Stage, http: httpx.AsyncClient
) -> None:
    reply = await http.post("/status/acme/unlock", data={"password": PASSWORD})
    cookies = [SimpleCookie(header) for header in reply.headers.get_list("Set-Cookie")]
    morsels = [morsel for cookie in cookies for morsel in cookie.values()]
    assert sorted(each["path"] for each in morsels) == ["/api/public/v1/pages/acme", "/status/acme"]
    assert all(each["httponly"] and each["samesite"] == "Lax" for each in morsels)


async def test_a_wrong_password_a_made_up_cookie_and_a_form_from_elsewhere_open_nothing(
    locked: Stage, http: httpx.AsyncClient
) -> None:
    wrong = await http.post("/status/acme/unlock", data={"password": "sesame"})
    assert wrong.status_code == 403
    assert 'role="alert"' in wrong.text
    assert "Set-Cookie" not in wrong.headers
    for value in ("", "9999999999.", f"9999999999.{'0' * 64}", "x.y", "-1.x"):
        assert (await http.get("/status/acme", headers={"Cookie": f"farwatch_page={value}"})).status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    reply = await http.post("/status/acme/unlock", data={"password": PASSWORD}, headers=foreign)
    assert reply.status_code == 403
    assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize(
    "there", ["https://evil.example/", "//evil.example", "/status/acme-2/x", "/app", "/status/acme/\\x"]
)
async def test_the_form_leads_to_the_page_and_nowhere_else(locked: Stage, http: httpx.AsyncClient, there: str) -> None:
    reply = await http.post("/status/acme/unlock", data={"password": PASSWORD, "next": there})
    assert reply.headers["Location"] == "/status/acme"


async def test_wrong_passwords_are_limited_and_the_right_one_has_to_wait_too(
    locked: Stage, http: httpx.AsyncClient
) -> None:
    for _ in range(PAGE_PASSWORDS_PER_MINUTE):
        assert (await http.post("/status/acme/unlock", data={"password": "no"})).status_code == 403
    reply = await http.post("/status/acme/unlock", data={"password": PASSWORD})
    assert reply.status_code == 429
    assert int(reply.headers["Retry-After"]) > 0
    assert "Too many attempts" in reply.text


async def test_a_page_is_the_root_of_its_own_domain_while_the_proof_of_it_stands(
    stage: Stage, http: httpx.AsyncClient
) -> None:
    await stage.component(await stage.page(custom_domain=DOMAIN), "Shop")
    async with stage.database.app() as conn:
        await conn.execute(VERIFY, stage.served.home.tenant_id)
    reply = await http.get("/", headers={"Host": DOMAIN.upper()})
    assert reply.status_code == 200
    assert "All systems operational" in reply.text
    assert f'href="https://{DOMAIN}' not in reply.text
    feed = await http.get("/status/acme/feed.atom", headers={"Host": DOMAIN})
    assert f"http://{DOMAIN}/status/acme" in feed.text
    for host in ("other.acme.example", "acme.example", stage.served.host, "localhost"):
        front = await http.get("/", headers={"Host": host})
        assert "All systems operational" not in front.text


async def test_a_page_under_its_own_domain_is_unlocked_for_that_whole_host(
    stage: Stage, http: httpx.AsyncClient
) -> None:
    digest = await hash_page_password(PASSWORD)
    await stage.component(await stage.page(custom_domain=DOMAIN, password_digest=digest), "Shop")
    async with stage.database.app() as conn:
        await conn.execute(VERIFY, stage.served.home.tenant_id)
    host = {"Host": DOMAIN}
    assert (await http.get("/", headers=host)).status_code == 403
    reply = await http.post("/status/acme/unlock", data={"password": PASSWORD}, headers=host)
    cookie = SimpleCookie(reply.headers.get_list("Set-Cookie")[0])["farwatch_page"]
    assert cookie["path"] == "/"
    opened = await http.get("/", headers={**host, "Cookie": f"farwatch_page={cookie.value}"})
    assert "Shop" in opened.text


async def test_links_lead_to_the_installation_whatever_host_a_request_claims(database: Database) -> None:
    async with a_stage(database, settings_with(server={"public_url": "https://farwatch.example"})) as stage:
        await stage.component(await stage.page(), "Shop")
        async with stage.served.client() as http:
            for path in ("feed.atom", "feed.rss", "api/v2/summary.json"):
                text = (await http.get(f"/status/acme/{path}", headers={"Host": "evil.example"})).text
                assert "https://farwatch.example/status/acme" in text
                assert "evil.example" not in text
