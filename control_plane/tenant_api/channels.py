"""/api/v1/channels: where a tenant's notices go."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from control_plane.domain.delivery import UNWELL_AFTER
from control_plane.errors import NotFound
from control_plane.notify import transports
from control_plane.services import test_channel
from control_plane.services.change_channel import ChannelChange, change_channel
from control_plane.services.create_channel import create_channel
from control_plane.services.delete_channel import delete_channel
from control_plane.services.test_channel import Tested
from control_plane.store import channels
from control_plane.store.channels import ChannelRow
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route


class Health(Struct, frozen=True, kw_only=True):
    """How the latest deliveries went. `state` is unknown before the first."""

    state: Literal["ok", "not_delivering", "unknown"]
    consecutive_failures: int
    last_delivered_at: datetime | None
    last_error: str | None


class Channel(Struct, frozen=True, kw_only=True):
    """A channel. Secrets read as `***`, save for one that we made, in the reply that made it."""

    id: UUID
    number: int
    name: str
    kind: str
    config: dict[str, Any]
    enabled: bool
    disabled_reason: str | None
    health: Health
    write_source: str
    created_at: datetime
    updated_at: datetime


class NewChannel(Struct, frozen=True, kw_only=True):
    """`config` is tagged by its `type`."""

    name: str
    config: dict[str, Any]
    enabled: bool = True


class ChannelPatch(Struct, frozen=True, kw_only=True):
    """Absent keeps; `config` merges, and null for a secret makes a new one."""

    name: str | UnsetType = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class TestRequest(Struct, frozen=True, kw_only=True):
    """A configuration that is not saved."""

    config: dict[str, Any]


async def list_channels(call: Call) -> Reply:
    tenant_id, query = call.tenant().tenant_id, call.query
    async with call.deps.database.tenant(tenant_id) as conn:
        rows = await channels.channels(conn, tenant_id=tenant_id, limit=capped(query.limit), offset=query.offset)
        total = await channels.count_channels(conn, tenant_id=tenant_id)
    return page_reply(call, [_shown(row) for row in rows], total=total)


async def get_channel(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        row = await channels.channel(conn, tenant_id=tenant_id, channel_id=call.uuid("channel_id"))
    if row is None:
        raise NotFound("There is no such channel")
    return Reply(_shown(row), etag=row.revision)


async def post_channel(call: Call) -> Reply:
    caller, body = call.tenant(), call.body
    row, made = await create_channel(
        call.deps.database,
        sealer=call.deps.sealer,
        transports=transports(call.deps.settings.delivery),
        tenant_id=caller.tenant_id,
        channel_id=call.deps.new_id(),
        plan=caller.plan,
        name=body.name,
        config=body.config,
        enabled=body.enabled,
        write_source=caller.write_source,
    )
    return Reply(_shown(row, made), headers={"Location": f"/api/v1/channels/{row.id}"}, etag=row.revision)


async def patch_channel(call: Call) -> Reply:
    caller, body = call.tenant(), call.body
    row, made = await change_channel(
        call.deps.database,
        sealer=call.deps.sealer,
        transports=transports(call.deps.settings.delivery),
        tenant_id=caller.tenant_id,
        channel_id=call.uuid("channel_id"),
        change=ChannelChange(name=body.name, config=body.config, enabled=body.enabled),
        write_source=caller.write_source,
        check_revision=partial(require_match, call.request),
    )
    return Reply(_shown(row, made), etag=row.revision)


async def remove_channel(call: Call) -> Reply:
    await delete_channel(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        channel_id=call.uuid("channel_id"),
        check_revision=partial(require_match, call.request),
    )
    return Reply()


async def test_unsaved(call: Call) -> Reply:
    tested = await test_channel.test_config(
        call.body.config,
        transports=transports(call.deps.settings.delivery),
        tenant_id=call.tenant().tenant_id,
        delivery_id=call.deps.new_id(),
        now=call.deps.now(),
    )
    return Reply(tested)


async def test_saved(call: Call) -> Reply:
    delivery = call.deps.settings.delivery
    tested = await test_channel.test_channel(
        call.deps.database,
        sealer=call.deps.sealer,
        transports=transports(delivery),
        tenant_id=call.tenant().tenant_id,
        channel_id=call.uuid("channel_id"),
        delivery_id=call.deps.new_id(),
        timeout=timedelta(seconds=delivery.timeout_s),
        now=call.deps.now,
    )
    return Reply(tested)


def _shown(row: ChannelRow, made: dict[str, Any] | None = None) -> Channel:
    return Channel(
        id=row.id,
        number=row.number,
        name=row.name,
        kind=row.kind,
        config=row.config | (made or {}),
        enabled=row.enabled,
        disabled_reason=row.disabled_reason,
        health=_health(row),
        write_source=row.write_source,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _health(row: ChannelRow) -> Health:
    state: Literal["ok", "not_delivering", "unknown"] = "ok"
    if row.consecutive_failures >= UNWELL_AFTER:
        state = "not_delivering"
    elif row.last_delivered_at is None:
        state = "unknown"
    return Health(
        state=state,
        consecutive_failures=row.consecutive_failures,
        last_delivered_at=row.last_delivered_at,
        last_error=row.last_error,
    )


_CONFIG_ERRORS = (
    "INVALID_CHANNEL_CONFIG",
    "INVALID_HEADER",
    "REDACTION_SENTINEL",
    "SSRF_BLOCKED",
    "PORT_BLOCKED",
    "CHANNEL_KIND_MANAGED",
)
_WEBHOOK = {"type": "webhook", "url": "https://ops.example.com/farwatch", "headers": {"X-Team": "ops"}}

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/channels",
        handler=list_channels,
        operation="list_channels",
        summary="List channels, oldest first",
        tag="channels",
        door=Door.TENANT,
        scope="channels:read",
        query=PageQuery,
        reply=Page[Channel],
    ),
    Route(
        method="POST",
        path="/api/v1/channels",
        handler=post_channel,
        operation="create_channel",
        summary="Create a channel",
        description="A webhook's signing secret is made when absent, and shown in this reply only.",
        tag="channels",
        door=Door.TENANT,
        scope="channels:write",
        body=NewChannel,
        reply=Channel,
        status=201,
        errors=("NAME_INVALID", "CHANNEL_NAME_TAKEN", "QUOTA_EXCEEDED", *_CONFIG_ERRORS),
        example={"name": "Operations", "config": _WEBHOOK},
    ),
    Route(
        method="POST",
        path="/api/v1/channels/test",
        handler=test_unsaved,
        operation="test_channel_config",
        summary="Send a test through a configuration that is not saved",
        tag="channels",
        door=Door.TENANT,
        scope="channels:write",
        body=TestRequest,
        reply=Tested,
        errors=("CHANNEL_TEST_FAILED", *_CONFIG_ERRORS),
        example={"config": _WEBHOOK},
    ),
    Route(
        method="GET",
        path="/api/v1/channels/{channel_id}",
        handler=get_channel,
        operation="get_channel",
        summary="Read a channel",
        tag="channels",
        door=Door.TENANT,
        scope="channels:read",
        reply=Channel,
    ),
    Route(
        method="PATCH",
        path="/api/v1/channels/{channel_id}",
        handler=patch_channel,
        operation="change_channel",
        summary="Change a channel by JSON merge patch",
        tag="channels",
        door=Door.TENANT,
        scope="channels:write",
        body=ChannelPatch,
        reply=Channel,
        errors=("NAME_INVALID", "CHANNEL_NAME_TAKEN", "CHANNEL_UNUSABLE", "PRECONDITION_FAILED", *_CONFIG_ERRORS),
        example={"enabled": False},
    ),
    Route(
        method="DELETE",
        path="/api/v1/channels/{channel_id}",
        handler=remove_channel,
        operation="delete_channel",
        summary="Delete a channel and its bindings",
        tag="channels",
        door=Door.TENANT,
        scope="channels:write",
        status=204,
        errors=("PRECONDITION_FAILED",),
    ),
    Route(
        method="POST",
        path="/api/v1/channels/{channel_id}/test",
        handler=test_saved,
        operation="test_channel",
        summary="Send a test through a saved channel, enabled or not",
        tag="channels",
        door=Door.TENANT,
        scope="channels:write",
        reply=Tested,
        errors=("CHANNEL_TEST_FAILED",),
    ),
)
