"""/api/v1/channels: where a tenant's notices go."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from msgspec import Struct

from control_plane.errors import NotFound
from control_plane.notify import installation_bot, transports
from control_plane.services.alerting import test_channel
from control_plane.services.alerting.ask_address import resend_verification
from control_plane.services.alerting.change_channel import ChannelChange, change_channel
from control_plane.services.alerting.create_channel import create_channel
from control_plane.services.alerting.delete_channel import delete_channel
from control_plane.services.alerting.part_from_chat import part_from_chat
from control_plane.services.alerting.rotate_secret import RotatedSecret, rotate_secret
from control_plane.services.alerting.test_channel import Tested
from control_plane.store import channels
from control_plane.web.call import Call, Reply
from control_plane.web.channel_view import (
    CONFIG_ERRORS,
    DENIED,
    EXAMPLE,
    Channel,
    ChannelPatch,
    NewChannel,
    channel_view,
)
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route


class TestRequest(Struct, frozen=True, kw_only=True):
    """A configuration that is not saved."""

    config: dict[str, Any]


async def list_channels(call: Call) -> Reply:
    tenant_id, query = call.tenant().tenant_id, call.query
    async with call.deps.database.tenant(tenant_id) as conn:
        rows = await channels.channels(conn, tenant_id=tenant_id, limit=capped(query.limit), offset=query.offset)
        total = await channels.count_channels(conn, tenant_id=tenant_id)
    return page_reply(call, [channel_view(row) for row in rows], total=total)


async def get_channel(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        row = await channels.channel(conn, tenant_id=tenant_id, channel_id=call.uuid("channel_id"))
    if row is None:
        raise NotFound("There is no such channel")
    return Reply(channel_view(row), etag=row.revision)


async def post_channel(call: Call) -> Reply:
    caller, body = call.tenant(), call.body
    row, made = await create_channel(
        call.deps.database,
        sealer=call.deps.sealer,
        transports=transports(call.deps.settings),
        tenant_id=caller.tenant_id,
        channel_id=call.deps.new_id(),
        terms=caller.terms,
        name=body.name,
        config=body.config,
        enabled=body.enabled,
        quiet_hours=body.quiet_hours,
        write_source=caller.write_source,
        templates=body.templates,
    )
    return Reply(channel_view(row, made), headers={"Location": f"/api/v1/channels/{row.id}"}, etag=row.revision)


async def patch_channel(call: Call) -> Reply:
    caller, body = call.tenant(), call.body
    row, made = await change_channel(
        call.deps.database,
        sealer=call.deps.sealer,
        transports=transports(call.deps.settings),
        tenant_id=caller.tenant_id,
        channel_id=call.uuid("channel_id"),
        change=ChannelChange(
            name=body.name,
            config=body.config,
            enabled=body.enabled,
            templates=body.templates,
            quiet_hours=body.quiet_hours,
        ),
        write_source=caller.write_source,
        check_revision=partial(require_match, call.request),
    )
    return Reply(channel_view(row, made), etag=row.revision)


async def remove_channel(call: Call) -> Reply:
    deleted = await delete_channel(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        channel_id=call.uuid("channel_id"),
        check_revision=partial(require_match, call.request),
    )
    await part_from_chat(call.deps.database, installation_bot(call.deps.settings), deleted)
    return Reply()


async def test_unsaved(call: Call) -> Reply:
    tested = await test_channel.test_config(
        call.body.config,
        transports=transports(call.deps.settings),
        tenant_id=call.tenant().tenant_id,
        delivery_id=call.deps.new_id(),
        now=call.deps.now(),
        database=call.deps.database,
    )
    return Reply(tested)


async def test_saved(call: Call) -> Reply:
    delivery = call.deps.settings.delivery
    tested = await test_channel.test_channel(
        call.deps.database,
        sealer=call.deps.sealer,
        transports=transports(call.deps.settings),
        tenant_id=call.tenant().tenant_id,
        channel_id=call.uuid("channel_id"),
        delivery_id=call.deps.new_id(),
        timeout=timedelta(seconds=delivery.timeout_s),
        now=call.deps.now,
    )
    return Reply(tested)


async def resend(call: Call) -> Reply:
    row = await resend_verification(
        call.deps.database,
        sealer=call.deps.sealer,
        tenant_id=call.tenant().tenant_id,
        channel_id=call.uuid("channel_id"),
        available="email" in transports(call.deps.settings),
    )
    return Reply(channel_view(row), etag=row.revision)


async def rotate(call: Call) -> Reply:
    caller = call.tenant()
    rotated, revision = await rotate_secret(
        call.deps.database,
        sealer=call.deps.sealer,
        transports=transports(call.deps.settings),
        tenant_id=caller.tenant_id,
        channel_id=call.uuid("channel_id"),
        now=call.deps.now(),
        write_source=caller.write_source,
        check_revision=partial(require_match, call.request),
    )
    return Reply(rotated, etag=revision)


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
        errors=("NAME_INVALID", "CHANNEL_NAME_TAKEN", "QUOTA_EXCEEDED", "PLAN_FEATURE", *CONFIG_ERRORS),
        example={"name": "Operations", "config": EXAMPLE},
    ),
    Route(
        method="POST",
        path="/api/v1/channels/test",
        handler=test_unsaved,
        operation="test_channel_config",
        category="test_now",
        summary="Send a test through a configuration that is not saved",
        tag="channels",
        door=Door.TENANT,
        scope="channels:write",
        body=TestRequest,
        reply=Tested,
        errors=("CHANNEL_TEST_FAILED", "CHANNEL_UNVERIFIED", *CONFIG_ERRORS),
        example={"config": EXAMPLE},
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
        errors=(
            "NAME_INVALID",
            "CHANNEL_NAME_TAKEN",
            "CHANNEL_UNUSABLE",
            "PRECONDITION_FAILED",
            "CREDENTIAL_RESUPPLY_REQUIRED",
            *CONFIG_ERRORS,
        ),
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
        category="test_now",
        summary="Send a test through a saved channel, enabled or not",
        tag="channels",
        door=Door.TENANT,
        scope="channels:write",
        reply=Tested,
        errors=("CHANNEL_TEST_FAILED", "CHANNEL_UNVERIFIED", *DENIED),
    ),
    Route(
        method="POST",
        path="/api/v1/channels/{channel_id}/resend-verification",
        handler=resend,
        operation="resend_verification",
        summary="Mail another link to an address that is not verified",
        description="At most 3 a day for a channel and 20 for a tenant, the one that creating it sends included.",
        tag="channels",
        door=Door.TENANT,
        scope="channels:write",
        reply=Channel,
        errors=("CHANNEL_NOT_VERIFIABLE", "CHANNEL_VERIFICATION_LIMIT", "CHANNEL_VERIFIED", "CHANNEL_KIND_UNAVAILABLE"),
    ),
    Route(
        method="POST",
        path="/api/v1/channels/{channel_id}/rotate-secret",
        handler=rotate,
        operation="rotate_channel_secret",
        summary="Give a webhook a new signing secret; the one before signs for 24 hours more",
        description="The secret is in this reply only. A secret that leaked is replaced at once by a change, not here.",
        tag="channels",
        door=Door.TENANT,
        scope="channels:write",
        reply=RotatedSecret,
        errors=("CHANNEL_NOT_SIGNED", "CHANNEL_UNUSABLE", "PRECONDITION_FAILED"),
    ),
)
