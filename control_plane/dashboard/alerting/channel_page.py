"""/app/channels: where notices go, how each channel fares, and what was sent to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

from aiohttp import web

from control_plane.dashboard.alerting.channel_form import ONE
from control_plane.dashboard.alerting.channel_views import channel_line, setting_facts
from control_plane.dashboard.alerting.delivery_views import delivery_rows, tried
from control_plane.dashboard.alerting.link_views import link_rows
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.dashboard.words import milliseconds, sentence
from control_plane.domain.channels.connect_form import FORMS, LINKED, connectable_kinds
from control_plane.errors import BadRequest, Conflict, FarwatchError, NotFound, Refused
from control_plane.notify import installation_bot, transports
from control_plane.services.alerting import test_channel
from control_plane.services.alerting.ask_address import resend_verification
from control_plane.services.alerting.change_channel import ChannelChange, change_channel
from control_plane.services.alerting.delete_channel import delete_channel
from control_plane.services.alerting.part_from_chat import part_from_chat
from control_plane.services.alerting.rotate_secret import rotate_secret
from control_plane.store import channel_links, channels, deliveries, monitor_names
from control_plane.store.channels import ChannelRow
from control_plane.store.deliveries import DeliveryFilter
from control_plane.store.pool import Connection
from control_plane.web import rate_limits
from control_plane.web.routes import Route

HERE = "/app/channels"
_MOST = 200
_LOG = 25
_SAID = {
    "created": "The channel was added. Send a test, then bind it to monitors or lead a route to it.",
    "changed": "The channel was changed.",
    "tested": "The test arrived.",
    "asked": "Another link was mailed.",
    "deleted": "The channel was deleted.",
    "replayed": "It is on its way again.",
    "revoked": "The link counts no more.",
}


async def show_channels(visit: Visit) -> web.StreamResponse:
    return await list_page(visit)


async def list_page(visit: Visit, *, problem: str = "", status: int = 200) -> web.StreamResponse:
    """The list, with the links that somebody else may connect a channel by."""
    now, tenant_id = visit.deps.now(), visit.tenant_id
    async with visit.deps.database.tenant(tenant_id) as conn:
        rows = await channels.channels(conn, tenant_id=tenant_id, limit=_MOST, offset=0)
        total = await channels.count_channels(conn, tenant_id=tenant_id)
        links = await channel_links.list_all(conn, tenant_id=tenant_id, purpose="delegate", limit=20, offset=0)
    kinds = connectable_kinds(transports(visit.deps.settings))
    titles = {**{kind: each.title for kind, each in FORMS.items()}, **LINKED}
    context = {
        "channels": [channel_line(row, now=now) for row in rows],
        "total": total,
        "links": link_rows(links, now=now),
        "kinds": [("", "Whatever they have"), *((kind, titles[kind]) for kind in sorted(kinds))],
        "may_write": visit.may("channels:write"),
        "said": _SAID.get(visit.query("said"), ""),
        "problem": problem,
        "name": visit.text("name"),
        "kind": visit.text("kind"),
    }
    return show(visit, "channels.html", context, status=status)


async def show_channel(visit: Visit) -> web.StreamResponse:
    return await _one(visit)


async def _one(visit: Visit, *, problem: str = "", said: str = "", status: int = 200) -> web.StreamResponse:
    now, tenant_id, channel_id = visit.deps.now(), visit.tenant_id, visit.id("channel_id")
    async with visit.deps.database.tenant(tenant_id) as conn:
        row = await channels.channel(conn, tenant_id=tenant_id, channel_id=channel_id)
        if row is None:
            raise NotFound("There is no such channel")
        log = await _log(conn, visit, row) if visit.may("deliveries:read") else []
    context = {
        "channel": channel_line(row, now=now),
        "facts": setting_facts(row),
        "templates": sorted(row.templates or ()),
        "log": log,
        "may_write": visit.may("channels:write"),
        "may_read_log": visit.may("deliveries:read"),
        "may_replay": visit.may("deliveries:write"),
        "said": said or _SAID.get(visit.query("said"), ""),
        "problem": problem,
    }
    return show(visit, "channel.html", context, status=status)


async def _log(conn: Connection, visit: Visit, channel: ChannelRow) -> list[dict[str, Any]]:
    """The newest deliveries with their attempts."""
    now, where = visit.deps.now(), DeliveryFilter(channel_id=channel.id)
    found = await deliveries.deliveries(conn, tenant_id=visit.tenant_id, where=where, limit=_LOG)
    attempts = [
        await deliveries.attempts(conn, tenant_id=visit.tenant_id, delivery_id=each.id) if each.attempts else []
        for each in found
    ]
    about = {each.monitor_id for each in found if each.monitor_id is not None and visit.may("monitors:read")}
    known = await monitor_names.find(conn, tenant_id=visit.tenant_id, named=(), numbers=(), ids=list(about))
    names = {each.id: each.name for each in known}
    return [
        {"delivery": delivery, "tried": tried(each, now=now), "about": row.monitor_id and names.get(row.monitor_id)}
        for row, delivery, each in zip(found, delivery_rows(found, now=now), attempts, strict=True)
    ]


async def test(visit: Visit) -> web.StreamResponse:
    rate_limits.count(visit.call.request, visit.deps.limits, visit.caller, "test_now")
    deps = visit.deps
    try:
        tested = await test_channel.test_channel(
            deps.database,
            sealer=deps.sealer,
            transports=transports(deps.settings),
            tenant_id=visit.tenant_id,
            channel_id=visit.id("channel_id"),
            delivery_id=deps.new_id(),
            timeout=timedelta(seconds=deps.settings.delivery.timeout_s),
            now=deps.now,
        )
    except (BadRequest, Conflict, Refused) as error:
        return await _again(visit, error)
    return await _one(visit, said=f"The test arrived after {milliseconds(float(tested.duration_ms))}.")


async def _set(visit: Visit, *, enabled: bool) -> web.StreamResponse:
    async def work() -> None:
        await change_channel(
            visit.deps.database,
            sealer=visit.deps.sealer,
            transports=transports(visit.deps.settings),
            tenant_id=visit.tenant_id,
            channel_id=visit.id("channel_id"),
            change=ChannelChange(enabled=enabled),
            write_source=visit.caller.write_source,
            check_revision=lambda _revision: None,
        )

    return await _done(visit, work, said="changed")


async def delete(visit: Visit) -> web.StreamResponse:
    """Ask first; then it goes, with its bindings."""
    if visit.text("sure") != "yes":
        async with visit.deps.database.tenant(visit.tenant_id) as conn:
            row = await channels.channel(conn, tenant_id=visit.tenant_id, channel_id=visit.id("channel_id"))
        if row is None:
            raise NotFound("There is no such channel")
        return show(visit, "delete_channel.html", {"name": row.name, "here": f"{HERE}/{row.id}"})
    deleted = await delete_channel(
        visit.deps.database,
        tenant_id=visit.tenant_id,
        channel_id=visit.id("channel_id"),
        check_revision=lambda _revision: None,
    )
    await part_from_chat(visit.deps.database, installation_bot(visit.deps.settings), deleted)
    return see_other(f"{HERE}?said=deleted")


async def resend(visit: Visit) -> web.StreamResponse:
    async def work() -> None:
        await resend_verification(
            visit.deps.database,
            sealer=visit.deps.sealer,
            tenant_id=visit.tenant_id,
            channel_id=visit.id("channel_id"),
            available="email" in transports(visit.deps.settings),
        )

    return await _done(visit, work, said="asked")


async def rotate(visit: Visit) -> web.StreamResponse:
    """The secret is on the page that answers, and on no other."""
    deps, here = visit.deps, f"{HERE}/{visit.id('channel_id')}"
    try:
        rotated, _ = await rotate_secret(
            deps.database,
            sealer=deps.sealer,
            transports=transports(deps.settings),
            tenant_id=visit.tenant_id,
            channel_id=visit.id("channel_id"),
            now=deps.now(),
            write_source=visit.caller.write_source,
            check_revision=lambda _revision: None,
        )
    except (Conflict, Refused) as error:
        return await _again(visit, error)
    former = rotated.former_until
    context = {
        "name": "this channel",
        "secret": rotated.secret,
        "here": here,
        "former_until": None if former is None else f"{former:%-d %B %Y, %H:%M} UTC",
    }
    return show(visit, "channel_secret.html", context)


async def _done(visit: Visit, work: Callable[[], Awaitable[None]], *, said: str) -> web.StreamResponse:
    try:
        await work()
    except (BadRequest, Conflict, Refused) as error:
        return await _again(visit, error)
    return see_other(f"{HERE}/{visit.id('channel_id')}?said={said}")


async def _again(visit: Visit, error: FarwatchError) -> web.StreamResponse:
    return await _one(visit, problem=sentence(error.message), status=error.status)


_writes = partial(form, scope="channels:write")

ROUTES: tuple[Route, ...] = (
    page(HERE, show_channels, operation="show_channels", summary="Where notices go", scope="channels:read"),
    page(ONE, show_channel, operation="show_channel", summary="One channel", scope="channels:read"),
    _writes(f"{ONE}/test", test, operation="ask_channel_test", summary="Send a test"),
    _writes(f"{ONE}/enable", partial(_set, enabled=True), operation="enable_channel", summary="Send to it again"),
    _writes(f"{ONE}/disable", partial(_set, enabled=False), operation="disable_channel", summary="Send nothing to it"),
    _writes(f"{ONE}/delete", delete, operation="ask_channel_delete", summary="Delete the channel"),
    _writes(f"{ONE}/resend", resend, operation="ask_channel_resend", summary="Mail another link"),
    _writes(f"{ONE}/rotate", rotate, operation="ask_channel_rotate", summary="A new signing secret"),
)
