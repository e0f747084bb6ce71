"""/feed/{token} and /feed.xml: what feed readers and calendars fetch.

A token is a tenant's: `.atom` (also without an extension) and `.rss` are its incidents, `.ics` its maintenance. What
the operator announces is everybody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from aiohttp import web

from control_plane.domain.pages import calendar, syndication
from control_plane.domain.pages.syndication import ATOM, RSS, Entry, Feed, atom, rss
from control_plane.services.pages.keep_feed import find_feed, unknown_feed
from control_plane.services.pages.read_feed import read_calendar, read_feed
from control_plane.store import announcements
from control_plane.store.announcements import Announcement
from control_plane.store.feeds import OpenFeed
from control_plane.web.call import Call
from control_plane.web.etag import etag, is_known
from control_plane.web.routes import Door, Route

_AGAIN_S = 10.0
_PRIVATE = "private, max-age=60"
_OPEN = "public, max-age=300"
_MAX_NEWS = 50
_NEWS_ID = "urn:farwatch:announcements"


async def serve(call: Call) -> web.StreamResponse:
    token, _, extension = call.path["token"].partition(".")
    if extension not in ("", "atom", "xml", "rss", "ics"):
        raise unknown_feed()
    known = await call.deps.last_known.ask(
        ("feed", token, extension), lambda: _written(call, token, extension), now=call.deps.now()
    )
    text, media = known.value
    return _answer(call, text, media, cache=_PRIVATE, aged=known.headers)


async def _written(call: Call, token: str, extension: str) -> tuple[str, str]:
    """The document and its media type. Raises NotFound FEED_NOT_FOUND."""
    found = await find_feed(call.deps.database, token, pepper=call.deps.settings.security.pepper.encode())
    if found is None:
        raise unknown_feed()
    if extension == "ics":
        events = await read_calendar(call.deps.database, found)
        return calendar.calendar(f"Maintenance of {found.tenant_name}", events), calendar.MEDIA_TYPE
    feed = await _incidents(call, found)
    return (rss(feed), RSS) if extension == "rss" else (atom(feed), ATOM)


async def _incidents(call: Call, found: OpenFeed) -> Feed:
    """Without the token in it: a document is passed on more carelessly than its address."""
    base = call.deps.settings.server.public_url.rstrip("/")
    database = call.deps.database
    return await call.deps.recently.get(
        ("feed", found),
        lambda: read_feed(database, found, here=None, site=f"{base}/app" if base else None),
        keep_s=_AGAIN_S,
    )


async def news(call: Call) -> web.StreamResponse:
    deps = call.deps
    begun = partial(deps.recently.get, ("news",), lambda: _begun(call), keep_s=_AGAIN_S)
    known = await deps.last_known.ask(("news",), begun, now=deps.now())
    base = deps.settings.server.public_url.rstrip("/")
    feed = Feed(
        id=_NEWS_ID,
        title="Farwatch announcements",
        subtitle="What the operator of this installation tells everybody",
        author="The operator",
        entries=[_entry(row) for row in known.value],
        here=f"{base}/feed.xml" if base else None,
        site=f"{base}/" if base else None,
    )
    return _answer(call, syndication.atom(feed), ATOM, cache=_OPEN, aged=known.headers)


async def _begun(call: Call) -> list[Announcement]:
    async with call.deps.database.app() as conn:
        return await announcements.begun_announcements(conn, limit=_MAX_NEWS)


def _entry(row: Announcement) -> Entry:
    until = "" if row.ends_at is None else f"\n\nUntil {row.ends_at:%Y-%m-%d %H:%M} UTC."
    return Entry(
        id=f"urn:uuid:{row.id}",
        title=row.title,
        text=f"{row.text}{until}".strip(),
        published=row.starts_at,
        updated=max(row.starts_at, row.created_at),
    )


def _answer(call: Call, text: str, media: str, *, cache: str, aged: Mapping[str, str]) -> web.Response:
    body = text.encode()
    tag = etag(None, body)
    headers = {"Cache-Control": cache, "ETag": tag, "X-Robots-Tag": "noindex", **aged}
    if is_known(call.request, tag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, content_type=media, charset="utf-8", headers=headers)


def _route(path: str, handler: object, *, operation: str, summary: str) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,  # type: ignore[arg-type]
        operation=operation,
        summary=summary,
        tag="feeds",
        door=Door.PUBLIC,
        in_openapi=False,
    )


ROUTES: tuple[Route, ...] = (
    _route("/feed.xml", news, operation="get_announcements_feed", summary="What the operator announced, as Atom"),
    _route("/feed/{token}", serve, operation="read_feed", summary="A tenant's incidents or maintenance"),
)
