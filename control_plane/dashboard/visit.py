"""Who is looking, what they may do, and what becomes of a refusal: a page in words instead of an envelope.

A page without a session leads to signing in. A form is taken only from our own pages, with the session's token.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from dataclasses import replace as with_fields
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlencode
from uuid import UUID

from aiohttp import web

from control_plane.dashboard.navigation import MONITORS, tabs
from control_plane.dashboard.rendering import html, is_there
from control_plane.domain.tenants.plan import Category
from control_plane.errors import BadRequest, FarwatchError, Forbidden, NotFound, TooMany, Unavailable
from control_plane.services.fleet.read_notice import read_notice
from control_plane.services.installation.read_announcements import Told, read_announcements
from control_plane.store.acting import acting
from control_plane.web import rate_limits
from control_plane.web.actor import actor_of
from control_plane.web.browser import BrowserSession, is_foreign, read_session
from control_plane.web.call import Call, Deps
from control_plane.web.caller import TenantCaller
from control_plane.web.multipart import MEDIA_TYPE as MULTIPART
from control_plane.web.multipart import read_parts
from control_plane.web.routes import Door, Handler, Route
from control_plane.web.trace import TRACE_ID
from shared.ids import TenantId

TOKEN = "form_token"  # noqa: S105 (the name of the field)
"""The form field that proves a form is ours."""

_MAX_FIELDS = 500

Form = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is signed in."""

    call: Call
    caller: TenantCaller
    session: BrowserSession
    form: Form = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    notice: str = ""
    """What stands above every page now."""
    announced: tuple[Told, ...] = ()
    """What the operator tells everybody now."""

    @property
    def deps(self) -> Deps:
        return self.call.deps

    @property
    def tenant_id(self) -> TenantId:
        return self.caller.tenant_id

    @property
    def origin(self) -> str:
        """Where this installation is reached: by setting, else as the browser has reached it."""
        return self.deps.settings.server.public_url.rstrip("/") or str(self.call.request.url.origin())

    def may(self, scope: str) -> bool:
        return scope in self.caller.scopes

    def require(self, scope: str) -> None:
        """Raises Forbidden MISSING_SCOPE."""
        if not self.may(scope):
            whose = "The key you signed in with" if self.caller.role is None else f"Your role, {self.caller.role},"
            message = f"{whose} lacks the scope {scope}. Sign in with a key that has it, or ask an owner"
            raise Forbidden(message, code="MISSING_SCOPE", details={"scope": scope})

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


Page = Callable[[Visit], Awaitable[web.StreamResponse]]


def page(path: str, show: Page, *, operation: str, summary: str, scope: str | None = None, head: bool = True) -> Route:
    """A GET route for those who are signed in and have the scope."""
    return _route("GET", path, partial(_visited, show, scope), operation=operation, summary=summary, head=head)


def form(path: str, take: Page, *, operation: str, summary: str, scope: str | None = None) -> Route:
    """A POST route for forms of our own pages."""
    return _route("POST", path, partial(_visited, take, scope), operation=operation, summary=summary)


def form_with_file(
    path: str, take: Page, *, operation: str, summary: str, scope: str, max_body: int, category: Category = "writes"
) -> Route:
    """A POST route for forms that may carry a file. `max_body`: bytes of all of it. `category`: of whose budget."""
    made = form(path, take, operation=operation, summary=summary, scope=scope)
    handler = partial(_visited, take, scope, category=category)
    return with_fields(made, handler=handler, files=True, max_body=max_body)


def _route(method: str, path: str, handler: Handler, *, operation: str, summary: str, head: bool = True) -> Route:
    is_form = method == "POST"
    return Route(
        method=method,
        path=path,
        handler=handler,
        operation=operation,
        summary=summary,
        tag="Dashboard",
        door=Door.PUBLIC,
        body=bytes if is_form else None,
        form=is_form,
        head=head,
        in_openapi=False,
    )


async def _visited(
    show: Page, scope: str | None, call: Call, *, category: Category | None = None
) -> web.StreamResponse:
    visit = None
    try:
        visit = await opened(call)
        if visit is None:
            return to_sign_in(call)
        usual: Category = "reads" if call.request.method in ("GET", "HEAD") else "writes"
        rate_limits.count(call.request, call.deps.limits, visit.caller, category or usual)
        if visit.caller.suspended:
            raise Forbidden("This tenant is suspended; ask the operator of this installation", code="TENANT_SUSPENDED")
        if call.request.method == "POST":
            visit = _proven(visit)
        notice = await read_notice(call.deps.database)
        announced = await read_announcements(call.deps.database)
        visit = with_fields(visit, notice=notice.message if notice else "", announced=announced)
        if scope is not None:
            visit.require(scope)
        return await _shown(show, visit)
    except FarwatchError as error:
        return refusal(call, error, visit)


async def _shown(show: Page, visit: Visit) -> web.StreamResponse:
    """The page; a form's is written under the visitor's name."""
    request = visit.call.request
    with acting(actor_of(visit.caller, request, visit.deps) if request.method == "POST" else None):
        return await show(visit)


async def opened(call: Call) -> Visit | None:
    """The visit of the request's session, if it still lives."""
    session = read_session(call.request, call.deps.settings)
    if session is None:
        return None
    caller = await call.deps.authenticator.tenant_by_session(call.request, session)
    return None if caller is None else Visit(call, caller, session)


async def still_admits(visit: Visit, scope: str) -> bool:
    """Whether what opened this visit still would: for what stays open after its request was let in."""
    again = await opened(visit.call)
    return again is not None and not again.caller.suspended and again.may(scope)


def _proven(visit: Visit) -> Visit:
    """The visit with its form, which came from a page of this session."""
    if is_foreign(visit.call.request, visit.deps.settings):
        raise Forbidden("This form was sent by another site. Nothing was changed", code="FOREIGN_FORM")
    posted = _with_form(visit)
    if not posted.session.issued(posted.text(TOKEN)):
        message = "This form is not of your present session: reload its page and send it again. Nothing was changed"
        raise Forbidden(message, code="FOREIGN_FORM")
    return posted


def _with_form(visit: Visit) -> Visit:
    request = visit.call.request
    if request.content_type != MULTIPART:
        return with_fields(visit, form=read_form(visit.call.body))
    parts = read_parts(visit.call.body, request.headers["Content-Type"])
    return with_fields(visit, form=parts.fields, files=parts.files)


def read_form(body: bytes) -> Form:
    """The fields of an application/x-www-form-urlencoded body. Raises BadRequest INVALID_FORM."""
    try:
        return parse_qs(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS, separator="&"
        )
    except ValueError:
        raise BadRequest("The form cannot be read", code="INVALID_FORM") from None


def to_sign_in(call: Call) -> web.Response:
    """Off to sign in, and back here afterwards."""
    request = call.request
    there = request.path if request.method in ("GET", "HEAD") and request.path != "/app" else ""
    return see_other(f"/?{urlencode({'next': there})}")


def see_other(location: str) -> web.Response:
    """A redirect to a page of ours, to be fetched with GET. `location` is a path."""
    return web.Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})


def frame(visit: Visit | None) -> dict[str, Any]:
    """What the frame around every page needs. `now` lets the page's clock follow ours."""
    if visit is None:
        return {
            "signed_in": False,
            "label": "",
            "token": "",
            "may_add": False,
            "may_follow": False,
            "tabs": [],
            "ways": [],
            "origin": "",
            "now": "",
            "notice": "",
            "announced": (),
        }
    return {
        "signed_in": True,
        "label": visit.caller.label,
        "token": visit.session.form_token(),
        "may_add": visit.may("monitors:write"),
        "may_follow": visit.may("events:read"),
        "tabs": tabs(visit.call.request.path, visit.caller.scopes),
        "ways": tabs(visit.call.request.path, visit.caller.scopes, MONITORS),
        "origin": visit.origin,
        "now": visit.deps.now().isoformat(timespec="milliseconds"),
        "notice": visit.notice,
        "announced": visit.announced,
    }


def show(visit: Visit, template: str, context: Mapping[str, Any], *, status: int = 200) -> web.Response:
    """A page in its frame; with ?fragment=1 only its living part, the template's twin `<name>_live.html`, if any."""
    shown = {"frame": frame(visit), **context}
    living = template.replace(".html", "_live.html")
    if visit.query("fragment") == "1" and status == 200 and is_there(living):
        return html(living, shown)
    return html(template, shown, status=status)


def refusal(call: Call, error: FarwatchError, visit: Visit | None) -> web.Response:
    """The page that says what was refused, why, and what helps."""
    context = {
        "frame": frame(visit),
        "heading": _HEADINGS.get(error.status, "That did not work"),
        "message": error.message,
        "code": error.code,
        "again": _again(call, error),
        "trace_id": call.request[TRACE_ID],
    }
    response = html("refusal.html", context, status=error.status)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = "5"
    return response


def _again(call: Call, error: FarwatchError) -> str:
    """Where to try again what is not available just now; a form is sent again from its page, and links of those who are
    on the way in hold what no page repeats.
    """
    request = call.request
    is_read = request.method in ("GET", "HEAD") and request.path.startswith("/app")
    return request.raw_path if isinstance(error, Unavailable) and is_read else ""


_HEADINGS = {
    403: "You may not do that",
    404: "Nothing here",
    409: "Not now",
    429: "Too fast",
    503: "Not available just now",
}
