"""/setup/{token} and /invite/{token}: the links by which people come in for the first time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from aiohttp import web

from control_plane.dashboard.entrance.sign_in import browser_of, signed_in
from control_plane.dashboard.rendering import html
from control_plane.dashboard.visit import Form, frame, read_form, refusal, see_other
from control_plane.domain.tenants.people import link_digest
from control_plane.errors import BadRequest, FarwatchError, Forbidden
from control_plane.services.people.admit_person import link_over
from control_plane.services.people.follow_link import follow_invitation, follow_setup, name_by_setup
from control_plane.services.people.providers import providers_of
from control_plane.store import invitations
from control_plane.web.browser import is_foreign, new_session
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route

Answer = Callable[[Call, bytes], Awaitable[web.StreamResponse]]


async def show_setup(call: Call, link: bytes) -> web.StreamResponse:
    return await _setup_page(call, link)


async def set_up(call: Call, link: bytes) -> web.StreamResponse:
    """With providers the tenant is named first, and who it is comes from there; without, all of it at once."""
    fields, deps = _form(call), call.deps
    try:
        if providers_of(deps.settings):
            await name_by_setup(deps.database, link=link, tenant_name=_text(fields, "tenant"))
            return see_other(f"/setup/{call.path['token']}?named=1")
        session = new_session(deps.settings)
        await follow_setup(
            deps.database,
            link=link,
            tenant_name=_text(fields, "tenant"),
            name=_text(fields, "name"),
            email=_text(fields, "email"),
            browser=browser_of(call, session),
        )
    except BadRequest as error:
        return await _setup_page(call, link, fields=fields, problem=error.message, status=400)
    return signed_in(call, session)


async def _setup_page(
    call: Call, link: bytes, *, fields: Form | None = None, problem: str = "", status: int = 200
) -> web.Response:
    async with call.deps.database.app() as conn:
        found = await invitations.find_setup(conn, digest=link)
    if found is None:
        raise link_over()
    given = fields or {}
    context = {
        "tenant": _text(given, "tenant") or found.tenant_name,
        "name": _text(given, "name"),
        "email": _text(given, "email"),
        "named": call.request.query.get("named") == "1",
        "problem": problem,
    }
    return _page(call, "setup.html", context, status=status)


async def show_invitation(call: Call, link: bytes) -> web.StreamResponse:
    async with call.deps.database.app() as conn:
        found = await invitations.find_open(conn, digest=link)
    if found is None:
        raise link_over()
    context = {
        "tenant": found.tenant_name,
        "role": found.role.value,
        "email": found.email,
        "invited_by": found.invited_by,
        "expires": f"{found.expires_at:%-d %B %Y, %H:%M} UTC",
    }
    return _page(call, "invitation.html", context)


async def accept(call: Call, link: bytes) -> web.StreamResponse:
    """Without a provider only: with one, it has to vouch for the address."""
    deps = call.deps
    if providers_of(deps.settings):
        raise Forbidden("Sign in with one of the providers to accept this invitation", code="PROVIDER_NEEDED")
    session = new_session(deps.settings)
    name = _text(_form(call), "name")
    await follow_invitation(deps.database, link=link, name=name, browser=browser_of(call, session))
    return signed_in(call, session)


def _form(call: Call) -> Form:
    return read_form(call.body)


def _text(fields: Form, name: str) -> str:
    return fields.get(name, [""])[0].replace("\x00", "").strip()


def _page(call: Call, template: str, context: dict[str, Any], *, status: int = 200) -> web.Response:
    token = call.path["token"]
    offers = providers_of(call.deps.settings)
    providers = [{"title": each.title, "path": f"/auth/{each.name}/login?link={token}"} for each in offers]
    return html(
        template, {"frame": frame(None), "providers": providers, "here": call.request.path, **context}, status=status
    )


async def _by_link(answer: Answer, call: Call) -> web.StreamResponse:
    try:
        if call.request.method == "POST" and is_foreign(call.request, call.deps.settings):
            raise Forbidden("This form was sent by another site. Nothing was changed", code="FOREIGN_FORM")
        return await answer(call, link_digest(call.path["token"], call.deps.settings.security.pepper.encode()))
    except FarwatchError as error:
        return refusal(call, error, None)


def _route(method: str, path: str, answer: Answer, *, operation: str, summary: str) -> Route:
    posts = method == "POST"
    return Route(
        method=method,
        path=path,
        handler=partial(_by_link, answer),
        operation=operation,
        summary=summary,
        tag="Dashboard",
        door=Door.PUBLIC,
        body=bytes if posts else None,
        form=posts,
        in_openapi=False,
    )


ROUTES: tuple[Route, ...] = (
    _route(
        "GET",
        "/setup/{token:[A-Za-z0-9_-]+}",
        show_setup,
        operation="show_setup",
        summary="Set up a fresh installation",
    ),
    _route("POST", "/setup/{token:[A-Za-z0-9_-]+}", set_up, operation="set_up", summary="Become the first owner"),
    _route(
        "GET", "/invite/{token:[A-Za-z0-9_-]+}", show_invitation, operation="show_invitation", summary="An invitation"
    ),
    _route(
        "POST", "/invite/{token:[A-Za-z0-9_-]+}", accept, operation="accept_invitation", summary="Accept an invitation"
    ),
)
