"""/operator/deliveries: dead letters of all tenants, and sending them again."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from control_plane.errors import BadRequest, NotFound
from control_plane.services.alerting.replay_dead_letters import Replayed, replay_dead_letters
from control_plane.services.alerting.replay_delivery import replay_delivery
from control_plane.store import dead_letters
from control_plane.store.dead_letters import DeadLetter, LetterFilter
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route
from shared.ids import TenantId

MOST = 1000
Kind = Annotated[str, Meta(min_length=1, max_length=40)]


class LettersQuery(PageQuery, frozen=True):
    """All filters that are given must hold. `since` and `until`: when it was given up, as [since, until)."""

    tenant_id: UUID | None = None
    channel_id: UUID | None = None
    channel_kind: Kind | None = None
    since: datetime | None = None
    until: datetime | None = None


class ReplayBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The filters of the list; without any, all dead letters, `limit` at a time, the oldest of a channel first."""

    tenant_id: UUID | None = None
    channel_id: UUID | None = None
    channel_kind: Kind | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 100


async def list_dead(call: Call) -> Reply:
    query: LettersQuery = call.query
    wanted = _wanted(query)
    async with call.deps.database.app() as conn:
        items, total = await dead_letters.list_letters(
            conn, wanted=wanted, limit=capped(query.limit), offset=query.offset
        )
    return page_reply(call, items, total=total)


async def replay(call: Call) -> Reply:
    delivery_id = call.uuid("delivery_id")
    async with call.deps.database.app() as conn:
        found = await dead_letters.find_letter(conn, delivery_id=delivery_id)
    if found is None:
        raise NotFound("There is no such delivery", code="DELIVERY_NOT_FOUND")
    await replay_delivery(call.deps.database, tenant_id=TenantId(found.tenant_id), delivery_id=delivery_id)
    async with call.deps.database.app() as conn:
        return Reply(await dead_letters.find_letter(conn, delivery_id=delivery_id))


async def replay_many(call: Call) -> Reply:
    body: ReplayBody = call.body
    return Reply(await replay_dead_letters(call.deps.database, wanted=_wanted(body), most=body.limit))


def _wanted(given: LettersQuery | ReplayBody) -> LetterFilter:
    if any(instant is not None and instant.tzinfo is None for instant in (given.since, given.until)):
        raise BadRequest("since and until are RFC 3339 with an offset, such as Z", code="BAD_TIME_RANGE")
    return LetterFilter(
        tenant_id=given.tenant_id,
        channel_id=given.channel_id,
        channel_kind=given.channel_kind,
        since=given.since,
        until=given.until,
    )


_route = partial(Route, door=Door.OPERATOR, tag="Deliveries")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/operator/deliveries",
        handler=list_dead,
        operation="list_dead_letters",
        summary="Deliveries of all tenants that were given up, newest first",
        query=LettersQuery,
        reply=Page[DeadLetter],
        errors=("BAD_TIME_RANGE",),
    ),
    _route(
        method="POST",
        path="/operator/deliveries/replay",
        handler=replay_many,
        operation="replay_dead_letters",
        summary="Send many dead letters again, under the same ids",
        body=ReplayBody,
        reply=Replayed,
        errors=("BAD_TIME_RANGE",),
        example={"channel_kind": "webhook", "limit": 100},
    ),
    _route(
        method="POST",
        path="/operator/deliveries/{delivery_id}/replay",
        handler=replay,
        operation="replay_dead_letter",
        summary="Send a dead letter again, under the same id and with the same bytes",
        reply=DeadLetter,
        errors=("DELIVERY_NOT_FOUND", "CHANNEL_GONE", "DELIVERY_NOT_DEAD"),
    ),
)
