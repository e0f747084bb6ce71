"""/ping/{ping_id}: the door that heartbeats come through. The id in the URL is the capability; there is no other.

GET, HEAD and POST are alike, whatever the content type, so that any tool can ping. A ping is answered 200 after the
commit that holds it and never before; no limit counts the callers of one address, for behind it may be a whole site.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from aiohttp import web

from control_plane.domain.heartbeats.heartbeat import Ping, PingKind
from control_plane.errors import BadRequest, NotFound, Unavailable
from control_plane.metrics import PINGS
from control_plane.services.heartbeats.take_pings import NewPing
from control_plane.web.body import read_start
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route
from shared.clock import to_unix_ms

BODY_KEPT = 100_000
"""Bytes of a ping's body; the rest is cut off."""

AGENT_KEPT = 200
"""Characters of User-Agent."""

_ERRORS = ("HEARTBEAT_NOT_FOUND", "INVALID_RID", "INVALID_STRING", "BAD_REQUEST", "REQUEST_TIMEOUT")


async def success(call: Call) -> web.Response:
    return await _take(call, PingKind.SUCCESS)


async def start(call: Call) -> web.Response:
    return await _take(call, PingKind.START)


async def fail(call: Call) -> web.Response:
    return await _take(call, PingKind.FAIL)


async def log(call: Call) -> web.Response:
    return await _take(call, PingKind.LOG)


async def exit_code(call: Call) -> web.Response:
    text = call.path["exit_code"]
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255):
        raise BadRequest(
            "After the id comes /start, /fail, /log or an exit code from 0 to 255", code="INVALID_EXIT_CODE"
        )
    code = int(text)
    return await _take(call, PingKind.FAIL if code else PingKind.SUCCESS, code)


async def _take(call: Call, kind: PingKind, code: int | None = None) -> web.Response:
    request, at_ms = call.request, to_unix_ms(call.deps.now())
    ping_id, rid = _ping_id(call), _rid(call)
    body, cut = await read_start(request, limit=BODY_KEPT, deadline_s=call.deps.settings.server.read_timeout_s)
    ping = NewPing(
        ping_id=ping_id,
        signal=Ping(kind=kind, at_ms=at_ms, rid=rid, exit_code=code),
        method=request.method,
        source=call.deps.authenticator.address_of(request),
        user_agent=_printable(request.headers.get("User-Agent", ""))[:AGENT_KEPT],
        body=body or None,
        cut=cut,
    )
    try:
        known = await call.deps.pings.take(call.deps.database, ping, watched=call.deps.hub.watched_tenants)
    except Unavailable:
        PINGS.labels("refused").inc()
        raise
    if not known:
        PINGS.labels("unknown").inc()
        raise _nobody()
    PINGS.labels(kind.value).inc()
    return web.Response(text="OK")


def _ping_id(call: Call) -> UUID:
    """The id in the path. One that is no UUID is nobody's."""
    text = call.path["ping_id"]
    try:
        value = UUID(text)
    except ValueError:
        raise _nobody() from None
    if str(value) != text.lower():
        raise _nobody()
    return value


def _nobody() -> NotFound:
    return NotFound(
        "Nobody waits for this ping: compare the URL with the heartbeat's, it may have been rotated or deleted",
        code="HEARTBEAT_NOT_FOUND",
    )


def _rid(call: Call) -> UUID | None:
    """The run id in the query, which pairs a start with its finish. Other parameters are nobody's business here."""
    given = call.request.query.getall("rid", [])
    if not given:
        return None
    try:
        value = UUID(given[0])
    except ValueError:
        value = None
    if value is None or len(given) > 1 or str(value) != given[0].lower():
        raise BadRequest("rid is one UUID such as 123e4567-e89b-12d3-a456-426614174000", code="INVALID_RID")
    return value


def _printable(text: str) -> str:
    """Without what PostgreSQL cannot store: NUL, and bytes of a header that are no text."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def _routes() -> tuple[Route, ...]:
    ends: tuple[tuple[str, str, Callable[[Call], Awaitable[web.Response]], str], ...] = (
        ("", "ping", success, "Say that it went well"),
        ("/start", "ping_start", start, "Say that a run begins"),
        ("/fail", "ping_fail", fail, "Say that it failed"),
        ("/log", "ping_log", log, "Leave a note that changes nothing"),
        ("/{exit_code}", "ping_exit_code", exit_code, "Say how it ended: 0 went well, 1 to 255 failed"),
    )
    return tuple(
        Route(
            method=method,
            path=f"/ping/{{ping_id}}{end}",
            handler=handler,
            operation=f"{operation}_by_{method.lower()}",
            summary=summary,
            description="Answers `OK` as text once it is stored. `?rid=` (a UUID) pairs a start with its finish.",
            tag="pings",
            door=Door.PUBLIC,
            cut_body=True,
            cache="no-store",
            errors=(*_ERRORS, "INVALID_EXIT_CODE") if "exit_code" in end else _ERRORS,
        )
        for end, operation, handler, summary in ends
        for method in ("GET", "POST")
    )


ROUTES = _routes()
