"""The feeds of a status page: incidents as Atom and RSS, maintenance as a calendar."""

from __future__ import annotations

from aiohttp import web

from control_plane.domain.pages.calendar import MEDIA_TYPE, Event, calendar
from control_plane.domain.pages.public_page import PublicIncident, PublicMaintenance
from control_plane.domain.pages.syndication import ATOM, RSS, Entry, Feed, atom, rss
from control_plane.public_site.language import Language, language
from control_plane.public_site.status_page_door import answer, base_of, opened, origin_of
from control_plane.services.pages.keep_public_pages import Copy
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route


def feed_of(copy: Copy, *, origin: str, name: str) -> Feed:
    """The incidents of the page. Ids are the incidents' own, wherever the feed is read."""
    page, words = copy.page, language(copy.page.language)
    site = f"{origin}{base_of(page.slug)}"
    return Feed(
        id=f"urn:uuid:{copy.face.id}",
        title=words.say("title", page=words.apart(page.title)),
        subtitle=page.description or words.say(f"verdict_{page.state}"),
        author=page.title,
        entries=[_entry(each, words, site) for each in page.incidents],
        here=f"{site}/{name}",
        site=site,
    )


def _entry(incident: PublicIncident, words: Language, site: str) -> Entry:
    return Entry(
        id=f"urn:uuid:{incident.id}",
        title=f"{words.say(f'phase_{incident.phase}')}: {_title(incident, words)}",
        text=_text(incident, words),
        published=incident.started_at,
        updated=incident.updated_at,
        link=f"{site}/incidents/{incident.id}",
        category=incident.phase,
    )


def _title(incident: PublicIncident, words: Language) -> str:
    return words.apart(incident.title) if incident.named else incident.title


def _text(incident: PublicIncident, words: Language) -> str:
    """The newest update first, as on the page."""
    told = [f"{words.at(each.at)} · {words.say(f'phase_{each.phase}')}\n{each.text}" for each in incident.updates]
    affected = f"{words.say('affected')}: {words.listed(list(incident.components))}"
    return "\n\n".join(part for part in (*reversed(told), incident.description, affected) if part)


def event_of(window: PublicMaintenance, words: Language, copy: Copy) -> Event:
    """A time of a window. Its uid is the window's with the instant that it begins at, so each of its times has one."""
    affected = f"{words.say('affected')}: {words.listed(list(window.components))}"
    return Event(
        uid=f"{window.id}-{int(window.starts_at.timestamp())}@farwatch",
        title=f"{words.apart(copy.page.title)}: {words.apart(window.title)}",
        text="\n\n".join(part for part in (window.description, affected) if part),
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        changed_at=window.changed_at,
        sequence=window.changes,
    )


async def serve_atom(call: Call) -> web.Response:
    copy = await opened(call)
    origin = origin_of(call, copy.face)
    return answer(call, copy, "atom", lambda: atom(feed_of(copy, origin=origin, name="feed.atom")), media=ATOM)


async def serve_rss(call: Call) -> web.Response:
    copy = await opened(call)
    origin = origin_of(call, copy.face)
    return answer(call, copy, "rss", lambda: rss(feed_of(copy, origin=origin, name="feed.rss")), media=RSS)


async def serve_calendar(call: Call) -> web.Response:
    copy = await opened(call)
    words = language(copy.page.language)

    def make() -> str:
        events = [event_of(each, words, copy) for each in copy.page.maintenance]
        return calendar(words.say("title", page=words.apart(copy.page.title)), events)

    return answer(call, copy, "ics", make, media=MEDIA_TYPE)


FEEDS = (
    ("feed.atom", serve_atom, "atom", ATOM, "Its incidents as Atom"),
    ("feed.rss", serve_rss, "rss", RSS, "Its incidents as RSS"),
    ("maintenance.ics", serve_calendar, "calendar", MEDIA_TYPE, "Its maintenance as a calendar"),
)


def _routes(base: str, *, operation: str, in_openapi: bool) -> list[Route]:
    return [
        Route(
            method="GET",
            path=f"{base}/{name}",
            handler=handler,
            operation=operation.format(what),
            summary=summary,
            tag="public pages",
            door=Door.PUBLIC,
            also=(media,),
            errors=("STATUS_PAGE_NOT_FOUND", "PAGE_PASSWORD_NEEDED"),
            in_openapi=in_openapi,
        )
        for name, handler, what, media, summary in FEEDS
    ]


ROUTES: tuple[Route, ...] = (
    *_routes("/status/{slug}", operation="get_page_{}", in_openapi=False),
    *_routes("/api/public/v1/pages/{slug}", operation="get_public_page_{}", in_openapi=True),
)
