"""/connect/{kind}: Add to Slack, Add to Discord. Off to the vendor, and back with a channel.

Whoever comes back was sent out from here, or from the page of a delegation link: then nobody has to be signed in.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from aiohttp import web

from control_plane.dashboard.rendering import html
from control_plane.dashboard.visit import Visit, frame, opened, page, refusal, see_other
from control_plane.domain.tenants.people import SIGNING_IN_FOR
from control_plane.errors import FarwatchError, Forbidden, NotFound
from control_plane.notify import transports
from control_plane.services.alerting.ask_chat import TITLES, Granted, ask_for_webhook, connects_of, refused
from control_plane.services.alerting.connect_chat import (
    Asker,
    begin_connect,
    finish_connect,
    finish_delegated,
    stale,
    take_connect,
)
from control_plane.services.alerting.create_linked_channel import Passage
from control_plane.store.acting import acting
from control_plane.store.channels import ChannelRow
from control_plane.web.actor import actor_of
from control_plane.web.browser import begin_sign_in as mark_browser
from control_plane.web.browser import end_sign_in, signing_in
from control_plane.web.call import Call
from control_plane.web.routes import Door, Handler, Route
from control_plane.web.trace import OPERATION, TRACE_ID

_SCOPE = "channels:write"


async def begin(visit: Visit) -> web.StreamResponse:
    """Off to the vendor."""
    call, response = visit.call, see_other("/app")
    mark = mark_browser(call.request, response, visit.deps.settings, lasts_s=int(SIGNING_IN_FOR.total_seconds()))
    response.headers["Location"] = await begin_connect(
        visit.deps.database,
        visit.deps.settings,
        Asker(visit.tenant_id, session=visit.session.digest),
        sealer=visit.deps.sealer,
        kind=call.path["kind"],
        browser=mark,
    )
    return response


async def callback(call: Call) -> web.StreamResponse:
    """Back from the vendor: the channel, or the reason why there is none."""
    visit = None
    try:
        kind, settings = _offered(call), call.deps.settings
        asker = await take_connect(
            call.deps.database,
            settings,
            sealer=call.deps.sealer,
            kind=kind,
            state=call.request.query.get("state", "")[:200],
            browser=signing_in(call.request, settings),
        )
        visit = None if asker.link is not None else await _same(call, asker)
        granted = await ask_for_webhook(settings, kind, code=_code(call, kind))
        row = await _created(call, asker, granted, visit)
        context = {"frame": frame(visit), "name": row.name, "title": TITLES[kind], "delegated": visit is None}
        response = html("connected.html", context)
    except FarwatchError as error:
        response = refusal(call, error, visit)
    end_sign_in(call.request, response, call.deps.settings)
    return response


async def _created(call: Call, asker: Asker, granted: Granted, visit: Visit | None) -> ChannelRow:
    deps, kinds = call.deps, transports(call.deps.settings)
    if visit is None:
        assert asker.link is not None, "nobody is signed in: a link let them in"
        return await finish_delegated(
            deps.database,
            granted,
            sealer=deps.sealer,
            transports=kinds,
            link=asker.link,
            channel_id=deps.new_id(),
            passage=_passage(call),
        )
    with acting(actor_of(visit.caller, call.request, deps)):
        return await finish_connect(
            deps.database,
            granted,
            sealer=deps.sealer,
            transports=kinds,
            tenant_id=asker.tenant_id,
            channel_id=deps.new_id(),
            terms=visit.caller.terms,
        )


async def _same(call: Call, asker: Asker) -> Visit:
    """The visit of the session that set out, which still may. Raises Forbidden CONNECT_STALE, MISSING_SCOPE …"""
    visit = await opened(call)
    if visit is None or (visit.session.digest, visit.tenant_id) != (asker.session, asker.tenant_id):
        raise stale()
    if visit.caller.suspended:
        raise Forbidden("This tenant is suspended; ask the operator of this installation", code="TENANT_SUSPENDED")
    visit.require(_SCOPE)
    return visit


def _code(call: Call, kind: str) -> str:
    """The code of the callback. Raises Forbidden CONNECT_REFUSED where there is an error in its place."""
    code, error = call.request.query.get("code", ""), call.request.query.get("error", "")
    if error == "access_denied":
        raise refused(kind, "you did not allow it")
    if error or not 0 < len(code) <= 500 or not (code.isascii() and code.isprintable()):
        raise refused(kind, "it sent you back without a code")
    return code


def _offered(call: Call) -> str:
    kind = call.path["kind"]
    if kind not in connects_of(call.deps.settings):
        raise NotFound("This installation cannot connect that by one click")
    return kind


def _passage(call: Call) -> Passage:
    request = call.request
    address = call.deps.authenticator.address_of(request)
    return Passage(source="ui", operation=request[OPERATION], address=address, trace_id=request[TRACE_ID])


async def _if_offered(handler: Handler, call: Call) -> web.StreamResponse:
    """Nothing is here, for whomever, while the installation has no app of the kind."""
    try:
        _offered(call)
    except NotFound as error:
        return refusal(call, error, None)
    response = await handler(call)
    assert isinstance(response, web.StreamResponse), "pages answer with responses"
    return response


_BEGIN = page(
    "/connect/{kind}",
    begin,
    operation="connect_chat",
    summary="Off to Slack or Discord, to choose a channel",
    scope=_SCOPE,
    head=False,
)

ROUTES: tuple[Route, ...] = (
    replace(_BEGIN, handler=partial(_if_offered, _BEGIN.handler)),
    Route(
        method="GET",
        path="/connect/{kind}/callback",
        handler=callback,
        operation="connect_chat_back",
        summary="Back from Slack or Discord",
        tag="Dashboard",
        door=Door.PUBLIC,
        in_openapi=False,
        head=False,
    ),
)
