"""/auth/{provider}/…: off to a provider, and back with a session."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from aiohttp import web

from control_plane.dashboard.entrance.sign_in import browser_of, inner_path, signed_in
from control_plane.dashboard.visit import refusal, see_other
from control_plane.domain.tenants.credentials import Role
from control_plane.domain.tenants.people import SIGNING_IN_FOR, link_digest
from control_plane.errors import FarwatchError, NotFound
from control_plane.services.people.admit_person import OpenDomains, admit_person
from control_plane.services.people.begin_sign_in import SetOut, begin_sign_in, take_sign_in
from control_plane.services.people.provider import Provider
from control_plane.settings import AuthSettings
from control_plane.web.browser import begin_sign_in as mark_browser
from control_plane.web.browser import end_sign_in, new_session, signing_in
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route
from shared.ids import TenantId


async def login(call: Call) -> web.StreamResponse:
    """Off to the provider. A link and no form, because a form of ours may lead to ourselves alone (its policy)."""
    deps, request = call.deps, call.request
    response = see_other("/")
    try:
        provider = _provider(call)
        deps.authenticator.count_sign_in(request)
        lasts_s = int(SIGNING_IN_FOR.total_seconds())
        token = request.query.get("link", "")
        who = SetOut(
            provider=call.path["provider"],
            browser=mark_browser(request, response, deps.settings, lasts_s=lasts_s),
            redirect_uri=_redirect_uri(call),
            next=inner_path(request.query.get("next", "")),
            link=link_digest(token, _pepper(call)) if token else None,
        )
        response.headers["Location"] = await begin_sign_in(
            deps.database, deps.sealer, provider, who, pepper=_pepper(call)
        )
    except FarwatchError as error:
        return refusal(call, error, None)
    return response


async def callback(call: Call) -> web.StreamResponse:
    """Back from the provider: into the dashboard, or the reason why not."""
    deps, request = call.deps, call.request
    try:
        provider = _provider(call)
        back = await take_sign_in(
            deps.database,
            deps.sealer,
            state=request.query.get("state", ""),
            provider=call.path["provider"],
            browser=signing_in(request, deps.settings),
            redirect_uri=_redirect_uri(call),
            pepper=_pepper(call),
        )
        identity = await provider.finish(back.attempt, request.query, now=deps.now())
        session = new_session(deps.settings)
        await admit_person(
            deps.database,
            identity,
            link=back.link,
            open_domains=_open_domains(deps.settings.auth),
            browser=browser_of(call, session),
        )
        response: web.Response = signed_in(call, session, back.next)
    except FarwatchError as error:
        response = refusal(call, error, None)
    end_sign_in(request, response, deps.settings)
    return response


def _provider(call: Call) -> Provider:
    found = call.deps.providers.get(call.path["provider"], call.deps.settings)
    if found is None:
        raise NotFound("This installation knows no such provider")
    return found


def _redirect_uri(call: Call) -> str:
    return f"{call.deps.settings.server.public_url.rstrip('/')}/auth/{call.path['provider']}/callback"


def _pepper(call: Call) -> bytes:
    return call.deps.settings.security.pepper.encode()


def _open_domains(auth: AuthSettings) -> OpenDomains:
    tenant_id = TenantId(UUID(auth.domain_tenant)) if auth.domain_tenant else None
    return OpenDomains(frozenset(domain.lower() for domain in auth.allowed_domains), Role(auth.domain_role), tenant_id)


_route = partial(Route, method="GET", tag="Dashboard", door=Door.PUBLIC, in_openapi=False, head=False)

ROUTES: tuple[Route, ...] = (
    _route(path="/auth/{provider}/login", handler=login, operation="begin_sign_in", summary="Off to a provider"),
    _route(path="/auth/{provider}/callback", handler=callback, operation="end_sign_in", summary="Back from a provider"),
)
