"""Who lets the operator in: the session, the token of every form, and what becomes of a refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from aiohttp import web
from msgspec.structs import replace

from control_plane.dashboard.navigation import Section, tabs
from control_plane.dashboard.rendering import html
from control_plane.dashboard.visit import TOKEN, Form, frame, read_form, refusal
from control_plane.errors import BadRequest, FarwatchError, Forbidden, NotFound
from control_plane.store.acting import acting
from control_plane.web.actor import actor_of
from control_plane.web.browser import is_foreign
from control_plane.web.call import Call, Deps
from control_plane.web.caller import OperatorCaller
from control_plane.web.middleware import OPERATOR_PAGES
from control_plane.web.operator_session import OperatorSession, read_operator_session
from control_plane.web.routes import Door, Route

HERE = OPERATOR_PAGES
SECTIONS: tuple[Section, ...] = (
    Section(HERE, "Fleet"),
    Section(f"{HERE}/incidents", "Incidents"),
    Section(f"{HERE}/tenants", "Tenants"),
    Section(f"{HERE}/deliveries", "Dead letters"),
    Section(f"{HERE}/announcements", "Announcements"),
    Section(f"{HERE}/kill-switch", "Kill switch"),
)


@dataclass(frozen=True, slots=True)
class OperatorVisit:
    """One request of the operator's browser."""

    call: Call
    session: OperatorSession
    form: Form = field(default_factory=dict)

    @property
    def deps(self) -> Deps:
        return self.call.deps

    def text(self, name: str) -> str:
        """A field of the form, without surrounding blanks; empty when it was not sent."""
        return self.form.get(name, [""])[0].strip()

    def query(self, name: str) -> str:
        """A parameter of the URL; empty when it is not there."""
        return self.call.request.query.get(name, "").strip()[:200]

    def id(self, name: str) -> UUID:
        """The id in the path. What is none names nothing: NotFound."""
        try:
            return self.call.uuid(name)
        except BadRequest:
            raise NotFound("There is nothing at this address") from None

    def offset(self) -> int:
        """Where the page of a list begins."""
        text = self.query("offset")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


Page = Callable[[OperatorVisit], Awaitable[web.StreamResponse]]


def page(path: str, show: Page, *, operation: str, summary: str) -> Route:
    """A GET route for the operator's browser."""
    return _route("GET", path, show, operation=operation, summary=summary)


def form(path: str, take: Page, *, operation: str, summary: str) -> Route:
    """A POST route for forms of the operator's pages."""
    return _route("POST", path, take, operation=operation, summary=summary)


def _route(method: str, path: str, show: Page, *, operation: str, summary: str) -> Route:
    is_form = method == "POST"
    return Route(
        method=method,
        path=path,
        handler=partial(_visited, show),
        operation=operation,
        summary=summary,
        tag="Operator's pages",
        door=Door.PUBLIC,
        body=bytes if is_form else None,
        form=is_form,
        in_openapi=False,
    )


async def _visited(show: Page, call: Call) -> web.StreamResponse:
    session = read_operator_session(call.request, call.deps.settings, now=call.deps.now())
    if session is None:  # the secret as a header lets a program in, and these pages are for no program
        raise NotFound("There is nothing at this path; GET /openapi.json lists what there is")
    try:
        visit = OperatorVisit(call, session)
        if call.request.method != "POST":
            return await show(visit)
        return await _taken(show, visit)
    except FarwatchError as error:
        return refusal(call, error, None)


async def _taken(take: Page, visit: OperatorVisit) -> web.StreamResponse:
    """A form of a page of this session; what it changes is written under the operator's name."""
    call = visit.call
    posted = OperatorVisit(call, visit.session, read_form(call.body))
    if is_foreign(call.request, call.deps.settings) or not posted.session.issued(posted.text(TOKEN)):
        message = "This form is not of your present session: reload its page and send it again. Nothing was changed"
        raise Forbidden(message, code="FOREIGN_FORM")
    with acting(replace(actor_of(OperatorCaller(), call.request, call.deps), source="ui")):
        return await take(posted)


def show(visit: OperatorVisit, template: str, context: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """A page in the operator's frame."""
    around = {
        **frame(None),
        "token": visit.session.form_token(),
        "tabs": tabs(visit.call.request.path, (), SECTIONS),
        "now": visit.deps.now().isoformat(timespec="milliseconds"),
    }
    return html(template, {"frame": around, "problem": "", **context}, status=status)
