"""Routes as data: what the dispatcher obeys and the OpenAPI document is made from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aiohttp import web

from control_plane.domain.tenants.plan import Category
from control_plane.web.call import Call, Reply

BODY_LIMIT = 64 * 1024
"""Bytes of a request body where a route says nothing else."""


class Door(StrEnum):
    """Who is let in, and with which credential."""

    TENANT = "tenant"
    """/api/v1: an API key, or the dashboard's session."""
    OPERATOR = "operator"
    """/operator: the operator's secret; anything else is answered 404."""
    AGENT = "agent"
    """/api/agent/v1: a probe key. Unknown fields are ignored and compressed bodies accepted."""
    PUBLIC = "public"
    """No credential is looked at; the handler may keep its own session."""


Handler = Callable[[Call], Awaitable[Reply | web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one path.

    `body` is a msgspec Struct, decoded strictly; `dict` hands over the decoded JSON object as it is (then `schema` is
    what the OpenAPI document shows), `bytes` the body itself, decompressed. `scope` is None on open routes and other
    doors. `open_` on the tenant door needs no key. `errors` are the codes beyond those that every route has. `cache`
    replaces the Cache-Control that follows from method and door.
    """

    method: str
    path: str
    handler: Handler
    operation: str
    summary: str
    tag: str
    door: Door
    scope: str | None = None
    body: type | None = None
    schema: Any = None
    query: type | None = None
    reply: Any = None
    also: tuple[str, ...] = ()
    """Other media types than JSON that it may answer in, as text."""
    status: int = 200
    or_status: int | None = None
    """Another status of success with the same reply, such as 200 where nothing new was made."""
    errors: tuple[str, ...] = ()
    example: Any = None
    max_body: int = BODY_LIMIT
    cache: str | None = None
    description: str | None = None
    open_: bool = False
    anonymous: bool = False
    """Where the installation allows it, whoever sends no credential at all is let in (web/nobody.py)."""
    any_key: bool = False
    """A valid key of whatever scopes is enough (GET /me)."""
    own: bool = False
    """Without the scope the handler decides: it lets those in whose own object it is."""
    in_openapi: bool = True
    ungzip_limit: int = 64 * 1024 * 1024
    """Bytes of a decompressed body, on the agent door."""
    optional_body: bool = False
    """An absent body is an empty object."""
    head: bool = True
    """GET answers HEAD as well. Not where it streams, or where asking does something: then HEAD is 405."""
    cut_body: bool = False
    """A body of any type is taken: its first `max_body` bytes, and the rest is not waited for (web/body.py)."""
    media: tuple[str, ...] = ()
    """Media types of the body, in place of JSON. With a `body` of bytes the handler looks at the Content-Type."""
    category: Category | None = None
    """Whose rate limit a request counts in, on the tenant's door; by default what method and status say."""
    prefer: tuple[str, ...] = ()
    """Preferences (RFC 7240) that the handler honours: wait, respond-async."""
    form: bool = False
    """The body is an HTML form (application/x-www-form-urlencoded), handed over as bytes."""
    files: bool = False
    """The form may carry files: multipart/form-data is taken as well (web/multipart.py)."""

    @property
    def rate_category(self) -> Category:
        """The budget that a request of this route counts in."""
        if self.category is not None:
            return self.category
        if self.method in ("GET", "HEAD"):
            return "reads"
        return "creates" if self.method == "POST" and self.status == 201 else "writes"
