"""Which codes a route may answer: its own, and those of the plumbing before it."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.web.routes import Door, Route


def codes_of(route: Route) -> tuple[str, ...]:
    """In order of their names. 500 INTERNAL and what a broken request line is told are nobody's own."""
    return tuple(sorted({*route.errors, *_common_errors(route)}))


def _common_errors(route: Route) -> Iterator[str]:
    """What the plumbing itself may answer on such a route, beside 500 INTERNAL."""
    yield "UNAVAILABLE"
    if route.door in (Door.TENANT, Door.AGENT) and not route.open_:
        yield from ("UNAUTHENTICATED", "RATE_LIMITED", "KEY_IN_QUERY")
        yield "AGENT_DISABLED" if route.door is Door.AGENT else "TENANT_SUSPENDED"
        yield from () if route.door is Door.AGENT else ("FOREIGN_REQUEST", "CSRF_TOKEN_INVALID")
    if route.scope is not None:
        yield from ("MISSING_SCOPE", "PLAN_FEATURE")  # the latter of a plan without api_access
    if "{" in route.path and not any(code.endswith("NOT_FOUND") for code in route.errors):
        yield "NOT_FOUND"
    if "_id}" in route.path:
        yield "INVALID_ID"
    if route.door is not Door.AGENT:
        yield "UNKNOWN_PARAMETER"
    if route.body is not None:
        yield from ("INVALID_JSON", "INVALID_TYPE", "MISSING_FIELD", "BODY_TOO_LARGE", "REQUEST_TIMEOUT")
        yield from ("UNSUPPORTED_MEDIA_TYPE", "UNSUPPORTED_ENCODING")
        yield from () if route.door is Door.AGENT else ("UNKNOWN_FIELD", "INVALID_STRING")
    if route.door is Door.TENANT and route.method == "POST":
        yield from ("INVALID_IDEMPOTENCY_KEY", "IDEMPOTENCY_MISMATCH", "IDEMPOTENCY_IN_PROGRESS")
        yield "IDEMPOTENCY_REPLY_LOST"
