"""/api/v1/status-pages/{page_id}/subscribers: who is told of what a page says."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import partial
from typing import Annotated
from uuid import UUID

from aiohttp import web
from msgspec import Meta, Struct

from control_plane.domain.configuration.config_write import safe_cell
from control_plane.domain.pages.subscriber_rules import MOST_CHOSEN, NOTE_LIMIT, Kind, State
from control_plane.notify import transports
from control_plane.services.pages.add_subscriber import add_subscriber
from control_plane.services.pages.read_subscribers import (
    SubscriberView,
    count_subscribers,
    every_subscriber,
    get_subscriber,
    list_subscribers,
)
from control_plane.services.pages.remove_subscriber import remove_subscriber
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route

SUBSCRIBERS = "/api/v1/status-pages/{page_id}/subscribers"
SUBSCRIBER = f"{SUBSCRIBERS}/{{subscriber_id}}"
NOT_FOUND = ("STATUS_PAGE_NOT_FOUND", "SUBSCRIBER_NOT_FOUND")
COLUMNS = ("kind", "address", "state", "source", "note", "component_ids", "created_at", "confirmed_at")


class SubscribersQuery(PageQuery, frozen=True, kw_only=True):
    """Filters of the list; `email` is one whole address."""

    kind: Kind | None = None
    state: State | None = None
    email: Annotated[str, Meta(max_length=320)] | None = None


class NewSubscriber(Struct, frozen=True, kw_only=True):
    """An address to ask. `note`: how you came by it. `component_ids`: of these alone; all of the page without it."""

    email: Annotated[str, Meta(max_length=320)]
    note: Annotated[str, Meta(max_length=NOTE_LIMIT)] = ""
    component_ids: Annotated[list[UUID], Meta(max_length=MOST_CHOSEN)] | None = None


class Counts(Struct, frozen=True, kw_only=True):
    """Those who said yes, by way and together; those who were asked; those who left, of whom nothing else is kept."""

    email: int
    webhook: int
    web_push: int
    confirmed: int
    pending: int
    ended: int


async def list_page_subscribers(call: Call) -> Reply:
    query = call.query
    found, total = await list_subscribers(
        call.deps.database,
        sealer=call.deps.sealer,
        pepper=_pepper(call),
        tenant_id=call.tenant().tenant_id,
        page_id=call.uuid("page_id"),
        kind=query.kind,
        state=query.state,
        email=query.email,
        limit=capped(query.limit),
        offset=query.offset,
    )
    return page_reply(call, found, total=total)


async def post_page_subscriber(call: Call) -> Reply:
    body, settings, page_id = call.body, call.deps.settings, call.uuid("page_id")
    made = await add_subscriber(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        page_id=page_id,
        email=body.email,
        component_ids=body.component_ids,
        note=body.note,
        most=settings.subscribers.per_page,
        sealer=call.deps.sealer,
        pepper=_pepper(call),
        transports=transports(settings),
    )
    return Reply(made, headers={"Location": f"/api/v1/status-pages/{page_id}/subscribers/{made.id}"})


async def get_page_subscriber(call: Call) -> Reply:
    found = await get_subscriber(
        call.deps.database,
        sealer=call.deps.sealer,
        tenant_id=call.tenant().tenant_id,
        page_id=call.uuid("page_id"),
        subscriber_id=call.uuid("subscriber_id"),
    )
    return Reply(found)


async def delete_page_subscriber(call: Call) -> Reply:
    await remove_subscriber(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        page_id=call.uuid("page_id"),
        subscriber_id=call.uuid("subscriber_id"),
    )
    return Reply()


async def get_counts(call: Call) -> Reply:
    found = await count_subscribers(call.deps.database, tenant_id=call.tenant().tenant_id, page_id=call.uuid("page_id"))
    counts = {name: getattr(found, name) for name in Counts.__struct_fields__}
    return Reply(Counts(**counts))


async def export_subscribers(call: Call) -> web.Response:
    read = every_subscriber(
        call.deps.database,
        sealer=call.deps.sealer,
        tenant_id=call.tenant().tenant_id,
        page_id=call.uuid("page_id"),
    )
    headers = {
        "Content-Disposition": 'attachment; filename="subscribers.csv"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    text = _table([one async for one in read])
    return web.Response(text=text, content_type="text/csv", charset="utf-8", headers=headers)


def _table(subscribers: Sequence[SubscriberView]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in subscribers:
        writer.writerow([safe_cell(getattr(one, column)) for column in COLUMNS])
    return out.getvalue()


def _pepper(call: Call) -> bytes:
    return call.deps.settings.security.pepper.encode()


_read = partial(Route, method="GET", tag="status pages", door=Door.TENANT, scope="status-pages:read")
_write = partial(Route, tag="status pages", door=Door.TENANT, scope="status-pages:write")

ROUTES: tuple[Route, ...] = (
    _read(
        path=SUBSCRIBERS,
        handler=list_page_subscribers,
        operation="list_page_subscribers",
        summary="List the subscribers of a status page, newest first",
        query=SubscribersQuery,
        reply=Page[SubscriberView],
        errors=("STATUS_PAGE_NOT_FOUND",),
    ),
    _write(
        method="POST",
        path=SUBSCRIBERS,
        handler=post_page_subscriber,
        operation="create_page_subscriber",
        summary="Ask an address whether it wants to be told",
        description="It is asked by mail, as if it had come by itself, and is told nothing before it says yes.",
        body=NewSubscriber,
        reply=SubscriberView,
        status=201,
        errors=(
            *("STATUS_PAGE_NOT_FOUND", "PAGE_NOT_OPEN", "CHANNEL_KIND_UNAVAILABLE", "SUBSCRIBERS_FULL"),
            *("SUBSCRIBER_ASK_LIMIT", "ALREADY_SUBSCRIBED", "INVALID_EMAIL", "INVALID_COMPONENTS"),
        ),
        example={"email": "reader@example.com", "note": "Asked for it at the fair in May"},
    ),
    _read(
        path=f"{SUBSCRIBERS}/counts",
        handler=get_counts,
        operation="count_page_subscribers",
        summary="How many subscribers a status page has, and how many have left",
        reply=Counts,
        errors=("STATUS_PAGE_NOT_FOUND",),
    ),
    _read(
        path=f"{SUBSCRIBERS}/export",
        handler=export_subscribers,
        operation="export_page_subscribers",
        summary="All subscribers of a status page as a table",
        also=("text/csv",),
        errors=("STATUS_PAGE_NOT_FOUND",),
    ),
    _read(
        path=SUBSCRIBER,
        handler=get_page_subscriber,
        operation="get_page_subscriber",
        summary="Read a subscriber of a status page",
        reply=SubscriberView,
        errors=NOT_FOUND,
    ),
    _write(
        method="DELETE",
        path=SUBSCRIBER,
        handler=delete_page_subscriber,
        operation="delete_page_subscriber",
        summary="Take a subscriber off a status page; nothing is left but a count",
        status=204,
        errors=NOT_FOUND,
    ),
)
