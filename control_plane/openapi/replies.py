"""What an operation answers: success with its headers and example, and refusals by status."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from control_plane.error_codes import error_codes
from control_plane.openapi.codes import codes_of
from control_plane.openapi.examples import examples
from control_plane.web.problems import PROBLEM_JSON
from control_plane.web.routes import Door, Route

REF = "#/components/schemas/{name}"
PREFERENCES = {
    "wait": "wait=N (N <= 10) waits up to N seconds for the first result",
    "respond-async": "respond-async answers 202 with a job",
}
_TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
_RATE_LIMITED = ("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_HEADERS = {
    "ETag": (
        "Of this answer, for If-None-Match; of an object with a revision also for If-Match",
        '"12-9f2c51e07a3b44d0"',
    ),
    "Link": (
        "The pages beside this one, rel next and prev (RFC 8288)",
        '</api/v1/monitors?limit=50&offset=50>; rel="next"',
    ),
    "Location": ("The path of what was made", "/api/v1/monitors/01990000-0000-7000-8000-000000000001"),
    "RateLimit": ("What is left of each budget, and the seconds until it is full again", '"reads";r=599;t=60'),
    "RateLimit-Policy": ("The budgets that this request counted in", '"reads";q=600;w=60'),
    "X-RateLimit-Limit": ("Of the scarcest budget", "600"),
    "X-RateLimit-Remaining": ("Of the scarcest budget", "599"),
    "X-RateLimit-Reset": ("When the scarcest budget is full again, in Unix seconds", "1780000000"),
    "Retry-After": ("Seconds to wait before trying again", "5"),
    "WWW-Authenticate": ("How to authenticate", 'Bearer realm="farwatch"'),
    "Preference-Applied": ("Which of the preferences was honoured", "respond-async"),
    "X-Trace-Id": ("Names this request in our logs", _TRACE_ID),
}
_OF_STATUS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}
_SAYS = {
    400: ("INVALID_INTERVAL", "the interval must be a whole number of seconds", "/interval"),
    401: ("UNAUTHENTICATED", "This key is not valid here: it was mistyped, revoked, or belongs to another door", None),
    403: ("MISSING_SCOPE", "This key lacks the scope monitors:write: make one that has it", None),
    404: ("MONITOR_NOT_FOUND", "There is no such monitor", None),
    405: ("METHOD_NOT_ALLOWED", "This path takes GET, HEAD", None),
    408: ("REQUEST_TIMEOUT", "The body did not arrive within 20 s", None),
    409: ("KEY_TAKEN", "A monitor with that key exists already.", "/key"),
    412: ("PRECONDITION_FAILED", "It was changed since you read it: read it again and redo your change", None),
    413: ("BODY_TOO_LARGE", "The body is over this route's limit of 65536 bytes", None),
    415: ("UNSUPPORTED_MEDIA_TYPE", "Content-Type is text/plain; send application/json", None),
    422: ("MIN_CHECK_INTERVAL", "the interval must be at least 60 seconds here", "/interval"),
    429: ("RATE_LIMITED", "Too many reads: 600 a minute are allowed. Try again in 2 s", None),
    431: ("HEADERS_TOO_LARGE", "The request line or a header is over 8190 bytes", None),
    500: ("INTERNAL", "This is our fault, not yours. Quote the trace id when you report it", None),
    503: ("UNAVAILABLE", "This cannot be answered now. Try again shortly", None),
}


class ErrorBody(Struct, frozen=True):
    """`code` is stable, `field` a JSON Pointer into the request, `details` context for programs."""

    code: str
    message: str
    field: str | None
    details: dict[str, Any] | None
    trace_id: str


class ErrorEnvelope(Struct, frozen=True):
    """Every refusal has this shape."""

    error: ErrorBody


def is_tagged(route: Route) -> bool:
    """Whether its answers are JSON with an entity tag (web/dispatch.py)."""
    return route.method == "GET" and route.reply is not None and route.door in (Door.TENANT, Door.OPERATOR)


def responses_of(route: Route, schemas: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    """By status: success, what a preference makes of it, the refusals that its codes say, and the rest."""
    statuses = (route.status,) if route.or_status is None else (route.status, route.or_status)
    told = {str(status): _success(route, schemas) for status in statuses}
    if is_tagged(route):
        told["304"] = {"description": "The same as you have, by If-None-Match"}
    if "respond-async" in route.prefer:
        told["202"] = _ordered()
        if route.status == 201:
            told["200"] = told["201"] | {"description": "Nothing could be created; each item says why"}
    by_status: dict[int, list[str]] = {}
    for code in codes_of(route):
        entry = error_codes().get(code)
        for status in entry.statuses if entry else ():  # tests/contract/test_error_codes.py misses no entry
            by_status.setdefault(status, []).append(code)
    for status, codes in sorted(by_status.items()):
        told[str(status)] = {"$ref": _response(status), "description": " · ".join(codes)}
    return told | {"default": {"$ref": "#/components/responses/Refusal"}}


def _success(route: Route, schemas: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": route.summary}
    if names := sorted(_headers_of(route)):
        success["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    if (route.reply is not None or route.also) and route.status != 204:
        texts: dict[str, Any] = {
            kind: {"schema": schemas[route.reply] if kind == "application/yaml" else {"type": "string"}}
            for kind in route.also
        }
        success["content"] = _json(route, schemas) | texts
    return success


def _json(route: Route, schemas: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    if route.reply is None:
        return {}
    content: dict[str, Any] = {"schema": schemas[route.reply]}
    recorded = examples().get(route.operation)
    if recorded is not None and recorded.reply is not msgspec.UNSET:
        content["example"] = recorded.reply
    return {"application/json": content}


def _headers_of(route: Route) -> set[str]:
    names = {"X-Trace-Id"}
    names |= {"ETag"} if is_tagged(route) else set()
    names |= {"Location"} if route.status == 201 else set()
    names |= {"Link"} if getattr(route.reply, "__name__", "") == "Page" else set()
    names |= {"Preference-Applied"} if route.prefer else set()
    names |= set(_RATE_LIMITED) if route.door is Door.TENANT and not route.open_ else set()
    return names


def _ordered() -> dict[str, Any]:
    names = ("Location", "Preference-Applied", "X-Trace-Id")
    return {
        "description": "A job was made; its path is in Location",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": {"application/json": {"schema": {"$ref": REF.format(name="JobJson")}}},
    }


def components_of_replies() -> dict[str, Any]:
    """Headers, and one response for each status that something is refused with."""
    statuses = sorted({status for each in error_codes().values() for status in each.statuses})
    headers = {
        name: {"description": text, "schema": {"type": "string"}, "example": example}
        for name, (text, example) in sorted(_HEADERS.items())
    }
    responses = {_name(status): _refusal(status) for status in statuses}
    responses["Refusal"] = _refusal(500) | {"description": "A refusal; `code` says which"}
    return {"headers": headers, "responses": responses}


def _refusal(status: int) -> dict[str, Any]:
    code, message, field = _SAYS[status]
    error = {"code": code, "message": message, "field": field, "details": None, "trace_id": _TRACE_ID}
    problem = {
        "type": f"urn:farwatch:error:{error_codes()[code].anchor}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": message,
        **error,
    }
    envelope = {"schema": {"$ref": REF.format(name="ErrorEnvelope")}, "example": {"error": error}}
    return {
        "description": HTTPStatus(status).phrase,
        "headers": {
            name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Trace-Id", *_OF_STATUS.get(status, ()))
        },
        "content": {
            "application/json": envelope,
            PROBLEM_JSON: {"schema": {"type": "object"}, "example": problem},
        },
    }


def _response(status: int) -> str:
    return f"#/components/responses/{_name(status)}"


def _name(status: int) -> str:
    return "".join(word.capitalize() for word in HTTPStatus(status).name.split("_"))
