"""One route, one request: authenticate → scope → query → body → (once) → handler → encode. See middleware.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import msgspec
from aiohttp import web
from msgspec.structs import replace

from control_plane.domain.tenants.plan import require_api_access
from control_plane.errors import BadRequest, FarwatchError, Forbidden, NotFound
from control_plane.store.acting import acting
from control_plane.store.pool import for_agents, managing
from control_plane.web import idempotency, rate_limits
from control_plane.web.actor import actor_of
from control_plane.web.body import decode_body, read_body, refuse_content
from control_plane.web.call import Call, Deps, Reply
from control_plane.web.caller import Caller, OperatorCaller, TenantCaller
from control_plane.web.etag import etag, is_known
from control_plane.web.managed import require_managed
from control_plane.web.nobody import is_nobody, nobody
from control_plane.web.problems import problem_response
from control_plane.web.query import decode_query, refuse_keys, refuse_query
from control_plane.web.routes import Door, Route
from control_plane.web.trace import OPERATION, TRACE_ID

MUTATION = "no-store"
READ = "private, max-age=10"
PUBLIC_READ = "public, max-age=10, stale-while-revalidate=30"

_SAFE = ("GET", "HEAD")
_OF_NOT_MODIFIED = ("ETag", "Cache-Control", "Link", "Vary")  # RFC 9110 section 15.4.5
_OPERATOR = OperatorCaller()
_encoder = msgspec.json.Encoder()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def handler_of(route: Route, deps: Deps) -> Handler:
    """The aiohttp handler that obeys a route."""
    _check_route(route)
    reports = route.door is Door.AGENT or route.tag == "pings"
    return partial(_reported if reports else _dispatch, route, deps, _cache_control(route))


async def _reported(route: Route, deps: Deps, cache: str, request: web.Request) -> web.StreamResponse:
    """What agents and pings bring is never kept waiting by what people ask."""
    with for_agents():
        return await _dispatch(route, deps, cache, request)


async def _dispatch(route: Route, deps: Deps, cache: str, request: web.Request) -> web.StreamResponse:
    request[OPERATION] = route.operation
    caller = await _authenticated(route, deps, request)
    if "%00" in request.raw_path:
        raise BadRequest("The path or query holds a NUL", code="INVALID_STRING")
    query = _query(route, request)
    raw = b""
    if request.method not in _SAFE and not route.cut_body:
        raw = await read_body(request, route, deadline_s=deps.settings.server.read_timeout_s)
    run = partial(_handled, route, deps, request, caller=caller, query=query, raw=raw, cache=cache)
    with managing(caller.managed if isinstance(caller, TenantCaller) else None):
        return await _answered(route, deps, request, caller=caller, raw=raw, run=run)


async def _answered(
    route: Route,
    deps: Deps,
    request: web.Request,
    *,
    caller: Caller | None,
    raw: bytes,
    run: Callable[[], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    if request.method in _SAFE or not isinstance(caller, TenantCaller | OperatorCaller):
        return await run()
    with acting(actor_of(caller, request, deps)):
        return await _changed(route, deps, request, caller=caller, raw=raw, run=run)


async def _changed(
    route: Route,
    deps: Deps,
    request: web.Request,
    *,
    caller: Caller,
    raw: bytes,
    run: Callable[[], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    """A request that may change something: once per Idempotency-Key on the tenant's door."""
    if route.door is Door.TENANT and request.method == "POST" and isinstance(caller, TenantCaller):
        claim = idempotency.claim_of(request, caller, raw=raw)
        if claim is not None:
            told = partial(_told, run, request)
            return await idempotency.once(claim, database=deps.database, sealer=deps.sealer, run=told)
    return await run()


async def _authenticated(route: Route, deps: Deps, request: web.Request) -> Caller | None:
    match route.door:
        case Door.PUBLIC:
            return None
        case Door.OPERATOR:
            if not deps.authenticator.is_operator(request):
                raise NotFound("There is nothing at this path; GET /openapi.json lists what there is")
            return _OPERATOR
        case Door.AGENT:
            refuse_keys(request)
            return await deps.authenticator.agent_of(request)
        case Door.TENANT:
            refuse_keys(request)
            return None if route.open_ else await _tenant(route, deps, request)


async def _tenant(route: Route, deps: Deps, request: web.Request) -> TenantCaller:
    if route.anonymous and is_nobody(request, deps):
        caller = await nobody(request, deps)
    else:
        caller = await deps.authenticator.tenant_of(request)
    rate_limits.count(request, deps.limits, caller, route.rate_category)
    if caller.suspended and not route.any_key:
        raise Forbidden("This tenant is suspended; ask the operator of this installation", code="TENANT_SUSPENDED")
    if caller.write_source != "ui" and not route.any_key:
        require_api_access(caller.terms)
    await require_managed(route.operation, request, caller, deps.database)
    if route.scope is not None and route.scope not in caller.scopes and not route.own:
        message = f"This key lacks the scope {route.scope}: make one that has it"
        raise Forbidden(message, code="MISSING_SCOPE", details={"scope": route.scope})
    return _by_way_of(request, caller)


SOURCE = "X-Farwatch-Source"
_PROGRAMS = ("cli", "terraform")
"""What a program of ours may say that it is. It is no proof of anything, and nothing is decided by it."""


def _by_way_of(request: web.Request, caller: TenantCaller) -> TenantCaller:
    """The caller with the `write_source` of its program, where it changes something and says which it is."""
    said = request.headers.get(SOURCE)
    if request.method in _SAFE or said not in _PROGRAMS or caller.write_source != "api":
        return caller
    return replace(caller, write_source=said)


def _query(route: Route, request: web.Request) -> object:
    if route.query is not None:
        return decode_query(request, route.query)
    if request.query_string and route.door in (Door.TENANT, Door.OPERATOR):
        refuse_query(request)
    return None


async def _handled(
    route: Route,
    deps: Deps,
    request: web.Request,
    *,
    caller: Caller | None,
    query: object,
    raw: bytes,
    cache: str,
) -> web.StreamResponse:
    if route.body is None and raw and route.door in (Door.TENANT, Door.OPERATOR):
        refuse_content(raw)
    body = decode_body(raw, route) if route.body is not None else None
    reply = await route.handler(Call(request, deps, caller, body, query, request.match_info))
    if isinstance(reply, web.StreamResponse):
        if not reply.prepared:
            reply.headers.setdefault("Cache-Control", cache)
        return reply
    response = encode_reply(reply, status=reply.status or route.status, cache=cache, tagged=_is_tagged(route, reply))
    tag = response.headers.get("ETag")
    if request.method in _SAFE and response.status == 200 and tag is not None and is_known(request, tag):
        kept = {name: response.headers[name] for name in _OF_NOT_MODIFIED if name in response.headers}
        return web.Response(status=304, headers=kept)
    return response


def _is_tagged(route: Route, reply: Reply) -> bool:
    """Every read of the JSON doors has an entity tag; other answers where they tell of an object with a revision."""
    return reply.etag is not None or (route.method in _SAFE and route.door in (Door.TENANT, Door.OPERATOR))


async def _told(run: Callable[[], Awaitable[web.StreamResponse]], request: web.Request) -> web.StreamResponse:
    """A refusal as the response that it becomes, so that it is kept and repeated like any other."""
    try:
        return await run()
    except FarwatchError as error:
        return problem_response(error, trace_id=request[TRACE_ID], accept=request.headers.get("Accept", ""))


def encode_reply(reply: Reply, *, status: int, cache: str, tagged: bool = False) -> web.Response:
    """JSON with the headers of the reply."""
    headers = {"Cache-Control": cache, **reply.headers}
    if status == 204:
        return web.Response(status=status, headers=headers)
    body = _encoder.encode(reply.value)
    if tagged:
        headers["ETag"] = etag(reply.etag, body)
    return web.Response(status=status, body=body, headers=headers, content_type="application/json")


def _cache_control(route: Route) -> str:
    if route.cache is not None:
        return route.cache
    if route.method not in _SAFE or route.door is Door.AGENT:
        return MUTATION
    return PUBLIC_READ if route.door is Door.PUBLIC else READ


_PREFIXES: Mapping[Door, str] = {Door.TENANT: "/api/v1/", Door.OPERATOR: "/operator", Door.AGENT: "/api/agent/v1/"}


def _check_route(route: Route) -> None:
    """A route that contradicts itself stops the program at start, not a caller later."""
    prefix = _PREFIXES.get(route.door, "/")
    assert route.path.startswith(prefix), f"{route.operation}: the door {route.door} begins at {prefix}"
    needs_scope = route.door is Door.TENANT and not route.open_ and not route.any_key
    assert needs_scope == (route.scope is not None), f"{route.operation}: scope"
