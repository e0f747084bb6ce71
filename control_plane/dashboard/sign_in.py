"""The front door: what this is, signing in with an API key, signing out."""

from __future__ import annotations

from aiohttp import web

from control_plane.dashboard.rendering import html
from control_plane.dashboard.session import clear_session, is_foreign, new_session, write_session
from control_plane.dashboard.visit import Visit, form, frame, opened, read_form, refusal, see_other
from control_plane.errors import FarwatchError, Forbidden, TooMany, Unauthenticated
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route

_HOME = "/app"


async def front(call: Call) -> web.StreamResponse:
    """Signed in: the overview. Otherwise what Farwatch is, and how to get in."""
    try:
        if await opened(call) is not None:
            return see_other(_HOME)
    except FarwatchError as error:
        return refusal(call, error, None)
    return _front(next_=inner_path(call.request.query.get("next", "")))


async def sign_in(call: Call) -> web.StreamResponse:
    """A right key opens a new session, whatever session there was before."""
    request, deps = call.request, call.deps
    try:
        if is_foreign(request, deps.settings):
            raise Forbidden("This form was sent by another site. Nothing was changed", code="FOREIGN_FORM")
        fields = read_form(call.body)
        there = inner_path(fields.get("next", [""])[0])
        _, digest = await deps.authenticator.sign_in(request, fields.get("key", [""])[0].strip())
    except (Unauthenticated, TooMany) as error:
        response = _front(next_=there, problem=_words(error), status=error.status)
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    except FarwatchError as error:
        return refusal(call, error, None)
    response = see_other(there or _HOME)
    write_session(request, response, new_session(digest, now=deps.now()), deps.sealer, deps.settings)
    return response


async def sign_out(visit: Visit) -> web.StreamResponse:
    response = see_other("/")
    clear_session(visit.call.request, response, visit.deps.settings)
    return response


def inner_path(text: str) -> str:
    """The path to go on to after signing in, if it is one of the dashboard's; else nothing."""
    plain = text.startswith("/app/") and text.isascii() and text.isprintable()
    return text if plain and not set(text) & set("\\ \"'<>") else ""


def _words(error: FarwatchError) -> str:
    if isinstance(error, TooMany):
        return f"Too many failed attempts from your address. Try again in {error.retry_after_s} s."
    return "This key is not valid here. It was mistyped or revoked; a key begins with fw_live_."


def _front(*, next_: str, problem: str = "", status: int = 200) -> web.Response:
    context = {"frame": frame(None), "next": next_, "problem": problem}
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
