"""The way of a request, outermost first. The order is behaviour; each line says why it stands where it does.

1.  trace id         everything after it, refusals included, can be named
2.  metrics, log     counts what the caller was really told, errors included
3.  error border     the only `except Exception` of the web side: whatever goes wrong below is told in one shape
4.  operator's veil  before routing shows: without the secret, no path below /operator differs from an unknown one
5.  routing          unknown paths and methods are refused before any work
6.  authentication   before the query and the body, so that strangers make us parse nothing
7.  rate limits      as soon as we know whose they are: what comes after is what costs
8.  scope            before the body: a key that may not, need not send one
9.  query            cheap, and refuses before we wait for a body
10. body             size, type, encoding, deadline; bytes only
11. idempotency      over the bytes as sent, before they are judged: a refusal is repeated, too
12. decoding         strict, by the route's type
13. handler, encoding

Headers that every response has are added when it is prepared (`finish_headers`), so streams have them, too. Requests
that the parser refuses never get here; web/server.py answers them in the same shape.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import cache

import structlog
from aiohttp import web
from prometheus_client import Counter, Histogram

from control_plane import metrics
from control_plane.errors import FarwatchError, NotFound
from control_plane.web import rate_limits
from control_plane.web.authentication import Authenticator
from control_plane.web.problems import from_http_exception, internal_error, problem_response
from control_plane.web.trace import OPERATION, TRACE_ID, response_traceparent, trace_id_of

OPERATOR_PAGES = "/operator/ui"
"""The pages of the operator: the only paths of that door that a browser's session opens."""

AUTHENTICATOR = web.AppKey("authenticator", Authenticator)

_log = structlog.get_logger("farwatch.http")
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_PAGE_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    # W3C Permissions Policy: what no page of ours asks for, nobody who gets into one may ask for.
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), usb=()",
}

ErrorPage = Callable[[FarwatchError, str], web.Response]
"""The error and the trace id in; what somebody at a browser reads out."""
ERROR_PAGE: web.AppKey[ErrorPage] = web.AppKey("error_page")

Next = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def border(request: web.Request, handler: Next) -> web.StreamResponse:
    """Steps 1 to 4, and the end of every error."""
    started = time.perf_counter()
    trace_id = trace_id_of(request.headers.get("traceparent"))
    request[TRACE_ID] = trace_id
    structlog.contextvars.bind_contextvars(trace_id=trace_id)
    try:
        _veil_operator(request)
        response = await handler(request)
    except web.HTTPException as error:
        response = _told(request, from_http_exception(error))
    except FarwatchError as error:
        response = _told(request, error)
    except ConnectionError:
        raise  # the caller went away; nobody is left to tell
    except Exception:
        _log.exception("request failed", method=request.method, path=_shown_path(request))
        if request.writer.output_size:  # a stream that has begun can only be cut
            raise
        response = _told(request, internal_error())
    _measure(request, response, started)
    return response


async def finish_headers(request: web.Request, response: web.StreamResponse) -> None:
    """on_response_prepare: what every response carries. A handler's own header stays."""
    headers = response.headers
    headers["Server"] = "farwatch"  # aiohttp has told its version, and Python's, by now
    for name, value in _SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    # Fetch, section 3.7: pictures, such as badges, are there to be shown by others; nothing else of ours is.
    shared = response.content_type.startswith("image/")
    headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if shared else "same-origin")
    if response.content_type == "text/html":
        for name, value in _PAGE_HEADERS.items():
            headers.setdefault(name, value)
    trace_id = request.get(TRACE_ID)
    if trace_id is None:
        return
    headers["X-Trace-Id"] = trace_id
    rate_limits.add_headers(request, response)
    if "traceparent" in request.headers:
        headers["traceparent"] = response_traceparent(trace_id)


def _shown_path(request: web.Request) -> str:
    """The route's own path: some URLs are capabilities, which no log may hold."""
    resource = request.match_info.route.resource
    return request.path if resource is None else resource.canonical


def _told(request: web.Request, error: FarwatchError) -> web.Response:
    accept = request.headers.get("Accept", "")
    response = problem_response(error, trace_id=request[TRACE_ID], accept=accept)
    make = request.app.get(ERROR_PAGE)
    if make is not None and _is_at_a_browser(request, accept):
        told = make(error, request[TRACE_ID])
        for name in ("Retry-After", "WWW-Authenticate"):
            if name in response.headers:
                told.headers[name] = response.headers[name]
        response = told
    if error.status == 405 and error.details:
        response.headers["Allow"] = error.details["allow"]
    return response


def _is_at_a_browser(request: web.Request, accept: str) -> bool:
    """Whether a person looks at what only programs ask for otherwise. Below /api there is JSON, whoever asks."""
    return request.method in ("GET", "HEAD") and "text/html" in accept and not request.path.startswith("/api/")


def _veil_operator(request: web.Request) -> None:
    path, authenticator = request.path, request.app[AUTHENTICATOR]
    if path != "/operator" and not path.startswith("/operator/"):
        return
    if path == OPERATOR_PAGES or path.startswith(f"{OPERATOR_PAGES}/"):
        known = authenticator.operator_opens(request, now=datetime.now(UTC))
    else:
        known = authenticator.is_operator(request)
    if not known:
        raise NotFound("There is nothing at this path; GET /openapi.json lists what there is")


@cache
def _requests(operation: str, status_class: int) -> Counter:
    return metrics.REQUESTS.labels(operation, f"{status_class}xx")


@cache
def _request_seconds(operation: str) -> Histogram:
    return metrics.REQUEST_SECONDS.labels(operation)


def _measure(request: web.Request, response: web.StreamResponse, started: float) -> None:
    operation = request.get(OPERATION, "unmatched")
    seconds = time.perf_counter() - started
    _requests(operation, response.status // 100).inc()
    _request_seconds(operation).observe(seconds)
    log = _log.info if response.status >= 500 else _log.debug
    log("request", operation=operation, method=request.method, status=response.status, ms=round(seconds * 1000, 1))
