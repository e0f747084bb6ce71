"""Status pages' editor in a real browser: by keyboard alone, with its preview, on a phone, and without scripts."""

from __future__ import annotations

from playwright.async_api import FrameLocator, Locator, Page, expect

from tests.browser.conftest import sign_in
from tests.support.chromium import Browser
from tests.support.dashboard import Desk

HERE = "/app/status-pages"
WAIT_MS = 15_000
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


async def reach(page: Page, thing: Locator) -> None:
    """Tab until it has the focus."""
    for _ in range(150):
        await page.keyboard.press("Tab")
        if await thing.evaluate("(e) => e === document.activeElement"):
            return
    raise AssertionError(f"{thing} is not reached by keyboard")


async def type_into(page: Page, thing: Locator, text: str) -> None:
    await reach(page, thing)
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type(text)


async def width_of(thing: Locator) -> float:
    box = await thing.bounding_box()
    assert box is not None
    return box["width"]


def inside(page: Page) -> FrameLocator:
    return page.frame_locator("#preview")


async def furnished(desk: Desk, **body: object) -> str:
    """A page with two headings, of which one monitor is down."""
    ids = [await desk.monitor(name) for name in ("Checkout", "Search", "api.eu.internal.example:8443")]
    for each in ids:
        await desk.all_up(each)
    await desk.down(ids[0], "eu", "us")
    async with desk.served.tenant() as api:
        made = await api.post("/api/v1/status-pages", json={"slug": "acme", "title": "Acme", **body})
        page_id: str = made.json()["id"]
        for each, group in zip(ids, ("Shop", "Shop", None), strict=True):
            line = {"monitor_id": str(each), "group": group}
            await api.post(f"/api/v1/status-pages/{page_id}/components", json=line)
    return page_id


async def test_the_first_page_is_made_and_published_by_keyboard_alone(home: Page, desk: Desk) -> None:
    for name in ("Checkout", "Search"):
        await desk.all_up(await desk.monitor(name))
    await home.goto(HERE)
    await reach(home, home.get_by_role("link", name="Make the first page"))
    await home.keyboard.press("Enter")
    await home.wait_for_url(f"**{HERE}/new")
    await type_into(home, home.get_by_label("Name", exact=True), "Größe & Co")
    await expect(home.get_by_label("Address")).to_have_value("grosse-co")
    for name in ("Checkout", "Search"):
        await reach(home, home.get_by_label(name))
        await home.keyboard.press("Space")
    await reach(home, home.get_by_role("button", name="Make the draft"))
    await home.keyboard.press("Enter")
    await home.wait_for_url("**?said=created")

    await type_into(home, home.get_by_label("Above the verdict"), HOSTILE)
    await expect(inside(home).get_by_text(HOSTILE)).to_be_visible(timeout=WAIT_MS)
    await expect(home.get_by_text("Not saved yet")).to_be_visible()
    await reach(home, home.get_by_role("button", name="Save"))
    await home.keyboard.press("Enter")
    await home.wait_for_url("**?said=saved")

    await reach(home, home.get_by_role("link", name="Components"))
    await home.keyboard.press("Enter")
    await home.wait_for_url("**/components")
    await reach(home, home.get_by_role("button", name="Move Search up"))
    await home.keyboard.press("Enter")
    await home.wait_for_url("**said=moved**")
    lines = home.locator(".arranged-line strong")
    await expect(lines).to_have_text(["Search", "Checkout"])
    await expect(home.get_by_role("button", name="Move Search down")).to_be_focused()

    await reach(home, home.get_by_role("button", name="Publish", exact=True))
    await home.keyboard.press("Enter")
    await home.wait_for_url("**?said=published")
    await home.goto("/status/grosse-co")
    await expect(home.locator("h3", has_text="Search")).to_be_visible()
    await expect(home.get_by_text(HOSTILE)).to_be_visible()


async def test_the_preview_follows_what_is_typed_and_lines_are_dragged(home: Page, desk: Desk) -> None:
    page_id = await furnished(desk)
    await home.goto(f"{HERE}/{page_id}")
    frame = inside(home)
    await expect(frame.locator("h1")).to_contain_text("not reachable")
    await home.get_by_label("Language").select_option("ar")
    await expect(frame.locator("html")).to_have_attribute("dir", "rtl", timeout=WAIT_MS)
    await home.get_by_label("Accent, light theme", exact=True).fill("#ffee00")
    said = home.locator("#accent-hint")
    await expect(said).to_contain_text("is too little", timeout=WAIT_MS)
    await home.get_by_label("Accent, light theme", exact=True).fill("#b3261e")
    await expect(said).to_contain_text("easy to read", timeout=WAIT_MS)
    ground = "getComputedStyle(document.body).backgroundColor"
    light = await frame.locator("body").evaluate(ground)
    await home.get_by_label("Dark", exact=True).check(force=True)
    await expect(frame.locator("html")).to_have_attribute("data-theme", "dark", timeout=WAIT_MS)
    assert await frame.locator("body").evaluate(ground) != light
    wide = await width_of(home.locator("#preview"))
    await home.get_by_label("Phone", exact=True).check(force=True)
    narrow = await width_of(home.locator("#preview"))
    assert narrow < 400 < wide
    await frame.locator("nav a").click()
    await expect(frame.locator("h1")).to_be_visible()
    assert home.url.endswith(page_id), "nothing in the preview leads away"

    await home.goto(f"{HERE}/{page_id}/components")
    grip = home.locator(".arranged-line", has_text="api.eu").locator(".grip")
    await grip.drag_to(home.locator(".arranged-line", has_text="Checkout"), target_position={"x": 20, "y": 2})
    await home.wait_for_url("**said=moved**")
    shop = home.locator('[data-heading="Shop"] .arranged-line strong')
    await expect(shop).to_have_text(["api.eu.internal.example:8443", "Checkout", "Search"])


async def test_without_scripts_the_button_draws_the_preview(browser: Browser, desk: Desk) -> None:
    page_id = await furnished(desk)
    context = await browser.new_context(base_url=desk.url, java_script_enabled=False)
    page = await context.new_page()
    await page.goto("/")
    await sign_in(page, desk)
    await page.goto(f"{HERE}/{page_id}")
    await page.get_by_label("Above the verdict").fill("As it is typed")
    await page.get_by_label("Dark", exact=True).check(force=True)
    await page.get_by_role("button", name="Preview").click()
    await expect(inside(page).get_by_text("As it is typed")).to_be_visible(timeout=WAIT_MS)
    await expect(inside(page).locator("html")).to_have_attribute("data-theme", "dark")
    await expect(page.get_by_label("Above the verdict")).to_have_value("As it is typed")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url("**?said=saved")
    await page.goto(f"{HERE}/{page_id}/components")
    await page.get_by_role("button", name="Move Checkout down").click()
    await expect(page.locator(".arranged-line strong").first).to_have_text("Search")
    await page.get_by_role("button", name="Move Shop down").click()
    await expect(page.locator(".part-head h3")).to_have_text(["Under no heading", "Shop"])
    await page.get_by_role("link", name="Change Search").click()
    await expect(page.get_by_label("Name for the public")).to_be_focused()
    await page.get_by_label("Name for the public").fill("Finding things")
    await page.get_by_role("button", name="Save Search").click()
    await expect(page.locator('[data-heading="Shop"] strong').first).to_have_text("Finding things")
    await context.close()
