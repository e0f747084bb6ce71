"""The one place where an error becomes a response: our envelope, or RFC 9457 for those who ask for it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from aiohttp import web

from control_plane.errors import (
    BadRequest,
    FarwatchError,
    MethodNotAllowed,
    NotFound,
    RequestTimeout,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    UnsupportedMedia,
)

PROBLEM_JSON = "application/problem+json"
_CLOSING = (TooLarge, RequestTimeout)
_WORDS = re.compile(r"[A-Z]+")


def problem_response(error: FarwatchError, *, trace_id: str, accept: str = "") -> web.Response:
    """The response of an error. Connections whose body was not read to its end are closed."""
    as_problem = PROBLEM_JSON in accept
    body = _problem(error, trace_id) if as_problem else envelope(error, trace_id)
    response = web.Response(
        status=error.status,
        body=msgspec.json.encode(body),
        content_type=PROBLEM_JSON if as_problem else "application/json",
        headers={"Cache-Control": "no-store"},
    )
    if isinstance(error, _CLOSING):
        response.force_close()
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="farwatch"'
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = "5"
    return response


def envelope(error: FarwatchError, trace_id: str) -> dict[str, Any]:
    """The body of chapter and verse: every key is always there, so that a typed client needs no options."""
    return {
        "error": {
            "code": error.code,
            "message": error.message,
            "field": error.field,
            "details": error.details,
            "trace_id": trace_id,
        }
    }


def from_http_exception(error: web.HTTPException) -> FarwatchError:
    """aiohttp's own refusals (unknown path, wrong method, body too large …) in our words."""
    match error.status:
        case 404:
            return NotFound("There is nothing at this path; GET /openapi.json lists what there is")
        case 405:
            allowed = ", ".join(sorted(getattr(error, "allowed_methods", ())))
            return MethodNotAllowed(f"This path takes {allowed}", details={"allow": allowed})
        case 413:
            return TooLarge("The body is over this route's limit")
        case 415:
            return UnsupportedMedia("Send application/json")
        case status if status >= 500:
            return Unavailable("This cannot be answered now. Try again shortly")
        case _:
            return BadRequest(error.reason or "The request cannot be understood")


def internal_error() -> FarwatchError:
    """What a stranger is told of our own fault: nothing but the trace id."""
    return FarwatchError("This is our fault, not yours. Quote the trace id when you report it")


def _problem(error: FarwatchError, trace_id: str) -> dict[str, Any]:
    slug = "-".join(word.lower() for word in _WORDS.findall(error.code))
    return {
        "type": f"urn:farwatch:error:{slug}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": error.status,
        "detail": error.message,
        **envelope(error, trace_id)["error"],
    }
