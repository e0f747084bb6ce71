"""Push in a real browser. The service worker is run as it is, and pushed to through the browser's own debugger.

Only PushManager.subscribe is stubbed: it would ask a push service on the Internet for an address. No debugger clicks a
notification or replaces a subscription, so those two events are made inside the worker. Its own listeners answer them;
what a browser allows on a real click alone, opening and focusing a window, is written down instead of done.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, CDPSession, Page, Worker

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


CLICK = """
async ({title, action}) => {
  const went = [], pending = [];
  self.clients.openWindow = async (url) => { went.push(["open", url]); };
  WindowClient.prototype.focus = async function () { went.push(["focus", this.url]); };
  const notification = (await self.registration.getNotifications()).find((each) => each.title === title);
  const event = new NotificationEvent("notificationclick", {notification, action});
  event.waitUntil = (work) => pending.push(work); // a browser refuses it for an event that it did not make
  self.dispatchEvent(event);
  await Promise.all(pending);
  const left = (await self.registration.getNotifications()).filter((each) => each.title === title).length;
  return {went, left};
}
"""
CHANGE = """
async ({endpoint, keys, given}) => {
  const pending = [], asked = [];
  const fresh = {endpoint, toJSON: () => ({endpoint, keys})};
  PushManager.prototype.subscribe = async (options) => { asked.push(options); return fresh; };
  const event = new ExtendableEvent("pushsubscriptionchange");
  Object.assign(event, {newSubscription: given ? fresh : null, oldSubscription: null});
  event.waitUntil = (work) => pending.push(work);
  self.dispatchEvent(event);
  await Promise.all(pending);
  return asked;
}
"""


async def worker_of(context: BrowserContext, page: Page) -> Worker:
    """The service worker, once it serves the page."""
    assert await page.evaluate(READY)
    if not context.service_workers:
        await context.wait_for_event("serviceworker")
    return context.service_workers[0]


async def test_a_click_leads_to_the_incident_and_nowhere_else(
    context: BrowserContext, push_page: Page, desk: Desk
) -> None:
    await subscribed(push_page)
    worker = await worker_of(context, push_page)
    pusher = await pusher_of(context, push_page, desk)
    incident, acknowledge = f"{desk.url}/app/incidents/1", f"{desk.url}/ack/abc"
    here = {"title": "Here", "tag": "b", "url": f"{desk.url}{HERE}"}
    for told in (
        {"title": "Down", "tag": "a", "tone": "alarm", "url": incident, "acknowledge_url": acknowledge},
        here,
        {"title": "Odd", "tag": "c", "url": "https://evil.example/", "acknowledge_url": "javascript:alert(1)"},
    ):
        await pusher.push(json.dumps(told))
        await shown(push_page, str(told["title"]))
    went = []
    for title, action in (("Down", "acknowledge"), ("Here", ""), ("Odd", "acknowledge")):
        said = await worker.evaluate(CLICK, {"title": title, "action": action})
        assert said["left"] == 0, "the notification is closed"
        went.append(said["went"])
    assert went == [[["open", acknowledge]], [["focus", here["url"]]], [["open", f"{desk.url}/app"]]]


@pytest.mark.parametrize("given", [True, False], ids=["the browser has another", "the browser has none"])
async def test_a_subscription_that_is_replaced_is_renewed_while_no_page_is_open(
    given: bool, context: BrowserContext, push_page: Page, desk: Desk
) -> None:
    await subscribed(push_page)
    worker = await worker_of(context, push_page)
    async with desk.served.tenant() as api:
        (before,) = (await api.get("/api/v1/push-subscriptions")).json()["items"]
        key = (await api.get("/api/v1/push-subscriptions/key")).json()["public_key"]
        await push_page.goto("about:blank")
        config = Subscribed("").config
        keys = {"p256dh": config["p256dh"], "auth": config["auth"]}
        other = {"endpoint": "https://push.example.org/send/xyz", "keys": keys, "given": given}
        asked = await worker.evaluate(CHANGE, other)
        (after,) = (await api.get("/api/v1/push-subscriptions")).json()["items"]
    assert (after["service"], after["name"]) == ("push.example.org", before["name"])
    assert after["id"] != before["id"]
    assert asked == ([] if given else [{"userVisibleOnly": True, "applicationServerKey": key}])
    await push_page.goto(HERE)
    assert await push_page.get_by_text("this browser", exact=True).is_visible(), "the page knows it as its own"
