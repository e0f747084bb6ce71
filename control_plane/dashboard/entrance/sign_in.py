"""The front door: what this is, the ways in, signing in with an API key, signing out."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from control_plane.dashboard.rendering import html
from control_plane.dashboard.visit import Visit, form, frame, opened, read_form, refusal, see_other
from control_plane.errors import FarwatchError, Forbidden, TooMany, Unauthenticated, Unavailable
from control_plane.services.installation.read_front import FrontDoor, read_front
from control_plane.services.people.end_session import sign_out as end_session
from control_plane.services.people.open_session import Browser, open_key_session
from control_plane.services.people.providers import providers_of
from control_plane.web.browser import (
    BrowserSession,
    clear_session,
    is_foreign,
    new_session,
    read_session,
    write_session,
)
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route

_HOME = "/app"
_DOOR_GOOD_S = 3.0
_NO_DOOR = FrontDoor()


async def front(call: Call) -> web.StreamResponse:
    """Signed in: the overview. Otherwise what Farwatch is, and how to get in."""
    try:
        if await opened(call) is not None:
            return see_other(_HOME)
    except FarwatchError as error:
        return refusal(call, error, None)
    door = await _door(call)
    return _front(call, next_=inner_path(call.request.query.get("next", "")), door=door)


async def _door(call: Call) -> FrontDoor:
    try:
        return await call.deps.recently.get(("front",), partial(read_front, call.deps.database), keep_s=_DOOR_GOOD_S)
    except Unavailable:
        return _NO_DOOR


async def sign_in(call: Call) -> web.StreamResponse:
    """A right key opens a new session, whatever session there was before."""
    request, deps = call.request, call.deps
    try:
        if is_foreign(request, deps.settings):
            raise Forbidden("This form was sent by another site. Nothing was changed", code="FOREIGN_FORM")
        fields = read_form(call.body)
        there = inner_path(fields.get("next", [""])[0])
        caller = await deps.authenticator.sign_in(request, fields.get("key", [""])[0].strip())
    except (Unauthenticated, TooMany) as error:
        response = _front(call, next_=there, problem=_words(error), status=error.status)
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    except FarwatchError as error:
        return refusal(call, error, None)
    session = new_session(deps.settings)
    await open_key_session(
        deps.database, tenant_id=caller.tenant_id, key_id=caller.id, browser=browser_of(call, session)
    )
    return signed_in(call, session, there)


def browser_of(call: Call, session: BrowserSession) -> Browser:
    """The browser that is about to be given this session, in place of what it may have."""
    request, settings = call.request, call.deps.settings
    before = read_session(request, settings)
    return Browser(
        digest=session.digest,
        before=before.digest if before else None,
        address=call.deps.authenticator.address_of(request),
        user_agent=request.headers.get("User-Agent", "").encode("utf-8", "replace").decode().replace("\x00", ""),
        lasts=timedelta(days=settings.auth.session_days),
    )


def signed_in(call: Call, session: BrowserSession, there: str = "") -> web.Response:
    """On to the dashboard, with the session."""
    response = see_other(there or _HOME)
    write_session(call.request, response, session, call.deps.settings)
    return response


async def sign_out(visit: Visit) -> web.StreamResponse:
    await end_session(visit.deps.database, digest=visit.session.digest)
    response = see_other("/")
    clear_session(visit.call.request, response, visit.deps.settings)
    return response


def inner_path(text: str) -> str:
    """The path to go on to after signing in, if it is one of the dashboard's; else nothing."""
    plain = text.startswith("/app/") and text.isascii() and text.isprintable()
    return text if plain and not set(text) & set("\\ \"'<>") else ""


def _path(provider: str, next_: str) -> str:
    return f"/auth/{provider}/login" + (f"?{urlencode({'next': next_})}" if next_ else "")


def _words(error: FarwatchError) -> str:
    if isinstance(error, TooMany):
        return f"Too many failed attempts from your address. Try again in {error.retry_after_s} s."
    return "This key is not valid here. It was mistyped or revoked; a key begins with fw_live_."


def _front(call: Call, *, next_: str, problem: str = "", status: int = 200, door: FrontDoor = _NO_DOOR) -> web.Response:
    providers = [{"title": each.title, "path": _path(each.name, next_)} for each in providers_of(call.deps.settings)]
    context: dict[str, Any] = {"frame": frame(None), "next": next_, "problem": problem, "providers": providers}
    context |= {"fresh": door.fresh, "site": door.name, "everybody": call.deps.settings.anonymous.enabled}
    return html("front.html", context, status=status)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/",
        handler=front,
        operation="get_front_page",
        summary="What this is, and the way in",
        tag="Dashboard",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
    Route(
        method="GET",
        path="/login",
        handler=front,
        operation="show_sign_in",
        summary="The way in, also where / shows something else",
        tag="Dashboard",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
    Route(
        method="POST",
        path="/login",
        handler=sign_in,
        operation="sign_in",
        summary="Sign in with an API key",
        tag="Dashboard",
        door=Door.PUBLIC,
        body=bytes,
        form=True,
        in_openapi=False,
    ),
    form("/logout", sign_out, operation="sign_out", summary="Sign out"),
)
