"""What people without an account show to everybody: their public monitors, what is wrong first, and their pages.

And what `/` is for strangers, as the operator has set it: what Farwatch is, one status page, or this list. It is shown
there, never led to, so that there is no circle of redirects; whoever is signed in, or on the way in, passes by.
"""

from __future__ import annotations

from functools import partial
from math import ceil
from typing import Any

from aiohttp import web
from msgspec import Struct

from control_plane.domain.pages.public_page import ComponentState
from control_plane.domain.pages.public_state import component_state
from control_plane.errors import NotFound, Unavailable
from control_plane.public_site.rendering import rendered
from control_plane.public_site.status_page import HEADERS, HTML, bare_shell, preferred, route
from control_plane.public_site.status_page_views import moment
from control_plane.services.installation.read_front import FrontDoor, read_front
from control_plane.services.pages.patience import SHORT_S
from control_plane.store import page_manage_keys
from control_plane.store.manage_keys import anonymous_tenant
from control_plane.store.page_manage_keys import ListedMonitor, ListedPage
from control_plane.store.tenants import ANONYMOUS
from control_plane.web.browser import read_session
from control_plane.web.call import Call
from control_plane.web.dispatch import PUBLIC_READ
from control_plane.web.routes import Route

EVERYBODY = "/status"
ON_A_PAGE = 100
MOST_PAGES = 100
LAST = 100
"""Pages of the list; what is beyond cannot be asked for."""


class Shown(Struct, frozen=True):
    """One look at the list."""

    monitors: list[ListedMonitor]
    pages: list[ListedPage]
    total: int


async def front_door(call: Call) -> FrontDoor:
    """The operator's settings of `/`, as they last could be read; without any, Farwatch's own page."""
    try:
        known = await call.deps.last_known.ask(
            ("front",), partial(read_front, call.deps.database), now=call.deps.now(), patience_s=SHORT_S
        )
    except Unavailable:
        return FrontDoor()
    return known.value


def is_on_the_way_in(call: Call) -> bool:
    """Whether the visitor is signed in, or was sent here to sign in."""
    return "next" in call.request.query or read_session(call.request, call.deps.settings) is not None


async def show_everybody(call: Call) -> web.Response:
    """The list, page by page. Raises NotFound where people without an account make nothing here."""
    if not call.deps.settings.anonymous.enabled:
        raise NotFound("There is no status page at this address", code="STATUS_PAGE_NOT_FOUND")
    number = _number(call.request.query.get("page", ""))
    known = await call.deps.last_known.ask(("everybody", number), partial(_read, call, number), now=call.deps.now())
    door = await front_door(call)
    text = rendered("status_everybody.html", _context(call, known.value, number, door, known.since))
    headers = {**HEADERS, "Cache-Control": PUBLIC_READ, "X-Robots-Tag": "noindex", **known.headers}
    return web.Response(text=text, content_type=HTML, charset="utf-8", headers=headers)


async def _read(call: Call, number: int) -> Shown:
    async with call.deps.database.app() as conn:
        tenant = await anonymous_tenant(conn, tenant_id=ANONYMOUS)
    if tenant is None or tenant.suspended:
        return Shown([], [], 0)
    async with call.deps.database.tenant(ANONYMOUS) as conn:
        monitors, total = await page_manage_keys.listed_monitors(
            conn, tenant_id=ANONYMOUS, limit=ON_A_PAGE, offset=(number - 1) * ON_A_PAGE
        )
        pages = await page_manage_keys.listed_pages(conn, tenant_id=ANONYMOUS, limit=MOST_PAGES)
    return Shown(monitors, pages, total)


def _context(call: Call, shown: Shown, number: int, door: FrontDoor, since: Any) -> dict[str, Any]:
    words = preferred(call)
    monitors = [{"name": one.name, "status": _state(one), "since": moment(one.since, words)} for one in shown.monitors]
    last = min(LAST, max(1, ceil(shown.total / ON_A_PAGE)))
    shell = bare_shell(words.say("everybody_title"))
    return {
        "words": words,
        "shell": {**shell, "stale": moment(since, words) if since else None, "footer": ""},
        "site": door.name,
        "monitors": monitors,
        "pages": shown.pages,
        "here": call.request.path,
        "earlier": number - 1 if number > 1 else 0,
        "later": number + 1 if number < last else 0,
    }


def _state(monitor: ListedMonitor) -> ComponentState:
    return component_state(shown=monitor.shown, regions_up=monitor.regions_up)


def _number(text: str) -> int:
    return min(LAST, max(1, int(text))) if text.isascii() and text.isdigit() and len(text) < 9 else 1


ROUTES: tuple[Route, ...] = (
    route(EVERYBODY, show_everybody, operation="show_everybody", summary="What people without an account show"),
)
