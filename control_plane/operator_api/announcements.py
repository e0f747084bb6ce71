"""/operator/announcements: what the operator tells everybody, above the dashboard's pages and in /feed.xml."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

from msgspec import Meta, Struct

from control_plane.errors import NotFound
from control_plane.services.installation.announce import announce
from control_plane.store import announcements
from control_plane.store.announcements import Announcement
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route

Instant = Annotated[datetime, Meta(tz=True)]


class AnnouncementBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An announcement: from `starts_at`, or from now; above the pages until `ends_at`, or until it is deleted."""

    title: Annotated[str, Meta(min_length=1, max_length=100)]
    text: Annotated[str, Meta(max_length=2000)] = ""
    starts_at: Instant | None = None
    ends_at: Instant | None = None


async def create(call: Call) -> Reply:
    body: AnnouncementBody = call.body
    made = await announce(
        call.deps.database,
        announcement_id=call.deps.new_id(),
        title=body.title,
        text=body.text,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        now=call.deps.now(),
    )
    return Reply(made, headers={"Location": f"/operator/announcements/{made.id}"})


async def listed(call: Call) -> Reply:
    query: PageQuery = call.query
    async with call.deps.database.app() as conn:
        items, total = await announcements.list_announcements(conn, limit=capped(query.limit), offset=query.offset)
    return page_reply(call, items, total=total)


async def delete(call: Call) -> Reply:
    async with call.deps.database.app_transaction() as conn:
        if not await announcements.delete_announcement(conn, announcement_id=call.uuid("announcement_id")):
            raise NotFound("There is no such announcement", code="ANNOUNCEMENT_NOT_FOUND")
    return Reply()


_route = partial(Route, door=Door.OPERATOR, tag="Announcements")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/operator/announcements",
        handler=listed,
        operation="list_announcements",
        summary="List announcements, newest first",
        query=PageQuery,
        reply=Page[Announcement],
    ),
    _route(
        method="POST",
        path="/operator/announcements",
        handler=create,
        operation="create_announcement",
        summary="Tell everybody something",
        description="It stands above every page of the dashboard while it holds, and in the open feed /feed.xml.",
        body=AnnouncementBody,
        reply=Announcement,
        status=201,
        errors=("INVALID_TITLE", "INVALID_TEXT", "INVALID_TIME", "INVALID_STARTS_AT", "INVALID_ENDS_AT"),
        example={
            "title": "Upkeep on Sunday",
            "text": "The dashboard is away for ten minutes; checks go on.",
            "starts_at": "2029-12-30T00:00:00Z",
            "ends_at": "2029-12-31T00:00:00Z",
        },
    ),
    _route(
        method="DELETE",
        path="/operator/announcements/{announcement_id}",
        handler=delete,
        operation="delete_announcement",
        summary="Withdraw an announcement",
        status=204,
        errors=("ANNOUNCEMENT_NOT_FOUND", "INVALID_ID"),
    ),
)
