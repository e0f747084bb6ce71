"""Every form with what it cannot take: it says so where one looks, keeps what was typed, and leads the focus there."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

from control_plane.dashboard.alerting.channel_fields import KINDS as CHANNEL_KINDS
from control_plane.domain.checks.kinds import SPECS
from control_plane.store.pool import Database
from tests.browser.conftest import sign_in, sign_in_operator
from tests.support.chromium import Browser
from tests.support.dashboard import a_desk
from tests.support.showroom import SETTINGS, furnish

NONSENSE = "not valid at all ☃"
FREE = {"/app/silences/new", "/app/incidents/new", "/app/settings/keys"}
"""Forms that take any words: nothing is typed there."""

FILL = """
(form, nonsense) => {
  form.noValidate = true;
  const others = ['hidden', 'checkbox', 'radio', 'file', 'search', 'datetime-local', 'time'];
  const typed = [...form.querySelectorAll('textarea, input')].filter((field) => !others.includes(field.type));
  for (const field of typed) {
    if (!field.disabled && !field.readOnly) field.value = field.type === 'number' ? '-7' : nonsense;
  }
}
"""
OUTCOME = """
(nonsense) => {
  const wrong = [...document.querySelectorAll('main [aria-invalid=true]')];
  const told = (field) => (field.getAttribute('aria-describedby') ?? '').split(' ').filter(Boolean)
    .map((id) => document.getElementById(id)).some((note) => note?.checkVisibility() && note.textContent.trim());
  const alerts = [...document.querySelectorAll('main [role=alert]')].filter((note) => note.checkVisibility());
  const focus = document.activeElement;
  return {
    fields: wrong.length,
    untold: wrong.filter((field) => !told(field)).map((field) => field.outerHTML.slice(0, 120)),
    hidden: wrong.filter((field) => !field.checkVisibility()).map((field) => field.outerHTML.slice(0, 120)),
    alerts: alerts.length,
    focused: wrong.includes(focus) || alerts.some((note) => note.contains(focus)),
    focus: focus.outerHTML.slice(0, 120),
    kept: [...document.querySelectorAll('main input, main textarea')].some((field) => field.value === nonsense),
  };
}
"""
"""What is wrong is named, where it is, and where the focus is now."""


def forms(known: dict[str, str]) -> list[tuple[str, str]]:
    """Where a form is, and which button sends it. Those of parts of a page have no address of their own."""
    monitor, channel, window, route = (known[name] for name in ("monitor_id", "channel_id", "window_id", "route_id"))
    return [
        *((f"/app/monitors/new?kind={kind}", "Add monitor") for kind in SPECS),
        (f"/app/monitors/{monitor}/edit", "Save"),
        *((f"/app/channels/new/{kind}", "Add channel") for kind in CHANNEL_KINDS),
        (f"/app/channels/{channel}/edit", "Save changes"),
        ("/app/routes/new", "Add route"),
        (f"/app/routes/{route}", "Save changes"),
        ("/app/silences/new", "Silence"),
        ("/app/maintenance/new", "Plan it"),
        (f"/app/maintenance/{window}", "Save changes"),
        ("/app/incidents/new", "Declare incident"),
        ("/app/members", "Make a link"),
        ("/app/settings/keys", "Make the key"),
        ("/app/settings/domains", "Add"),
        ("/app/status-pages/new", "Make the draft"),
        ("/app/regions", "Make the region"),
    ]


@pytest.mark.timeout(600)  # on a machine that does other things as well
async def test_every_form_says_what_is_wrong_beside_it(database: Database, browser: Browser) -> None:
    async with a_desk(database, SETTINGS) as desk:
        shown = await furnish(desk)
        page = await (await browser.new_context(base_url=desk.url)).new_page()
        await page.goto("/")
        await sign_in(page, desk)
        await sign_in_operator(page)
        found = [each for path, button in forms(dict(shown.known)) for each in await _refused(page, path, button)]
        await browser.close()
    assert found == []


async def _refused(page: Page, path: str, button: str) -> list[str]:
    await page.goto(path)
    await page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    send = page.get_by_role("button", name=button, exact=True).first
    if not await send.count():
        names = await page.get_by_role("button").all_inner_texts()
        return [f"{path}: no button {button} among {names}"]
    typed = "" if path in FREE else NONSENSE
    await send.evaluate(f"(button, typed) => ({FILL})(button.form, typed)", typed)
    async with page.expect_navigation():
        await send.click()
    told: dict[str, Any] = await page.evaluate(OUTCOME, typed)
    wrong = []
    if not told["fields"] and not told["alerts"]:
        wrong.append(f"says nothing; now at {page.url}")
    elif not told["focused"]:
        wrong.append(f"the focus is on {told['focus']}")
    if not told["kept"]:
        wrong.append("what was typed is gone")
    wrong += [f"not told: {each}" for each in told["untold"]] + [f"hidden: {each}" for each in told["hidden"]]
    return [f"{path}: {each}" for each in wrong]
