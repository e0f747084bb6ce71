"""/status/{slug}: the page itself, its incidents and its history, as people read them. All of it works without scripts.

The living part comes alone with ?fragment=1. What cannot be shown is a page in words, too: one that is not there, one
that asks for a password, and, where there is no copy of it, one whose database is away.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from control_plane.domain.pages.public_page import ComponentState, PublicIncident, PublicMaintenance, PublicPage
from control_plane.domain.pages.subscriber_rules import Kind
from control_plane.errors import BadRequest, FarwatchError, Forbidden, NotFound, TooMany, Unavailable
from control_plane.public_site.language import Language, language, preferred_of
from control_plane.public_site.rendering import rendered
from control_plane.public_site.status_page_door import answer, api_of, base_of, colours_path, find, opened
from control_plane.public_site.status_page_views import (
    SEARCH_LIMIT,
    Wanted,
    incident_view,
    moment,
    months,
    page_view,
)
from control_plane.public_site.subscribing import ways_of
from control_plane.services.pages.keep_public_pages import Copy
from control_plane.services.pages.public_incidents import read_public_incident, read_public_incidents
from control_plane.services.pages.public_maintenance import read_public_maintenance
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route

HTML = "text/html"
MONTHS = 3
"""Months of history on one page."""
FILTERS_FROM = 12
"""Components from which on a page offers to look for one."""
STATUSES: tuple[ComponentState, ...] = (
    *("operational", "degraded", "partial_outage", "major_outage", "maintenance", "no_data"),
)
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",  # not no-referrer, under which browsers send `Origin: null` with our own form
}

Show = Callable[[Call], Awaitable[web.Response]]


def wanted_of(call: Call) -> Wanted:
    """What the query asks for; parameters of others (utm_…) are left alone."""
    asked = {name: call.request.query.get(name, "").strip()[:SEARCH_LIMIT] for name in ("search", "status", "group")}
    return Wanted(**asked)


async def show_page(call: Call) -> web.Response:
    return page_answer(call, await opened(call))


def page_answer(call: Call, copy: Copy, *, home: str | None = None) -> web.Response:
    """The page, or its living part. `home` is where it lies, if that is not its base."""
    wanted, fragment = wanted_of(call), call.request.query.get("fragment") == "1"
    there = home or base_of(copy.face.slug)
    key = ("page", there, wanted, fragment)
    template = "status_live.html" if fragment else "status_page.html"
    return answer(
        call, copy, key, lambda: rendered(template, _page_context(call, copy, wanted, there)), media=HTML, more=HEADERS
    )


def _page_context(call: Call, copy: Copy, wanted: Wanted, home: str) -> dict[str, Any]:
    ways = ways_of(call.deps.settings, protected=copy.page.protected)
    return page_context(copy.page, wanted, home=home, stale=copy.stale_since, ways=ways)


def page_context(
    page: PublicPage,
    wanted: Wanted,
    *,
    home: str,
    stale: datetime | None = None,
    ways: frozenset[Kind] = frozenset(),
) -> dict[str, Any]:
    """What the template of a page needs. `stale`: the instant that it shows, when that is not the present one.

    `ways`: how its readers may be told of what it says.
    """
    view = page_view(page, wanted)
    asked = {name: value for name, value in (("search", wanted.search), ("status", wanted.status)) if value}
    asked |= {"group": wanted.group} if wanted.group else {}
    more = {
        "notice": page.notice.message if page.notice else "",
        "header": page.header_text,
        "filters": len(page.components) >= FILTERS_FROM,
        "bars": any(component.days for component in page.components),
        "api": api_of(page.slug),
        "ways": ways,
        "fragment": f"{home}?{urlencode({**asked, 'fragment': '1'})}",
    }
    context = {"view": view, "wanted": wanted, "statuses": STATUSES, "words": view.words}
    return {**context, "shell": {**shell_of(page, home=home, stale=stale), **more}}


async def show_incident(call: Call) -> web.Response:
    copy = await opened(call)
    incident, copy = await incident_of(call, copy)
    words = language(copy.page.language)
    now = copy.stale_since or call.deps.now()

    def make() -> str:
        each = incident_view(incident, words, now=now)
        return rendered("status_incident.html", {"each": each, "words": words, "shell": shell(copy)})

    key = ("incident", incident.id, incident.updated_at, now.replace(second=0, microsecond=0))
    return answer(call, copy, key, make, media=HTML, more=HEADERS)


async def incident_of(call: Call, copy: Copy) -> tuple[PublicIncident, Copy]:
    """The incident of the path, however long ago, and the copy, as old as what is told of the incident.

    Raises NotFound INCIDENT_NOT_FOUND for what is not on this page.
    """
    incident_id = call.uuid("incident_id")
    found = next((each for each in copy.page.incidents if each.id == incident_id), None)
    if found is None:
        read = partial(read_public_incident, call.deps.database, copy.face, incident_id)
        found, copy = await call.deps.pages.part(copy, ("incident", incident_id), read)
    if found is None:
        raise NotFound("There is no such incident on this page", code="INCIDENT_NOT_FOUND")
    return found, copy


async def show_history(call: Call) -> web.Response:
    copy = await opened(call)
    today = call.deps.now().astimezone(UTC).date()
    newest = _month(call.request.query.get("until", ""), today)
    read = partial(_told_until, call, copy, newest)
    (found, held), copy = await call.deps.pages.part(copy, ("history", newest), read)

    def make() -> str:
        context = {
            "months": months(found, held, newest=newest, count=MONTHS, page=copy.page),
            "words": language(copy.page.language),
            "shell": shell(copy),
            "earlier": _shown_month(_moved(newest, -MONTHS)) if _kept(call, newest) else "",
            "later": "" if newest == today.replace(day=1) else _later(newest, today),
        }
        return rendered("status_history.html", context)

    digest = (
        *((each.id, each.updated_at) for each in found),
        *((each.id, each.changed_at, each.ends_at) for each in held),
    )
    return answer(call, copy, ("history", newest, digest), make, media=HTML, more=HEADERS)


async def _told_until(
    call: Call, copy: Copy, newest: date
) -> tuple[Sequence[PublicIncident], Sequence[PublicMaintenance]]:
    """The incidents and the maintenance of the months up to that one."""
    database, since, until = call.deps.database, _instant(_moved(newest, 1 - MONTHS)), _instant(_moved(newest, 1))
    found = await read_public_incidents(database, copy.face, since=since, until=until)
    return found, await read_public_maintenance(database, copy.face, since=since, until=until)


def _kept(call: Call, newest: date) -> bool:
    """Whether anything older than these months may still be there."""
    oldest = call.deps.now() - timedelta(days=call.deps.settings.retention.incidents_days)
    return _instant(_moved(newest, 1 - MONTHS)) > oldest


def _month(text: str, today: date) -> date:
    """YYYY-MM, at most the present month, which also stands for what is no month."""
    try:
        asked = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        asked = today
    return max(min(asked, today), date(2000, 1, 1)).replace(day=1)


def _later(newest: date, today: date) -> str:
    later = _moved(newest, MONTHS)
    return "now" if later >= today.replace(day=1) else _shown_month(later)


def _moved(first: date, by: int) -> date:
    count = first.year * 12 + first.month - 1 + by
    return date(count // 12, count % 12 + 1, 1)


def _shown_month(first: date) -> str:
    return f"{first:%Y-%m}"


def _instant(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def shell(copy: Copy, *, home: str | None = None) -> dict[str, Any]:
    """What the frame around every part of a page needs."""
    return shell_of(copy.page, home=home, stale=copy.stale_since)


def shell_of(page: PublicPage, *, home: str | None, stale: datetime | None) -> dict[str, Any]:
    """The same of a page that nobody keeps a copy of."""
    base, words = base_of(page.slug), language(page.language)
    return {
        "bare": False,
        "title": page.title,
        "description": page.description,
        "listed": page.listed and not page.protected,
        "footer": page.footer_text,
        "colours": colours_path(page),
        "logo": f"{base}/logo/{page.logo}" if page.logo else "",
        "base": base,
        "home": home or base,
        "stale": moment(stale, words) if stale else None,
    }


def bare_shell(title: str) -> dict[str, Any]:
    """The frame of what is no page, or is not to be seen."""
    named = {"title": title, "description": "", "footer": "", "colours": "", "logo": "", "base": "", "home": "/"}
    return {**named, "bare": True, "listed": False, "stale": None}


def told(template: str, context: Mapping[str, Any], *, status: int) -> web.Response:
    """A page that nobody keeps."""
    headers = {**HEADERS, "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    text = rendered(template, context)
    return web.Response(text=text, status=status, content_type=HTML, charset="utf-8", headers=headers)


async def in_words(show: Show, call: Call) -> web.StreamResponse:
    """`show`, and what it refuses as a page."""
    try:
        return await show(call)
    except Forbidden:
        return await ask_password(call)
    except BadRequest:
        return refused(call, NotFound("What is no id names nothing"))
    except (NotFound, Unavailable) as error:
        return refused(call, error)


def refused(call: Call, error: FarwatchError) -> web.Response:
    """The page that says that there is none, or none just now."""
    words = preferred(call)
    what = "gone" if isinstance(error, NotFound) else "away"
    response = told(
        "status_gone.html", {"words": words, "what": what, "shell": bare_shell("Farwatch")}, status=error.status
    )
    response.headers["Vary"] = "Accept-Language"
    if what == "away":
        response.headers["Retry-After"] = "5"
    return response


def preferred(call: Call) -> Language:
    """The first language of the reader's browser that there is, where no page says which."""
    return preferred_of(call.request.headers.get("Accept-Language", ""))


async def ask_password(call: Call, *, error: FarwatchError | None = None) -> web.Response:
    """The form; it tells nothing of the page, not even its name."""
    page: PublicPage = (await find(call, call.path["slug"])).page
    words = language(page.language)
    problem = ""
    if isinstance(error, TooMany):
        problem = words.say("password_wait", wait=words.lasting(timedelta(seconds=error.retry_after_s)))
    elif error is not None:
        problem = words.say("password_wrong")
    frame = {**bare_shell(words.say("password_title")), "base": base_of(page.slug), "home": base_of(page.slug)}
    context = {"words": words, "problem": problem, "there": _inner(call, page.slug), "shell": frame}
    response = told("status_password.html", context, status=403 if error is None else error.status)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _inner(call: Call, slug: str) -> str:
    """The part of the page that was asked for, to come back to."""
    path = call.request.path
    return path if path.startswith(f"{base_of(slug)}/") and not path.endswith("/unlock") else ""


def route(path: str, show: Show, *, operation: str, summary: str) -> Route:
    """A GET route for readers of pages."""
    return Route(
        method="GET",
        path=path,
        handler=partial(in_words, show),
        operation=operation,
        summary=summary,
        tag="Public",
        door=Door.PUBLIC,
        in_openapi=False,
    )


ROUTES: tuple[Route, ...] = (
    route("/status/{slug}", show_page, operation="show_status_page", summary="A status page"),
    route("/status/{slug}/history", show_history, operation="show_status_history", summary="Its incidents by month"),
    route(
        "/status/{slug}/incidents/{incident_id}",
        show_incident,
        operation="show_status_incident",
        summary="One of its incidents",
    ),
)
