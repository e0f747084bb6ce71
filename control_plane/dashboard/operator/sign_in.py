"""/sign-in/operator: the operator's secret for a session of one hour. Not below /operator, where all is 404 without it.

While no secret is set there is no such page either.
"""

from __future__ import annotations

from aiohttp import web

from control_plane.dashboard.operator.door import HERE, OperatorVisit, form
from control_plane.dashboard.rendering import html
from control_plane.dashboard.visit import frame, read_form, refusal, see_other
from control_plane.errors import FarwatchError, Forbidden, NotFound, TooMany
from control_plane.web.browser import is_foreign
from control_plane.web.call import Call
from control_plane.web.operator_session import close_operator_session, open_operator_session
from control_plane.web.routes import Door, Route

_PATH = "/sign-in/operator"


async def ask(call: Call) -> web.StreamResponse:
    _require_secret(call)
    return _page()


async def sign_in(call: Call) -> web.StreamResponse:
    """Wrong secrets count as failed authentications of their address."""
    _require_secret(call)
    request, deps = call.request, call.deps
    try:
        if is_foreign(request, deps.settings):
            raise Forbidden("This form was sent by another site. Nothing was changed", code="FOREIGN_FORM")
        secret = read_form(call.body).get("secret", [""])[0].strip()
        if not deps.authenticator.sign_in_operator(request, secret):
            return _page(problem="This is not the operator's secret of this installation.", status=401)
    except TooMany as error:
        response = _page(problem=f"Too many wrong tries. Wait {error.retry_after_s} s.", status=error.status)
        response.headers["Retry-After"] = str(error.retry_after_s)
        return response
    except FarwatchError as error:
        return refusal(call, error, None)
    response = see_other(HERE)
    open_operator_session(request, response, deps.settings, now=deps.now())
    return response


async def sign_out(visit: OperatorVisit) -> web.StreamResponse:
    response = see_other(_PATH)
    close_operator_session(visit.call.request, response, visit.deps.settings)
    return response


def _require_secret(call: Call) -> None:
    if not call.deps.settings.operator.secret:
        raise NotFound("There is nothing at this path; GET /openapi.json lists what there is")


def _page(*, problem: str = "", status: int = 200) -> web.Response:
    return html("operator_sign_in.html", {"frame": frame(None), "problem": problem}, status=status)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=_PATH,
        handler=ask,
        operation="show_operator_sign_in",
        summary="Sign in as the operator",
        tag="Operator's pages",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
    Route(
        method="POST",
        path=_PATH,
        handler=sign_in,
        operation="sign_in_operator",
        summary="Sign in with the operator's secret",
        tag="Operator's pages",
        door=Door.PUBLIC,
        body=bytes,
        form=True,
        in_openapi=False,
    ),
    form(f"{HERE}/sign-out", sign_out, operation="sign_out_operator", summary="End the operator's session"),
)
