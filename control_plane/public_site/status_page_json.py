"""/api/public/v1/pages/{slug}: a status page for programs. No key is looked at; any origin may read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from control_plane.domain.pages.badge import Badge, Style, Tone, of_then, svg
from control_plane.domain.pages.public_page import ComponentState
from control_plane.errors import BadRequest, NotFound
from control_plane.public_site.language import language
from control_plane.public_site.status_page import incident_of
from control_plane.public_site.status_page_door import answer, find, opened
from control_plane.public_site.status_page_types import (
    HistoryReply,
    IncidentReply,
    Incidents,
    ListReply,
    Maintenances,
    PublicComponents,
    StatusReply,
    component_replies,
    history_reply,
    incident_reply,
    maintenance_reply,
    status_reply,
)
from control_plane.public_site.status_page_views import SEARCH_LIMIT, Wanted
from control_plane.services.pages.keep_public_pages import Copy
from control_plane.web.call import Call
from control_plane.web.page_streams import PageWatcher
from control_plane.web.paging import DEFAULT_LIMIT, Limit, Offset, PageQuery, capped, page_links
from control_plane.web.routes import Door, Route

JSON = "application/json"
BASE = "/api/public/v1/pages/{slug}"
ANYBODY = {"Access-Control-Allow-Origin": "*"}
"""Without credentials, which a browser leaves out then: a page with a password is not read from other sites."""

TONES: dict[ComponentState, Tone] = {
    "operational": "good",
    "degraded": "warn",
    "partial_outage": "bad",
    "major_outage": "bad",
    "maintenance": "info",
    "no_data": "quiet",
}
_encoder = msgspec.json.Encoder()

Text = Annotated[str, Meta(max_length=SEARCH_LIMIT)]


class FilterQuery(Struct, frozen=True):
    """Which components: those whose name, description or group has `search` in it, of a status, of a group."""

    search: Text = ""
    status: ComponentState | Literal[""] = ""
    group: Text = ""

    @property
    def wanted(self) -> Wanted:
        return Wanted(search=self.search, status=self.status, group=self.group)


class ComponentsQuery(FilterQuery, frozen=True):
    """The same, a page of them."""

    limit: Limit = DEFAULT_LIMIT
    offset: Offset = 0


class HistoryQuery(Struct, frozen=True):
    """The newest `days` of those that the page shows."""

    days: Annotated[int, Meta(ge=1, le=90)] = 90


class BadgeQuery(Struct, frozen=True):
    """`label` replaces the left field, and is cut off after 60 characters."""

    label: Annotated[str, Meta(max_length=200)] | None = None
    style: Style = "flat"


def json_answer(call: Call, copy: Copy, key: object, make: Callable[[], Any]) -> web.Response:
    """What `make` says of this copy, as JSON for anybody."""
    return answer(call, copy, ("json", key), lambda: _encoder.encode(make()), media=JSON, more=ANYBODY)


def list_answer(call: Call, copy: Copy, key: object, kind: type[ListReply], items: Sequence[Any]) -> web.Response:
    """A page of these items, cut from the copy, with its links."""
    limit, offset = capped(call.query.limit), call.query.offset
    part = items[offset : offset + limit]

    def make() -> ListReply:
        around = {"total": len(items), "limit": limit, "offset": offset, "stale_since": copy.stale_since}
        return kind(items=part, **around)  # type: ignore[call-arg]

    response = json_answer(call, copy, (key, limit, offset), make)
    response.headers.update(page_links(call, count=len(part), total=len(items)))
    return response


async def status(call: Call) -> web.Response:
    copy, wanted = await opened(call), call.query.wanted
    return json_answer(call, copy, ("status", wanted), lambda: status_reply(copy, wanted))


async def components(call: Call) -> web.Response:
    copy, wanted = await opened(call), call.query.wanted
    return list_answer(call, copy, ("components", wanted), PublicComponents, list(component_replies(copy, wanted)))


async def history(call: Call) -> web.Response:
    copy = await opened(call)
    try:
        component_id = call.uuid("component_id")
    except BadRequest:
        raise _no_component() from None
    found = next((each for each in copy.page.components if each.id == component_id), None)
    if found is None:
        raise _no_component()
    days = call.query.days
    return json_answer(call, copy, ("history", component_id, days), lambda: history_reply(copy, found, days=days))


def _no_component() -> NotFound:
    return NotFound("There is no such component on this page", code="COMPONENT_NOT_FOUND")


async def incidents(call: Call) -> web.Response:
    copy = await opened(call)
    return list_answer(call, copy, "incidents", Incidents, [incident_reply(each) for each in copy.page.incidents])


async def incident(call: Call) -> web.Response:
    copy = await opened(call)
    found, copy = await incident_of(call, copy)
    return json_answer(call, copy, ("incident", found.id, found.updated_at), lambda: incident_reply(found))


async def maintenance(call: Call) -> web.Response:
    copy = await opened(call)
    return list_answer(
        call, copy, "maintenance", Maintenances, [maintenance_reply(each) for each in copy.page.maintenance]
    )


async def badge(call: Call) -> web.Response:
    """The header's verdict as a picture."""
    copy, query = await opened(call), call.query
    words, state = language(copy.page.language), copy.page.state
    label = words.say("badge") if query.label is None else query.label

    def make() -> str:
        said = f"{words.say('title', page=words.apart(copy.page.title))}: {words.say(f'verdict_{state}')}."
        shown = Badge(label, words.say(f"status_{state}"), TONES[state], said)
        return svg(shown if copy.stale_since is None else of_then(shown, words.at(copy.stale_since)), style=query.style)

    return answer(call, copy, ("badge", label, query.style), make, media="image/svg+xml", more=ANYBODY)


async def events(call: Call) -> web.StreamResponse:
    copy, deps = await opened(call), call.deps
    watcher = PageWatcher(
        deps.authenticator.address_of(call.request), partial(find, call, copy.face.slug), partial(opened, call)
    )
    return await deps.page_streams.serve(call.request, copy, watcher=watcher, hub=deps.hub)


_NOT_SHOWN = ("STATUS_PAGE_NOT_FOUND", "PAGE_PASSWORD_NEEDED")
_PAGED = ("INVALID_LIMIT", "INVALID_OFFSET")

_route = partial(Route, method="GET", tag="public pages", door=Door.PUBLIC)

ROUTES: tuple[Route, ...] = (
    _route(
        path=BASE,
        handler=status,
        operation="get_public_page",
        summary="A status page: its verdict, components, open incidents and maintenance",
        query=FilterQuery,
        reply=StatusReply,
        errors=(*_NOT_SHOWN, "INVALID_SEARCH", "INVALID_STATUS", "INVALID_GROUP"),
    ),
    _route(
        path=f"{BASE}/status",
        handler=status,
        operation="get_public_page_status",
        summary="The same as the page itself, by the name of what it tells",
        query=FilterQuery,
        reply=StatusReply,
        errors=(*_NOT_SHOWN, "INVALID_SEARCH", "INVALID_STATUS", "INVALID_GROUP"),
    ),
    _route(
        path=f"{BASE}/components",
        handler=components,
        operation="list_public_components",
        summary="The components of a status page",
        query=ComponentsQuery,
        reply=PublicComponents,
        errors=(*_NOT_SHOWN, *_PAGED, "INVALID_SEARCH", "INVALID_STATUS", "INVALID_GROUP"),
    ),
    _route(
        path=f"{BASE}/components/{{component_id}}/history",
        handler=history,
        operation="get_public_component_history",
        summary="The days of a component",
        query=HistoryQuery,
        reply=HistoryReply,
        errors=(*_NOT_SHOWN, "COMPONENT_NOT_FOUND", "INVALID_DAYS"),
    ),
    _route(
        path=f"{BASE}/incidents",
        handler=incidents,
        operation="list_public_incidents",
        summary="The incidents of a status page",
        query=PageQuery,
        reply=Incidents,
        errors=(*_NOT_SHOWN, *_PAGED),
    ),
    _route(
        path=f"{BASE}/incidents/{{incident_id}}",
        handler=incident,
        operation="get_public_incident",
        summary="One incident of a status page, however long ago",
        reply=IncidentReply,
        errors=(*_NOT_SHOWN, "INCIDENT_NOT_FOUND"),
    ),
    _route(
        path=f"{BASE}/maintenance",
        handler=maintenance,
        operation="list_public_maintenance",
        summary="The maintenance of a status page",
        query=PageQuery,
        reply=Maintenances,
        errors=(*_NOT_SHOWN, *_PAGED),
    ),
    _route(
        path=f"{BASE}/badge.svg",
        handler=badge,
        operation="get_public_page_badge",
        summary="The verdict of a status page as a badge",
        query=BadgeQuery,
        also=("image/svg+xml",),
        errors=(*_NOT_SHOWN, "INVALID_LABEL", "INVALID_STYLE"),
    ),
    _route(
        path=f"{BASE}/events",
        handler=events,
        operation="follow_public_page",
        summary="Follow a status page, live: component.changed, incident.opened, .updated and .resolved",
        also=("text/event-stream",),
        errors=(*_NOT_SHOWN, "RATE_LIMITED"),
        head=False,
    ),
)
