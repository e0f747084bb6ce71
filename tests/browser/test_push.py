"""Push in a real browser. The service worker is run as it is, and pushed to through the browser's own debugger.

Only PushManager.subscribe is stubbed: it would ask a push service on the Internet for an address.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, CDPSession, Page

from tests.support.chromium import Browser
from tests.support.dashboard import Desk
from tests.support.vendor_push import Browser as Subscribed

HERE = "/app/settings/push"
STUB = """
(config) => {
  const gave = {
    endpoint: config.endpoint,
    options: {userVisibleOnly: true},
    toJSON: () => ({endpoint: config.endpoint, keys: {p256dh: config.p256dh, auth: config.auth}}),
    unsubscribe: async () => { localStorage.removeItem('stub'); return true; },
  };
  PushManager.prototype.subscribe = async function (options) {
    if (!options.userVisibleOnly || options.applicationServerKey.length !== 65) throw new Error('bad options');
    localStorage.setItem('stub', 'subscribed');
    return gave;
  };
  PushManager.prototype.getSubscription = async () => localStorage.getItem('stub') ? gave : null;
}
"""
SHOWN = """
async () => (await (await navigator.serviceWorker.ready).getNotifications()).map((each) => ({
  title: each.title, body: each.body, tag: each.tag, stays: each.requireInteraction, silent: each.silent,
  icon: new URL(each.icon).pathname, actions: each.actions.map((one) => one.action), data: each.data,
}))
"""
READY = "async () => Boolean((await navigator.serviceWorker.ready).active)"


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser, desk: Desk) -> AsyncIterator[BrowserContext]:
    made = await browser.new_context(base_url=desk.url)
    await made.grant_permissions(["notifications"], origin=desk.url)
    await made.add_init_script(f"({STUB})({json.dumps(Subscribed('').config)})")
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def push_page(context: BrowserContext, desk: Desk) -> Page:
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_label("API key").fill(desk.key)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/app")
    await page.goto(HERE)
    return page


async def subscribed(page: Page) -> None:
    async with page.expect_navigation():
        await page.get_by_role("button", name="Tell this browser").click()
    await page.get_by_text("This browser is told of incidents.").wait_for()


class Pusher:
    """The debugger's view of the service workers, through which a push is delivered."""

    def __init__(self, session: CDPSession, origin: str) -> None:
        self._session, self._origin = session, origin
        self._registration: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        session.on("ServiceWorker.workerRegistrationUpdated", self._hear)

    def _hear(self, event: dict[str, Any]) -> None:
        for each in event["registrations"]:
            if not each["isDeleted"] and not self._registration.done():
                self._registration.set_result(each["registrationId"])

    async def push(self, data: str) -> None:
        async with asyncio.timeout(15):
            registration = await self._registration
        wanted = {"origin": self._origin, "registrationId": registration, "data": data}
        await self._session.send("ServiceWorker.deliverPushMessage", wanted)


async def pusher_of(context: BrowserContext, page: Page, desk: Desk) -> Pusher:
    session = await context.new_cdp_session(page)
    pusher = Pusher(session, desk.url)
    await session.send("ServiceWorker.enable")
    return pusher


async def shown(page: Page, title: str) -> dict[str, Any]:
    """The notification of that title, once it is there."""
    async with asyncio.timeout(20):
        while True:
            found = [each for each in await page.evaluate(SHOWN) if each["title"] == title]
            if found:
                one: dict[str, Any] = found[0]
                return one
            await asyncio.sleep(0.05)


async def test_permission_is_asked_for_on_a_click_alone(push_page: Page, desk: Desk) -> None:
    button = push_page.get_by_role("button", name="Tell this browser")
    await button.wait_for()
    workers = "async () => (await navigator.serviceWorker.getRegistrations()).length"
    assert await push_page.evaluate(workers) == 0
    await subscribed(push_page)
    async with desk.served.tenant() as api:
        listed = (await api.get("/api/v1/push-subscriptions")).json()["items"]
    assert len(listed) == 1
    assert listed[0]["service"] == "push.example.net"
    assert await push_page.get_by_text("this browser", exact=True).is_visible()


async def test_a_subscription_is_ended_where_it_was_made(push_page: Page, desk: Desk) -> None:
    await subscribed(push_page)
    async with push_page.expect_navigation():
        await push_page.get_by_role("button", name="Stop telling it").click()
    await push_page.get_by_text("This browser is not told yet.").wait_for()
    async with desk.served.tenant() as api:
        assert (await api.get("/api/v1/push-subscriptions")).json()["items"] == []


async def test_what_is_pushed_is_shown_as_its_tone_asks(context: BrowserContext, push_page: Page, desk: Desk) -> None:
    await subscribed(push_page)
    assert await push_page.evaluate(READY)
    pusher = await pusher_of(context, push_page, desk)
    alarm = {"title": "Shop is down", "body": "From eu and us", "tag": "a1", "tone": "alarm", "phase": "opened"}
    links = {"url": f"{desk.url}/app/incidents/1", "acknowledge_url": f"{desk.url}/ack/abc"}
    await pusher.push(json.dumps({**alarm, **links, "sent_at": "2026-05-01T10:00:00Z"}))
    seen = await shown(push_page, "Shop is down")
    assert (seen["body"], seen["tag"], seen["icon"]) == ("From eu and us", "a1", "/static/0/icon-192.png")
    assert (seen["stays"], seen["silent"], seen["actions"]) == (True, False, ["acknowledge"])
    assert seen["data"] == {"url": links["url"], "acknowledge": links["acknowledge_url"]}
    relief = {"title": "Shop is up again", "body": "", "tag": "a1", "tone": "relief", "url": "https://evil.example/"}
    await pusher.push(json.dumps(relief))
    seen = await shown(push_page, "Shop is up again")
    assert (seen["stays"], seen["actions"], seen["data"]["url"]) == (False, [], "")
    assert len(await push_page.evaluate(SHOWN)) == 1, "it took the place of the alarm"


ODD = '{"title": 7, "tag": {}, "url": "javascript:alert(1)"}'


@pytest.mark.parametrize("payload", ["no json", "null", "[]", ODD])
async def test_something_is_shown_for_whatever_is_pushed(
    payload: str, context: BrowserContext, push_page: Page, desk: Desk
) -> None:
    await subscribed(push_page)
    pusher = await pusher_of(context, push_page, desk)
    await pusher.push(payload)
    seen = await shown(push_page, "Farwatch")
    assert seen["data"] == {"url": "", "acknowledge": ""}


async def test_a_browser_that_refuses_is_told_how_to_allow_it(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(base_url=desk.url)
    await context.add_init_script("Object.defineProperty(Notification, 'permission', {get: () => 'denied'})")
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_label("API key").fill(desk.key)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/app")
    await page.goto(HERE)
    await page.get_by_text("Allow them in the settings of the site").wait_for()
    assert not await page.get_by_role("button", name="Tell this browser").is_visible()
    await context.close()


async def test_a_browser_without_push_is_told_what_else_there_is(browser: Browser, desk: Desk) -> None:
    context = await browser.new_context(base_url=desk.url)
    await context.add_init_script("delete window.PushManager")
    page = await context.new_page()
    await page.goto("/")
    await page.get_by_label("API key").fill(desk.key)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/app")
    await page.goto(HERE)
    await page.get_by_text("This browser has no push notifications").wait_for()
    await context.close()
