"""/api/v1/silences: rules that mute notices for a while."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.errors import NotFound
from control_plane.services.alerting.keep_silence import change_silence, create_silence, delete_silence
from control_plane.store import silences
from control_plane.store.silences import SilenceRow
from control_plane.tenant_api.routes import MATCH_ERRORS, MatchJson
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route

SilenceState = Literal["pending", "active", "expired"]


class SilenceQuery(PageQuery, frozen=True, kw_only=True):
    """Filters."""

    state: SilenceState | None = None


class SilenceMatch(MatchJson, frozen=True, kw_only=True):
    """The same as of a route, and the channels that are muted; empty is all of them."""

    channel_ids: Sequence[UUID] = ()


class Silence(Struct, frozen=True, kw_only=True):
    """A silence. While it is active, what is owed and matches is cancelled."""

    id: UUID
    name: str
    reason: str
    state: SilenceState
    starts_at: datetime
    ends_at: datetime
    match: SilenceMatch
    created_by: str
    write_source: str
    created_at: datetime
    updated_at: datetime


class SilencePatch(Struct, frozen=True, kw_only=True):
    """A JSON merge patch (RFC 7396) of a silence that is not over. An `ends_at` that is past ends it now."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    reason: Annotated[str, Meta(max_length=1000)] | UnsetType | None = UNSET
    starts_at: datetime | UnsetType | None = UNSET
    ends_at: datetime | UnsetType = UNSET
    match: SilenceMatch | UnsetType | None = UNSET


class NewSilence(SilencePatch, frozen=True, kw_only=True):
    """A silence to create: from now on without `starts_at`, of everything without `match`, for 90 days at most."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    ends_at: datetime


WRITE_ERRORS = (*MATCH_ERRORS, "INVALID_SILENCE", "INVALID_TIME", "INVALID_REASON")
EXAMPLE = {
    "name": "Database upgrade",
    "reason": "Replicas are moved one by one",
    "ends_at": "2030-01-01T00:00:00Z",
    "starts_at": "2029-12-31T00:00:00Z",
    "match": {"tags": ["database"]},
}


def silence_json(row: SilenceRow) -> Silence:
    return Silence(
        id=row.id,
        name=row.name,
        reason=row.reason,
        state=row.state,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        match=SilenceMatch(
            severities=row.severities,  # type: ignore[arg-type]  # what was written was one of these
            tags=row.tags,
            groups=row.groups,
            kinds=row.kinds,
            monitor_ids=row.monitor_ids,
            channel_ids=row.channel_ids,
        ),
        created_by=row.created_by,
        write_source=row.write_source,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def list_silences(call: Call) -> Reply:
    tenant_id, query = call.tenant().tenant_id, call.query
    async with call.deps.database.tenant(tenant_id) as conn:
        rows, total = await silences.silences(
            conn, tenant_id=tenant_id, state=query.state, limit=capped(query.limit), offset=query.offset
        )
    return page_reply(call, [silence_json(row) for row in rows], total=total)


async def get_silence(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        row = await silences.silence(conn, tenant_id=tenant_id, silence_id=call.uuid("silence_id"))
    if row is None:
        raise NotFound("There is no such silence", code="SILENCE_NOT_FOUND")
    return Reply(silence_json(row), etag=row.revision)


async def post_silence(call: Call) -> Reply:
    caller = call.tenant()
    row = await create_silence(
        call.deps.database,
        tenant_id=caller.tenant_id,
        silence_id=call.deps.new_id(),
        terms=caller.terms,
        body=call.body,
        created_by=caller.label,
        write_source=caller.write_source,
    )
    return Reply(silence_json(row), headers={"Location": f"/api/v1/silences/{row.id}"}, etag=row.revision)


async def patch_silence(call: Call) -> Reply:
    caller = call.tenant()
    row = await change_silence(
        call.deps.database,
        tenant_id=caller.tenant_id,
        silence_id=call.uuid("silence_id"),
        body=call.body,
        write_source=caller.write_source,
        check_revision=partial(require_match, call.request),
    )
    return Reply(silence_json(row), etag=row.revision)


async def remove_silence(call: Call) -> Reply:
    await delete_silence(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        silence_id=call.uuid("silence_id"),
        check_revision=partial(require_match, call.request),
    )
    return Reply()


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/silences",
        handler=list_silences,
        operation="list_silences",
        summary="List silences, newest first",
        tag="silences",
        door=Door.TENANT,
        scope="silences:read",
        query=SilenceQuery,
        reply=Page[Silence],
    ),
    Route(
        method="POST",
        path="/api/v1/silences",
        handler=post_silence,
        operation="create_silence",
        summary="Mute notices for a while",
        description="Checks, verdicts and incidents go on; what is owed meanwhile and matches is cancelled.",
        tag="silences",
        door=Door.TENANT,
        scope="silences:write",
        body=dict,
        schema=NewSilence,
        reply=Silence,
        status=201,
        errors=("QUOTA_EXCEEDED", *WRITE_ERRORS),
        example=EXAMPLE,
    ),
    Route(
        method="GET",
        path="/api/v1/silences/{silence_id}",
        handler=get_silence,
        operation="get_silence",
        summary="Read a silence",
        tag="silences",
        door=Door.TENANT,
        scope="silences:read",
        reply=Silence,
        errors=("SILENCE_NOT_FOUND",),
    ),
    Route(
        method="PATCH",
        path="/api/v1/silences/{silence_id}",
        handler=patch_silence,
        operation="change_silence",
        summary="Change a silence by JSON merge patch, until it is over",
        tag="silences",
        door=Door.TENANT,
        scope="silences:write",
        body=dict,
        schema=SilencePatch,
        reply=Silence,
        errors=("SILENCE_NOT_FOUND", "SILENCE_EXPIRED", "PRECONDITION_FAILED", *WRITE_ERRORS),
        example={"reason": "It takes longer"},
    ),
    Route(
        method="DELETE",
        path="/api/v1/silences/{silence_id}",
        handler=remove_silence,
        operation="delete_silence",
        summary="Delete a silence; one that is active ends now",
        tag="silences",
        door=Door.TENANT,
        scope="silences:write",
        status=204,
        errors=("SILENCE_NOT_FOUND", "PRECONDITION_FAILED"),
    ),
)
