"""How the audit log is asked for, by tenants and by the operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from control_plane.errors import BadRequest
from control_plane.store.audit import AuditEntry, AuditFilter
from control_plane.web.call import Call, Reply
from control_plane.web.paging import CursorQuery, capped, cursor_reply, decode_cursor, encode_cursor
from control_plane.web.query import Instant
from control_plane.web.time_range import bounded

Word = Annotated[str, Meta(min_length=1, max_length=100)]
LIST_CAP = 500


class AuditQuery(CursorQuery, frozen=True):
    """Filters; all that are given must hold. `from` is included, `to` is not."""

    actor_id: UUID | None = None
    actor_kind: Literal["key", "member", "manage_key", "operator", "link", "system"] | None = None
    action: Word | None = None
    operation: Word | None = None
    object_kind: Word | None = None
    object_id: Word | None = None
    from_: Instant | None = msgspec.field(default=None, name="from")
    to: Instant | None = None


def wanted_of(query: AuditQuery) -> AuditFilter:
    """Raises BadRequest BAD_TIME_RANGE where the range ends before it begins."""
    if query.from_ is not None and query.to is not None and query.to <= query.from_:
        raise BadRequest("from must be before to", code="BAD_TIME_RANGE", field="/from")
    return AuditFilter(
        actor_id=query.actor_id,
        actor_kind=query.actor_kind,
        action=query.action,
        operation=query.operation,
        object_kind=query.object_kind,
        object_id=query.object_id,
        since=query.from_ and bounded(query.from_),
        until=query.to and bounded(query.to),
    )


def position(call: Call) -> UUID | None:
    """The entry that the page begins behind."""
    return None if call.query.cursor is None else UUID(decode_cursor(call, call.query.cursor)[0])


def page(call: Call, found: Sequence[AuditEntry]) -> Reply:
    """A page of what was read with one entry more than the limit, which tells whether there is another page."""
    limit = capped(call.query.limit, LIST_CAP)
    more = len(found) > limit
    items = found[:limit]
    return cursor_reply(call, items, next_cursor=encode_cursor(call, str(items[-1].id)) if more else None, cap=LIST_CAP)
