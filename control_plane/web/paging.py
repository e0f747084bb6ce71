"""Lists: the envelope, `Link` headers, and cursors that mean nothing to anybody else."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct

from control_plane.errors import BadRequest
from control_plane.web.call import Call, Reply
from control_plane.web.caller import TenantCaller

T = TypeVar("T")

DEFAULT_LIMIT = 50
LIMIT_CAP = 200

Limit = Annotated[int, Meta(ge=1, description=f"Items in a page; capped silently at the route's maximum ({LIMIT_CAP})")]
Offset = Annotated[int, Meta(ge=0, le=2**31 - 1, description="Items to skip")]


class PageQuery(Struct, frozen=True):
    """Query of a list by position. Add filters by subclassing."""

    limit: Limit = DEFAULT_LIMIT
    offset: Offset = 0


class CursorQuery(Struct, frozen=True):
    """Query of a list by cursor. Add filters by subclassing."""

    limit: Limit = DEFAULT_LIMIT
    cursor: str | None = None


class LogQuery(PageQuery, frozen=True):
    """Query of a log, newest first: by position, or by `cursor`, empty for the first page. Add filters by subclassing.

    What comes in meanwhile moves positions; a cursor neither skips nor repeats a row.
    """

    cursor: Annotated[str, Meta(max_length=1000)] | None = None


class Page(Struct, Generic[T], frozen=True):
    """A page. `total` is null when paging by cursor, and then `offset` is 0."""

    items: Sequence[T]
    total: int | None
    limit: int
    offset: int


def capped(limit: int, cap: int = LIMIT_CAP) -> int:
    """The limit that is used: what was asked for, at most `cap`."""
    return min(limit, cap)


def page_reply(call: Call, items: Sequence[Any], *, total: int, cap: int = LIMIT_CAP) -> Reply:
    """A page by position with `Link` rel next and prev (RFC 8288). The call's query is a PageQuery."""
    limit, offset = capped(call.query.limit, cap), call.query.offset
    page = Page(items=items, total=total, limit=limit, offset=offset)
    return Reply(page, headers=page_links(call, count=len(items), total=total, cap=cap))


def page_links(call: Call, *, count: int, total: int, cap: int = LIMIT_CAP) -> dict[str, str]:
    """The headers of a page by position that holds `count` items."""
    limit, offset = capped(call.query.limit, cap), call.query.offset
    links = []
    if offset + count < total and count:
        links.append(_link(call, rel="next", limit=limit, offset=offset + limit))
    if offset > 0:
        links.append(_link(call, rel="prev", limit=limit, offset=max(0, offset - limit)))
    return {"Link": ", ".join(links)} if links else {}


def cursor_reply(call: Call, items: Sequence[Any], *, next_cursor: str | None, cap: int = LIMIT_CAP) -> Reply:
    """A page by cursor; `next_cursor` comes from `encode_cursor`, None on the last page."""
    limit = capped(call.query.limit, cap)
    page = Page(items=items, total=None, limit=limit, offset=0)
    headers = {"Link": _link(call, rel="next", limit=limit, cursor=next_cursor)} if next_cursor else {}
    return Reply(page, headers=headers)


def encode_cursor(call: Call, *position: int | str) -> str:
    """An opaque cursor for this caller on this path."""
    payload = msgspec.json.encode(position)
    return base64.urlsafe_b64encode(_tag(call, payload) + payload).rstrip(b"=").decode()


def decode_cursor(call: Call, cursor: str) -> list[Any]:
    """The position in a cursor of the same caller and path. Raises BadRequest INVALID_CURSOR."""
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        sealed = b""
    tag, payload = sealed[:_TAG_BYTES], sealed[_TAG_BYTES:]
    if not payload or not hmac.compare_digest(tag, _tag(call, payload)):
        raise BadRequest(
            "cursor is not one that this list gave out; start again without it", code="INVALID_CURSOR", field="/cursor"
        )
    decoded: list[Any] = msgspec.json.decode(payload)
    return decoded


def log_position(call: Call, *kinds: type) -> tuple[Any, ...] | None:
    """Where a log goes on by its cursor, of values of these types; None at its start.

    Raises BadRequest INVALID_CURSOR.
    """
    if not call.query.cursor:
        return None
    position = decode_cursor(call, call.query.cursor)
    if tuple(map(type, position)) != kinds:
        raise BadRequest("cursor is not one that this list gave out", code="INVALID_CURSOR", field="/cursor")
    return tuple(position)


_TAG_BYTES = 12


def _tag(call: Call, payload: bytes) -> bytes:
    owner = call.caller.tenant_id.hex if isinstance(call.caller, TenantCaller) else ""
    secret = hashlib.sha256(call.deps.settings.security.pepper.encode()).digest()
    message = f"{owner}\n{call.request.path}\n".encode() + payload
    return hmac.digest(secret, message, "sha256")[:_TAG_BYTES]


def _link(call: Call, *, rel: str, **query: Any) -> str:
    return f'<{call.request.rel_url.update_query(query)}>; rel="{rel}"'
