"""/monitors/bulk and /monitors/bulk-action: thousands of monitors in one call, each with its own result."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from control_plane.domain.field_rules import tags as read_tags
from control_plane.errors import BadRequest
from control_plane.services.jobs.run_job import ActRequest, CreateRequest
from control_plane.services.monitors.bulk_monitors import (
    MAX_ITEMS,
    Action,
    Means,
    Outcome,
    act_in_bulk,
    create_in_bulk,
    refuse_number,
)
from control_plane.store import monitor_lists
from control_plane.store.monitor_lists import MonitorFilter
from control_plane.tenant_api.jobs import ASYNC_ERRORS, ordered, wants_async
from control_plane.tenant_api.monitor_views import MonitorBody
from control_plane.web.body import SERVER_OWNED, convert_object, decode_object
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route

MAX_BODY = 32 * 1024 * 1024
BULK_ERRORS = ("BULK_EMPTY", "BULK_TOO_LARGE", "BULK_REFUSED", *ASYNC_ERRORS)
Word = Annotated[str, Meta(min_length=1, max_length=200)]


class BulkBody(Struct, frozen=True):
    """Up to 10,000 monitors. `atomic`: create all of them or none."""

    monitors: list[Any]
    atomic: bool = False


class BulkSchema(Struct, frozen=True):
    """Up to 10,000 monitors. `atomic`: create all of them or none."""

    monitors: list[MonitorBody]
    atomic: bool = False


class BulkFilter(Struct, frozen=True, forbid_unknown_fields=True):
    """The filters of GET /monitors; all that are given must hold, and {} is every monitor."""

    q: Word | None = None
    tag: Annotated[tuple[Word, ...], Meta(max_length=20)] = ()
    enabled: bool | None = None
    kind: Word | None = None
    verdict: Literal["up", "degraded", "down", "unknown"] | None = None
    group: Word | None = None
    state: Literal["up", "degraded", "down", "unknown", "maintenance", "paused"] | None = None
    region: Word | None = None
    key: Word | None = None
    owner: Word | None = None
    number: Annotated[int, Meta(ge=1, le=2**53 - 1)] | None = None
    incident: Literal["open", "none"] | None = None


class BulkAction(Struct, frozen=True, forbid_unknown_fields=True):
    """`tags` go with tag_add and tag_remove, `patch` (a merge patch of a monitor) with update."""

    type: Literal["enable", "disable", "delete", "tag_add", "tag_remove", "update"]
    tags: list[Any] | None = None
    patch: dict[str, Any] | None = None


class BulkActionBody(Struct, frozen=True):
    """What to do to which monitors: `ids`, or `filter`. `dry_run` tells what would happen; nothing is done."""

    action: BulkAction
    ids: list[UUID] | None = None
    filter: BulkFilter | None = None
    atomic: bool = False
    dry_run: bool = False


class ItemError(Struct, frozen=True):
    code: str
    message: str
    field: str | None
    details: Mapping[str, Any] | None


class ItemJson(Struct, frozen=True, kw_only=True):
    """`index` counts the items of the call from 0. `changed` false: it was so already."""

    index: int
    id: UUID | None
    number: int | None
    name: str | None
    changed: bool
    error: ItemError | None


class BulkJson(Struct, frozen=True):
    """How many items succeeded and failed, and each of them in the order of the call."""

    succeeded: int
    failed: int
    items: Sequence[ItemJson]
    dry_run: bool = False


async def create(call: Call) -> Reply:
    document = await asyncio.to_thread(decode_object, call.body)
    document.pop(SERVER_OWNED, None)
    asked: BulkBody = convert_object(document, BulkBody)
    return await create_all(call, asked.monitors, atomic=asked.atomic)


async def create_all(call: Call, bodies: list[Any], *, atomic: bool) -> Reply:
    """Create a monitor of each body, now or as a job: 201; 200 where none could be created."""
    refuse_number(len(bodies))
    for body in bodies:
        if isinstance(body, dict):
            body.pop(SERVER_OWNED, None)
    if wants_async(call):
        asked = CreateRequest(bodies=bodies, atomic=atomic, write_source=call.tenant().write_source)
        request = await asyncio.to_thread(msgspec.json.encode, asked)
        return await ordered(call, kind="create_monitors", request=request, total=len(bodies))
    outcomes = await create_in_bulk(
        call.deps.database, call.deps.sealer, means=_means(call), bodies=bodies, atomic=atomic
    )
    told = _told(outcomes)
    return Reply(told, status=201 if told.succeeded else 200)


async def act(call: Call) -> Reply:
    document = await asyncio.to_thread(decode_object, call.body)
    document.pop(SERVER_OWNED, None)
    asked: BulkActionBody = convert_object(document, BulkActionBody)
    action = _action(asked.action)
    monitor_ids = await _wanted(call, asked)
    refuse_number(len(monitor_ids))
    if wants_async(call) and not asked.dry_run:
        work = ActRequest(
            monitor_ids=monitor_ids, action=action, atomic=asked.atomic, write_source=call.tenant().write_source
        )
        return await ordered(call, kind="act_on_monitors", request=msgspec.json.encode(work), total=len(monitor_ids))
    outcomes = await act_in_bulk(
        call.deps.database,
        call.deps.sealer,
        means=_means(call),
        monitor_ids=monitor_ids,
        action=action,
        atomic=asked.atomic,
        dry_run=asked.dry_run,
    )
    return Reply(_told(outcomes, dry_run=asked.dry_run))


def _action(given: BulkAction) -> Action:
    """Raises BadRequest for a word that lacks what it needs, or has what it does not."""
    needs_tags, needs_patch = given.type.startswith("tag_"), given.type == "update"
    _require(given.tags, "tags", needed=needs_tags, of=given.type)
    _require(given.patch, "patch", needed=needs_patch, of=given.type)
    patch = {name: value for name, value in (given.patch or {}).items() if name != SERVER_OWNED}
    tags = read_tags(given.tags, "/action/tags") if given.tags is not None else ()
    return Action(name=given.type, tags=tuple(tags), patch=patch)


def _require(value: object, name: str, *, needed: bool, of: str) -> None:
    if needed and not value:
        raise BadRequest(f"{of} needs {name}", code="MISSING_FIELD", field=f"/action/{name}")
    if value is not None and not needed:
        raise BadRequest(f"{name} does not go with {of}: leave it out", code="UNKNOWN_FIELD", field=f"/action/{name}")


async def _wanted(call: Call, asked: BulkActionBody) -> list[UUID]:
    """The monitors' ids, each once. Raises BadRequest unless either ids or a filter is given."""
    if (asked.ids is None) == (asked.filter is None):
        raise BadRequest("Give either ids or filter", code="MISSING_FIELD", field="/ids")
    if asked.ids is not None:
        return list(dict.fromkeys(asked.ids))
    assert asked.filter is not None
    chosen = msgspec.structs.asdict(asked.filter)
    incident = chosen.pop("incident")
    wanted = MonitorFilter(tags=chosen.pop("tag"), incident=None if incident is None else incident == "open", **chosen)
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        return await monitor_lists.find_ids(conn, tenant_id=tenant_id, wanted=wanted, limit=MAX_ITEMS + 1)


def _means(call: Call) -> Means:
    caller = call.tenant()
    return Means(
        tenant_id=caller.tenant_id,
        new_id=call.deps.new_id,
        write_source=caller.write_source,
        ports=call.deps.settings.security.tcp_ports,
    )


def _told(outcomes: Sequence[Outcome], *, dry_run: bool = False) -> BulkJson:
    items = [_item(outcome) for outcome in outcomes]
    failed = sum(item.error is not None for item in items)
    return BulkJson(len(items) - failed, failed, items, dry_run)


def _item(outcome: Outcome) -> ItemJson:
    error = outcome.error
    return ItemJson(
        index=outcome.index,
        id=outcome.id,
        number=outcome.number,
        name=outcome.name,
        changed=outcome.changed and error is None,
        error=None if error is None else ItemError(error.code, error.message, error.field, error.details),
    )


_route = partial(
    Route,
    method="POST",
    door=Door.TENANT,
    tag="monitors",
    scope="monitors:write",
    body=bytes,
    media=("application/json",),
    reply=BulkJson,
    max_body=MAX_BODY,
    category="bulk",
)

ROUTES: tuple[Route, ...] = (
    _route(
        path="/api/v1/monitors/bulk",
        handler=create,
        operation="create_monitors",
        summary="Create up to 10,000 monitors",
        description="201, or 200 where no monitor could be created. `Prefer: respond-async` answers 202 with a job.",
        prefer=("respond-async",),
        schema=BulkSchema,
        status=201,
        or_status=200,
        errors=BULK_ERRORS,
        example={"monitors": [{"name": "API", "check": "https://example.com/health"}]},
    ),
    _route(
        path="/api/v1/monitors/bulk-action",
        handler=act,
        operation="act_on_monitors",
        summary="Enable, disable, tag, change or delete up to 10,000 monitors",
        description="`Prefer: respond-async` answers 202 with a job.",
        prefer=("respond-async",),
        schema=BulkActionBody,
        errors=(*BULK_ERRORS, "INVALID_TAGS"),
        example={"filter": {"tag": ["staging"]}, "action": {"type": "disable"}, "dry_run": True},
    ),
)
