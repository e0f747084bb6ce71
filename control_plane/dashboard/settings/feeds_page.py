"""/app/settings/feeds: incidents and maintenance for readers elsewhere. A feed's addresses are on the page that answers
its making or rotating, and on no other.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web

from control_plane.dashboard.settings.frame import REFUSALS, again, pepper, settings_page
from control_plane.dashboard.visit import Visit, form, page, see_other
from control_plane.dashboard.words import maybe_moment, moment
from control_plane.services.pages.keep_feed import MAX_FEEDS, MintedFeed, create_feed, delete_feed, rotate_feed
from control_plane.store import feeds
from control_plane.store.feeds import Feed
from control_plane.web.routes import Route

_HERE = "/app/settings/feeds"
KINDS = (
    ("atom", "Atom", "Incidents, for a feed reader or a chat that follows feeds"),
    ("rss", "RSS", "The same, for what reads RSS 2.0 alone"),
    ("ics", "Calendar", "Maintenance, to subscribe to from Google Calendar, Outlook or Apple Calendar"),
)
_SAID = {"deleted": "The feed is gone: its addresses show nothing any more."}


async def show_feeds(visit: Visit) -> web.StreamResponse:
    return await _feeds(visit)


async def _feeds(
    visit: Visit, *, minted: MintedFeed | None = None, rotated: bool = False, problem: str = "", status: int = 200
) -> web.Response:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        rows, total = await feeds.list_feeds(conn, tenant_id=visit.tenant_id, limit=MAX_FEEDS, offset=0)
    context = {
        "feeds": [_view(visit, row) for row in rows],
        "total": total,
        "limit": MAX_FEEDS,
        "kinds": KINDS,
        "minted": minted,
        "addresses": [] if minted is None else _addresses(visit, minted.token),
        "rotated": rotated,
        "name": visit.text("name") if problem else "",
        "may_change": visit.may("feeds:write"),
        "said": _SAID.get(visit.query("said"), ""),
        "problem": problem,
    }
    return settings_page(visit, "settings_feeds.html", context, status=status)


async def create(visit: Visit) -> web.StreamResponse:
    try:
        minted = await create_feed(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            feed_id=visit.deps.new_id(),
            name=visit.text("name"),
            created_by=visit.caller.label,
            pepper=pepper(visit),
        )
    except REFUSALS as error:
        return await again(_feeds, visit, error)
    return await _feeds(visit, minted=minted)


async def rotate(visit: Visit) -> web.StreamResponse:
    minted = await rotate_feed(
        visit.deps.database, tenant_id=visit.tenant_id, feed_id=visit.id("feed_id"), pepper=pepper(visit)
    )
    return await _feeds(visit, minted=minted, rotated=True)


async def delete(visit: Visit) -> web.StreamResponse:
    await delete_feed(
        visit.deps.database,
        tenant_id=visit.tenant_id,
        feed_id=visit.id("feed_id"),
        check_revision=lambda _revision: None,
    )
    return see_other(f"{_HERE}?said=deleted")


def _addresses(visit: Visit, token: str) -> list[dict[str, str]]:
    base = f"{visit.origin}/feed/{token}"
    return [{"key": key, "title": title, "about": about, "url": f"{base}.{key}"} for key, title, about in KINDS]


def _view(visit: Visit, row: Feed) -> dict[str, Any]:
    now = visit.deps.now()
    return {
        "id": row.id,
        "name": row.name,
        "by": row.created_by,
        "created": moment(row.created_at, now),
        "used": maybe_moment(row.last_used_at, now),
        "former": maybe_moment(row.former_until, now),
    }


_writes = partial(form, scope="feeds:write")

ROUTES: tuple[Route, ...] = (
    page(_HERE, show_feeds, operation="show_feeds", summary="Feeds of the team", scope="feeds:read"),
    _writes(_HERE, create, operation="create_feed_from_page", summary="Make a feed"),
    _writes(f"{_HERE}/{{feed_id}}/rotate", rotate, operation="rotate_feed_from_page", summary="Replace its token"),
    _writes(f"{_HERE}/{{feed_id}}/delete", delete, operation="delete_feed_from_page", summary="Delete a feed"),
)
