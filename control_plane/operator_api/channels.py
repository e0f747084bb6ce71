"""/operator/channels: where the troubles of the installation itself go."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from control_plane.errors import NotFound
from control_plane.notify import transports
from control_plane.services.alerting.ask_address import resend_verification
from control_plane.services.alerting.change_channel import ChannelChange, change_channel
from control_plane.services.alerting.create_operator_channel import create_operator_channel
from control_plane.services.alerting.delete_channel import delete_channel
from control_plane.services.alerting.rotate_secret import RotatedSecret, rotate_secret
from control_plane.services.alerting.test_channel import Tested, test_channel
from control_plane.store import channels
from control_plane.store.tenants import OPERATOR
from control_plane.web.call import Call, Reply
from control_plane.web.channel_view import CONFIG_ERRORS, EXAMPLE, Channel, ChannelPatch, NewChannel, channel_view
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route


async def create(call: Call) -> Reply:
    row, made = await create_operator_channel(
        call.deps.database,
        sealer=call.deps.sealer,
        transports=transports(call.deps.settings),
        channel_id=call.deps.new_id(),
        name=call.body.name,
        config=call.body.config,
        enabled=call.body.enabled,
        templates=call.body.templates,
        quiet_hours=call.body.quiet_hours,
    )
    location = f"/operator/channels/{row.id}"
    return Reply(channel_view(row, made), headers={"Location": location}, etag=row.revision)


async def list_channels(call: Call) -> Reply:
    limit, offset = capped(call.query.limit), call.query.offset
    async with call.deps.database.app() as conn:
        rows = await channels.channels(conn, tenant_id=OPERATOR, limit=limit, offset=offset)
        total = await channels.count_channels(conn, tenant_id=OPERATOR)
    return page_reply(call, [channel_view(row) for row in rows], total=total)


async def get(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        row = await channels.channel(conn, tenant_id=OPERATOR, channel_id=call.uuid("channel_id"))
    if row is None:
        raise NotFound("There is no such channel")
    return Reply(channel_view(row), etag=row.revision)


async def change(call: Call) -> Reply:
    row, made = await change_channel(
        call.deps.database,
        sealer=call.deps.sealer,
        transports=transports(call.deps.settings),
        tenant_id=OPERATOR,
        channel_id=call.uuid("channel_id"),
        change=ChannelChange(
            name=call.body.name,
            config=call.body.config,
            enabled=call.body.enabled,
            templates=call.body.templates,
            quiet_hours=call.body.quiet_hours,
        ),
        write_source="api",
        check_revision=partial(require_match, call.request),
    )
    return Reply(channel_view(row, made), etag=row.revision)


async def delete(call: Call) -> Reply:
    await delete_channel(
        call.deps.database,
        tenant_id=OPERATOR,
        channel_id=call.uuid("channel_id"),
        check_revision=partial(require_match, call.request),
    )
    return Reply()


async def test(call: Call) -> Reply:
    delivery = call.deps.settings.delivery
    tested = await test_channel(
        call.deps.database,
        sealer=call.deps.sealer,
        transports=transports(call.deps.settings),
        tenant_id=OPERATOR,
        channel_id=call.uuid("channel_id"),
        delivery_id=call.deps.new_id(),
        timeout=timedelta(seconds=delivery.timeout_s),
        now=call.deps.now,
    )
    return Reply(tested)


async def rotate(call: Call) -> Reply:
    rotated, revision = await rotate_secret(
        call.deps.database,
        sealer=call.deps.sealer,
        transports=transports(call.deps.settings),
        tenant_id=OPERATOR,
        channel_id=call.uuid("channel_id"),
        now=call.deps.now(),
        write_source="api",
        check_revision=partial(require_match, call.request),
    )
    return Reply(rotated, etag=revision)


async def resend(call: Call) -> Reply:
    row = await resend_verification(
        call.deps.database,
        sealer=call.deps.sealer,
        tenant_id=OPERATOR,
        channel_id=call.uuid("channel_id"),
        available="email" in transports(call.deps.settings),
    )
    return Reply(channel_view(row), etag=row.revision)


_route = partial(Route, door=Door.OPERATOR, tag="Operator's channels")
_CHANNEL = "/operator/channels/{channel_id}"

ROUTES: tuple[Route, ...] = (
    _route(
        method="POST",
        path="/operator/channels",
        handler=create,
        operation="create_operator_channel",
        summary="Create a channel that is told of the fleet's troubles",
        description="A webhook's signing secret is made when absent, and shown in this reply only.",
        body=NewChannel,
        reply=Channel,
        status=201,
        errors=("NAME_INVALID", "CHANNEL_NAME_TAKEN", *CONFIG_ERRORS),
        example={"name": "On call", "config": EXAMPLE},
    ),
    _route(
        method="GET",
        path="/operator/channels",
        handler=list_channels,
        operation="list_operator_channels",
        summary="List the operator's channels, oldest first",
        query=PageQuery,
        reply=Page[Channel],
    ),
    _route(
        method="GET",
        path=_CHANNEL,
        handler=get,
        operation="get_operator_channel",
        summary="Read one of the operator's channels",
        reply=Channel,
    ),
    _route(
        method="PATCH",
        path=_CHANNEL,
        handler=change,
        operation="change_operator_channel",
        summary="Change one of the operator's channels by JSON merge patch",
        body=ChannelPatch,
        reply=Channel,
        errors=("NAME_INVALID", "CHANNEL_NAME_TAKEN", "CHANNEL_UNUSABLE", "PRECONDITION_FAILED", *CONFIG_ERRORS),
        example={"enabled": False},
    ),
    _route(
        method="DELETE",
        path=_CHANNEL,
        handler=delete,
        operation="delete_operator_channel",
        summary="Delete one of the operator's channels",
        status=204,
        errors=("PRECONDITION_FAILED",),
    ),
    _route(
        method="POST",
        path=_CHANNEL + "/test",
        handler=test,
        operation="test_operator_channel",
        summary="Send a test through one of the operator's channels, enabled or not",
        reply=Tested,
        errors=(
            "CHANNEL_TEST_FAILED",
            "CHANNEL_UNVERIFIED",
        ),
    ),
    _route(
        method="POST",
        path=_CHANNEL + "/rotate-secret",
        handler=rotate,
        operation="rotate_operator_channel_secret",
        summary="Give a webhook of the operator's a new signing secret; the one before signs for 24 hours more",
        reply=RotatedSecret,
        errors=("CHANNEL_NOT_SIGNED", "CHANNEL_UNUSABLE", "PRECONDITION_FAILED"),
    ),
    _route(
        method="POST",
        path=_CHANNEL + "/resend-verification",
        handler=resend,
        operation="resend_operator_verification",
        summary="Mail another link to an address of the operator's that is not verified",
        reply=Channel,
        errors=("CHANNEL_NOT_VERIFIABLE", "CHANNEL_VERIFICATION_LIMIT", "CHANNEL_VERIFIED", "CHANNEL_KIND_UNAVAILABLE"),
    ),
)
