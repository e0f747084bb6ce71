"""Add to Slack, Add to Discord: whoever set out comes back with a channel, once; a vendor's answer is not trusted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from control_plane.domain.channels.channel_link import code_digest
from control_plane.services.alerting.connect_chat import Asker, begin_connect
from control_plane.services.alerting.link_codes import mint_code
from control_plane.services.installation.identity import new_id
from control_plane.settings import Settings
from control_plane.store.pool import Database
from tests.support.chat_apps import CLIENT_ID, CLIENT_SECRET, DISCORD, SLACK, ChatApps
from tests.support.people import ORIGIN, Browser, House, a_house, inner
from tests.support.serving import settings_with
from tests.support.vendors import Reply, Request, VendorServer, vendor_server

APP = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
MARK = "farwatch_signing_in"


@pytest.fixture
def apps() -> ChatApps:
    return ChatApps(f"{ORIGIN}/connect/{{}}/callback")


@pytest.fixture
async def vendors(apps: ChatApps) -> AsyncIterator[VendorServer]:
    async with vendor_server(apps, SLACK, DISCORD) as running:
        yield running


def settings_of(vendors: VendorServer, **over: Any) -> Settings:
    way = vendors.settings(timeout_s=over.pop("timeout_s", 5))
    delivery = {name: getattr(way, name) for name in ("allow_cidrs", "connect_to", "ca_file", "timeout_s")}
    sections = {"server": {"public_url": ORIGIN}, "slack": APP, "discord": APP, "delivery": delivery, **over}
    return settings_with(**sections)


@pytest.fixture
async def house(database: Database, vendors: VendorServer) -> AsyncIterator[House]:
    async with a_house(database, settings_of(vendors)) as made:
        yield made


@pytest.fixture
async def owner(house: House) -> AsyncIterator[Browser]:
    async with house.owner() as browser:
        yield browser


async def begun(browser: Browser, kind: str = "slack") -> str:
    """Where the vendor's page is."""
    away = await browser.http.get(f"/connect/{kind}")
    assert away.status_code == 303, away.text
    return away.headers["Location"]


async def connect(browser: Browser, apps: ChatApps, kind: str = "slack") -> httpx.Response:
    return await browser.http.get(inner(apps.allow(await begun(browser, kind))))


async def channels(house: House) -> list[dict[str, Any]]:
    async with house.served.tenant() as http:
        found: list[dict[str, Any]] = (await http.get("/api/v1/channels")).json()["items"]
    return found


@pytest.mark.parametrize(("kind", "name"), [("slack", "Slack #ops"), ("discord", "Discord Farwatch")])
async def test_what_was_chosen_becomes_a_channel(
    house: House, owner: Browser, apps: ChatApps, kind: str, name: str
) -> None:
    reply = await connect(owner, apps, kind)
    assert reply.status_code == 200, reply.text
    assert f"{kind.title()} is connected" in reply.text
    assert name in reply.text
    assert "hook" not in reply.text.replace("webhook", "")
    (made,) = await channels(house)
    assert (made["kind"], made["name"], made["enabled"], made["write_source"]) == (kind, name, True, "ui")
    assert made["config"]["webhook_url"] == "***"


async def test_a_second_one_of_the_same_name_has_a_number(house: House, owner: Browser, apps: ChatApps) -> None:
    for _ in range(3):
        assert (await connect(owner, apps)).status_code == 200
    assert [each["name"] for each in await channels(house)] == ["Slack #ops", "Slack #ops (2)", "Slack #ops (3)"]


async def test_the_audit_says_who_connected_it(house: House, owner: Browser, apps: ChatApps) -> None:
    await connect(owner, apps)
    rows = await house.rows("SELECT actor_kind, actor, operation FROM audit WHERE object_kind = 'channel'")
    assert rows == [{"actor_kind": "member", "actor": "Olga", "operation": "connect_chat_back"}]


async def test_a_way_back_counts_once(house: House, owner: Browser, apps: ChatApps) -> None:
    back = inner(apps.allow(await begun(owner)))
    mark = owner.http.cookies[MARK]
    assert (await owner.http.get(back)).status_code == 200
    owner.http.cookies.set(MARK, mark)
    again = await owner.http.get(back)
    assert (again.status_code, "CONNECT_STALE" in again.text) == (403, True)
    assert len(await channels(house)) == 1


async def test_it_is_taken_back_only_in_the_browser_and_session_that_began_it(
    house: House, owner: Browser, apps: ChatApps
) -> None:
    back = inner(apps.allow(await begun(owner)))
    async with house.joined(owner, "ada@example.com", "admin") as other:
        assert (await other.http.get(back)).status_code == 403, "another browser"
        other.http.cookies.set(MARK, owner.http.cookies[MARK])
        assert (await other.http.get(back)).status_code == 403, "another session"
    async with house.browser() as nobody:
        nobody.http.cookies.set(MARK, owner.http.cookies[MARK])
        assert "CONNECT_STALE" in (await nobody.http.get(back)).text
    assert await channels(house) == []


async def test_a_state_of_one_vendor_is_none_of_the_other(house: House, owner: Browser, apps: ChatApps) -> None:
    back = inner(apps.allow(await begun(owner))).replace("/slack/", "/discord/")
    assert (await owner.http.get(back)).status_code == 403
    assert await channels(house) == []


async def test_a_state_of_ten_minutes_ago_is_over(house: House, owner: Browser, apps: ChatApps) -> None:
    back = inner(apps.allow(await begun(owner)))
    await house.rows("UPDATE login_states SET expires_at = now()")
    assert "CONNECT_STALE" in (await owner.http.get(back)).text


async def test_who_may_not_write_channels_does_not_set_out(house: House, owner: Browser) -> None:
    async with house.joined(owner, "vera@example.com", "viewer") as viewer:
        reply = await viewer.http.get("/connect/slack")
    assert (reply.status_code, "MISSING_SCOPE" in reply.text) == (403, True)
    async with house.browser() as nobody:
        assert (await nobody.http.get("/connect/slack")).headers["Location"].startswith("/?next=")


async def test_who_lost_the_right_on_the_way_comes_back_to_nothing(
    house: House, owner: Browser, apps: ChatApps
) -> None:
    async with house.joined(owner, "ada@example.com", "admin") as other:
        back = inner(apps.allow(await begun(other)))
        await house.rows("UPDATE members SET role = 'viewer' WHERE role = 'admin'")
        house.served.deps.authenticator.forget_sessions()
        assert "MISSING_SCOPE" in (await other.http.get(back)).text
    assert await channels(house) == []


async def test_without_an_app_there_is_nothing_at_the_address(database: Database, vendors: VendorServer) -> None:
    none = {"client_id": "", "client_secret": ""}
    async with a_house(database, settings_of(vendors, slack=none)) as house, house.owner() as owner:
        assert (await owner.http.get("/connect/slack")).status_code == 404
        assert (await owner.http.get("/connect/slack/callback?state=x&code=y")).status_code == 404
        assert (await owner.http.get("/connect/telegram")).status_code == 404
        assert (await owner.http.get("/connect/discord")).status_code == 303
        async with house.browser() as nobody:
            assert (await nobody.http.get("/connect/slack")).status_code == 404


@pytest.mark.parametrize(
    "query", ["error=access_denied", "error=server_error", "", "code=", "code=" + "x" * 501], ids=range(5)
)
async def test_who_does_not_allow_it_is_told_so(house: House, owner: Browser, query: str) -> None:
    state = httpx.URL(await begun(owner)).params["state"]
    reply = await owner.http.get(f"/connect/slack/callback?state={state}&{query}")
    assert (reply.status_code, "CONNECT_REFUSED" in reply.text) == (403, True)


GOOD = '{"ok":true,"incoming_webhook":{"channel":"#ops","url":"%s"}}'


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Reply(200, b'{"ok":false,"error":"invalid_code"}'), 403),
        (Reply(200, b'{"ok":true}'), 403),
        (Reply(400, b"no"), 403),
        (Reply(500, b"oops"), 503),
        (Reply(302, b"", {"Location": "https://evil.example/"}), 503),
        (Reply(200, b"<html>"), 503),
        (Reply(200, b"[" * 60_000), 503),
        (Reply(200, b'{"ok":"yes"}'), 503),
        (Reply(200, b'{"ok":true,"incoming_webhook":{"url":5}}'), 503),
        (Reply(200, b'{"ok":true,"pad":"' + b"x" * 1_000_000), 503),
        (Reply(200, (GOOD % "https://evil.example/services/T/B/x").encode()), 503),
        (Reply(200, (GOOD % "http://127.0.0.1/services/T/B/x").encode()), 503),
        (Reply(200, (GOOD % "https://hooks.slack.com/services/T/B/***").encode()), 503),
    ],
    ids=range(13),
)
async def test_a_hostile_answer_makes_no_channel(
    house: House, owner: Browser, apps: ChatApps, answer: Reply, status: int
) -> None:
    apps.later.append(answer)
    reply = await connect(owner, apps)
    assert reply.status_code == status, reply.text
    assert "evil" not in reply.text
    assert await channels(house) == []


@pytest.mark.parametrize(
    "webhook", [{"id": "42", "token": "x/../../y"}, {"id": "4@evil.example", "token": "x"}, {"id": 42}], ids=range(3)
)
async def test_discords_parts_are_put_into_no_other_url(
    house: House, owner: Browser, apps: ChatApps, webhook: dict[str, Any]
) -> None:
    apps.discord = webhook
    assert (await connect(owner, apps, "discord")).status_code == 503
    assert await channels(house) == []


async def test_a_name_that_a_vendor_makes_up_is_one_clean_line(house: House, owner: Browser, apps: ChatApps) -> None:
    apps.slack["channel"] = "#<b>\u202eops\x00\n" + "x" * 300
    reply = await connect(owner, apps)
    assert "<b>" not in reply.text
    (made,) = await channels(house)
    assert made["name"].startswith("Slack #<b> ops x")
    assert len(made["name"]) <= 100


async def test_a_vendor_that_never_answers_is_not_waited_for(database: Database, apps: ChatApps) -> None:
    release = asyncio.Event()

    async def silent(_request: Request) -> Reply:
        await release.wait()
        return Reply()

    async with vendor_server(silent, SLACK) as vendors:
        async with a_house(database, settings_of(vendors, timeout_s=0.3)) as house, house.owner() as owner:
            reply = await connect(owner, apps)
            assert (reply.status_code, "CONNECT_UNAVAILABLE" in reply.text) == (503, True)
            assert await channels(house) == []
        release.set()


async def delegated(
    house: House, browser: Browser, *, kind: str | None = None, asked: str = "slack"
) -> tuple[str, str]:
    """What the page of a delegation link does: the code, and where the browser is sent. Its mark is ours here."""
    deps, tenant_id = house.served.deps, house.served.home.tenant_id
    pepper = deps.settings.security.pepper.encode()
    minted = await mint_code(
        deps.database,
        tenant_id=tenant_id,
        link_id=new_id(),
        purpose="delegate",
        name="From outside",
        kind=kind,
        created_by="Olga",
        pepper=pepper,
    )
    await begun_at_all(house, browser)
    browser_digest = (await house.rows("SELECT browser FROM login_states"))[0]["browser"]
    location = await begin_connect(
        deps.database,
        deps.settings,
        Asker(tenant_id, link=code_digest(minted.code, pepper)),
        sealer=deps.sealer,
        kind=asked,
        browser=browser_digest,
    )
    return minted.code, location


async def begun_at_all(house: House, browser: Browser) -> None:
    """Let the browser be marked."""
    async with house.owner() as signed_in:
        await begun(signed_in)
        browser.http.cookies.set(MARK, signed_in.http.cookies[MARK])


async def test_a_delegation_link_makes_one_channel_without_a_session(house: House, apps: ChatApps) -> None:
    async with house.browser() as guest:
        _, location = await delegated(house, guest)
        mark = guest.http.cookies[MARK]
        reply = await guest.http.get(inner(apps.allow(location)))
        assert (reply.status_code, "you can close this page" in reply.text) == (200, True)
        guest.http.cookies.set(MARK, mark)
        assert (await guest.http.get(inner(apps.allow(location)))).status_code == 403, "used up"
    (made,) = await channels(house)
    assert (made["kind"], made["name"]) == ("slack", "From outside")
    rows = await house.rows("SELECT actor_kind, operation FROM audit WHERE object_kind = 'channel'")
    assert rows == [{"actor_kind": "link", "operation": "connect_chat_back"}]


@pytest.mark.parametrize("kind", ["discord", None], ids=["another-kind", "revoked"])
async def test_a_delegation_that_does_not_count_makes_nothing(house: House, apps: ChatApps, kind: str | None) -> None:
    async with house.browser() as guest:
        _, location = await delegated(house, guest, kind=kind)
        if kind is None:
            await house.rows("UPDATE channel_links SET revoked_at = now()")
        reply = await guest.http.get(inner(apps.allow(location)))
    assert (reply.status_code, "CHANNEL_LINK_OVER" in reply.text) == (404, True)
    assert await channels(house) == []
