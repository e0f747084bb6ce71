"""/api/v1/feeds: incidents and maintenance of the tenant, for readers that know a token."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from control_plane.services.pages.keep_feed import MintedFeed, create_feed, delete_feed, rotate_feed, unknown_feed
from control_plane.store import feeds
from control_plane.store.feeds import Feed
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route


class NewFeed(Struct, frozen=True, forbid_unknown_fields=True):
    """A feed to make; the name says who reads it."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]


class FeedJson(Struct, frozen=True, kw_only=True):
    """A feed. `last_used_at` is true to the minute; `former_until` is how long the token before still counts."""

    id: UUID
    name: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None
    former_until: datetime | None


class FeedPaths(Struct, frozen=True):
    """Incidents as Atom and RSS, maintenance as iCalendar; URLs where the installation knows its own, else paths."""

    atom: str
    rss: str
    calendar: str


class MintedFeedJson(FeedJson, frozen=True, kw_only=True):
    """The same with its token and where to subscribe, shown this once."""

    token: str
    links: FeedPaths


async def listed(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        rows, total = await feeds.list_feeds(
            conn, tenant_id=tenant_id, limit=capped(call.query.limit), offset=call.query.offset
        )
    return page_reply(call, [FeedJson(**_fields(row)) for row in rows], total=total)


async def get(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        row = await feeds.get_feed(conn, tenant_id=tenant_id, feed_id=call.uuid("feed_id"))
    if row is None:
        raise unknown_feed()
    return Reply(FeedJson(**_fields(row)), etag=row.revision)


async def create(call: Call) -> Reply:
    caller = call.tenant()
    minted = await create_feed(
        call.deps.database,
        tenant_id=caller.tenant_id,
        feed_id=call.deps.new_id(),
        name=call.body.name,
        created_by=caller.label,
        pepper=_pepper(call),
    )
    return _told(call, minted)


async def rotate(call: Call) -> Reply:
    minted = await rotate_feed(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        feed_id=call.uuid("feed_id"),
        pepper=_pepper(call),
    )
    return _told(call, minted)


async def delete(call: Call) -> Reply:
    await delete_feed(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        feed_id=call.uuid("feed_id"),
        check_revision=partial(require_match, call.request),
    )
    return Reply()


def _told(call: Call, minted: MintedFeed) -> Reply:
    base = f"{call.deps.settings.server.public_url.rstrip('/')}/feed/{minted.token}"
    links = FeedPaths(f"{base}.atom", f"{base}.rss", f"{base}.ics")
    value = MintedFeedJson(**_fields(minted.feed), token=minted.token, links=links)
    return Reply(value, headers={"Location": f"/api/v1/feeds/{minted.feed.id}"}, etag=minted.feed.revision)


def _fields(row: Feed) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FeedJson.__struct_fields__}


def _pepper(call: Call) -> bytes:
    return call.deps.settings.security.pepper.encode()


_route = partial(Route, door=Door.TENANT, tag="feeds")
_FEED = "/api/v1/feeds/{feed_id}"

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/api/v1/feeds",
        handler=listed,
        operation="list_feeds",
        summary="List feeds, newest first",
        scope="feeds:read",
        query=PageQuery,
        reply=Page[FeedJson],
    ),
    _route(
        method="POST",
        path="/api/v1/feeds",
        handler=create,
        operation="create_feed",
        summary="Make a feed of incidents and maintenance, read by a token",
        description="Whoever has the token reads the feed: treat its URL like a key. At most 20 feeds.",
        scope="feeds:write",
        body=NewFeed,
        reply=MintedFeedJson,
        status=201,
        errors=("NAME_INVALID", "INVALID_NAME", "NAME_TAKEN", "FEED_LIMIT"),
        example={"name": "Chat of the team"},
    ),
    _route(
        method="GET",
        path=_FEED,
        handler=get,
        operation="get_feed",
        summary="Read a feed's settings",
        scope="feeds:read",
        reply=FeedJson,
        errors=("FEED_NOT_FOUND",),
    ),
    _route(
        method="POST",
        path=f"{_FEED}/rotate",
        handler=rotate,
        operation="rotate_feed",
        summary="Give a feed another token; the one before counts for five minutes more",
        scope="feeds:write",
        reply=MintedFeedJson,
        errors=("FEED_NOT_FOUND",),
    ),
    _route(
        method="DELETE",
        path=_FEED,
        handler=delete,
        operation="delete_feed",
        summary="Delete a feed: its tokens count no more",
        scope="feeds:write",
        status=204,
        errors=("FEED_NOT_FOUND", "PRECONDITION_FAILED"),
    ),
)
