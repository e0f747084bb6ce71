"""Every page that the installation answers with, found by asking each route of its tables: none can be left out.

A route that answers HTML is a page. One whose address cannot be made up from what the showroom knows answers with an
error, which `pages_of` refuses: give the showroom something to show there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import httpx

from control_plane.app import all_routes
from control_plane.web.routes import Door, Route
from tests.support.dashboard import Desk
from tests.support.serving import OPERATOR_SECRET
from tests.support.showroom import Showroom

_PARAMETER = re.compile(r"\{(\w+)(?::[^}]*)?\}")
MISTAKES = {
    "show_nothing": ("/app/nothing", "/app/monitors/0197a2f0-0000-7000-8000-000000000000"),
    "show_status_page": ("/status/none",),
    "show_setup": ("/setup/nothing",),
    "show_invitation": ("/invite/nothing",),
    "show_acknowledge_link": ("/ack/nothing",),
    "show_verification": ("/verify/nothing",),
    "show_unsubscribe": ("/unsubscribe/nothing",),
    "show_delegation": ("/c/nothing",),
    "show_page_question": ("/status/in-en/confirm/nothing",),
    "show_page_choice": ("/status/in-en/subscription/nothing",),
    "show_page_unsubscribe": ("/status/in-en/unsubscribe/nothing",),
    "show_share": ("/m/nothing",),
    "show_docs_chapter": ("/docs/nothing",),
    "begin_sign_in": ("/auth/nothing/login",),
    "end_sign_in": ("/auth/nothing/callback",),
    "connect_chat": ("/connect/nothing",),
    "connect_chat_back": ("/connect/nothing/callback",),
    "add_delegated_app": ("/c/nothing/slack",),
}
"""Addresses that lead nowhere: what is shown there are pages, too."""


class Room(Enum):
    """Pages that are looked at together."""

    EMPTY = "empty"
    """Those of an installation in which nothing is yet."""
    MONITORS = "monitors"
    ALERTING = "alerting"
    TEAM = "team"
    """The rest of the dashboard, and the operator's."""
    STATUS = "status"
    PUBLIC = "public"
    """The rest of what needs no session."""


OPEN_ROOMS = (Room.STATUS, Room.PUBLIC)
"""Where one is shown in without a session."""


@dataclass(frozen=True, slots=True)
class Page:
    """An address that answers with HTML."""

    operation: str
    path: str

    @property
    def name(self) -> str:
        """For a file: letters, digits and dashes, without ids and tokens."""
        path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "id", self.path)
        path = re.sub(r"(?<=/)[\w-]{22,}", "token", path)
        return re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "front"


def room_of(route: Route) -> Room:
    if not re.match(r"/(app|operator)(/|$)", route.path):
        return Room.STATUS if route.path.startswith("/status") else Room.PUBLIC
    if re.match(r"/app($|/monitors|/started|/incidents)", route.path):
        return Room.MONITORS
    return Room.ALERTING if re.match(r"/app/(channels|routes|silences|maintenance)", route.path) else Room.TEAM


def routes_of(room: Room) -> list[Route]:
    """The routes that may have a page."""
    opened = (route for route in all_routes() if route.door is Door.PUBLIC and route.method == "GET")
    return [route for route in opened if room_of(route) is room]


async def empty_pages(desk: Desk) -> list[Page]:
    """What the dashboard shows before there is anything."""
    routes = [route for room in (Room.MONITORS, Room.ALERTING, Room.TEAM) for route in routes_of(room)]
    async with desk.signed_in() as http:
        await http.post("/sign-in/operator", data={"secret": OPERATOR_SECRET})
        asked = [(route, await _asked(http, route.path)) for route in routes if "{" not in route.path]
    return [Page(route.operation, route.path) for route, answered in asked if answered == (200, "text/html")]


async def pages_of(shown: Showroom, room: Room) -> list[Page]:
    """The pages of a room that is furnished. Raises AssertionError naming the routes that nothing can be shown of."""
    async with shown.desk.signed_in() as http, shown.desk.browser() as stranger:
        await http.post("/sign-in/operator", data={"secret": OPERATOR_SECRET})
        asker = stranger if room in OPEN_ROOMS else http
        pages: list[Page] = []
        hidden: list[str] = []
        for route in routes_of(room):
            for path in _paths(route, shown):
                status, kind = await _asked(asker, path)
                if kind == "text/html" and status < 400:
                    pages.append(Page(route.operation, path))
                elif kind == "text/html" and route.operation not in MISTAKES:
                    hidden.append(f"{route.operation}: {path} answers {status}")
        mistakes = [route for route in routes_of(room) if route.operation in MISTAKES]
        pages += [Page(route.operation, path) for route in mistakes for path in MISTAKES[route.operation]]
    assert not hidden, f"nothing to show: {hidden}"
    return pages


def _paths(route: Route, shown: Showroom) -> Iterable[str]:
    if route.operation in shown.addresses:
        return shown.addresses[route.operation]
    known = {**shown.known, "link_id": _link(route, shown)}
    return (_PARAMETER.sub(lambda found: known.get(found[1], "nothing"), route.path),)


def _link(route: Route, shown: Showroom) -> str:
    return shown.known["whatsapp_link_id" if "whatsapp" in route.path else "link_id"]


async def _asked(http: httpx.AsyncClient, path: str) -> tuple[int, str]:
    async with http.stream("GET", path) as reply:
        return reply.status_code, reply.headers.get("Content-Type", "").partition(";")[0]
