"""/app/channels/new and …/edit: choose a kind, give its settings, test them, save them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web
from msgspec import UNSET

from control_plane.dashboard.alerting.channel_fields import KINDS, LINKED
from control_plane.dashboard.alerting.channel_form_fields import (
    config_fields,
    config_of,
    patch_of,
    quiet_fields,
    secrets_of,
    settings_of,
    typed_of,
)
from control_plane.dashboard.fields import Field, Group, told, zones
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.dashboard.words import milliseconds
from control_plane.errors import FarwatchError, NotFound
from control_plane.notify import TRANSPORTS, transports
from control_plane.sealing import UnsealError
from control_plane.services.alerting import test_channel
from control_plane.services.alerting.ask_chat import TITLES, connects_of
from control_plane.services.alerting.change_channel import ChannelChange, change_channel
from control_plane.services.alerting.create_channel import create_channel
from control_plane.services.alerting.test_channel import Tested
from control_plane.store import channels
from control_plane.store.channels import ChannelRow
from control_plane.web import rate_limits
from control_plane.web.routes import Route

NEW = "/app/channels/new"
ONE = "/app/channels/{channel_id}"


async def choose(visit: Visit) -> web.StreamResponse:
    """The kinds that this installation offers, those that take one tap first."""
    offered = transports(visit.deps.settings)
    apps = connects_of(visit.deps.settings)
    linked = [(kind.removesuffix("_app"), LINKED[kind]) for kind in ("telegram_app", "whatsapp_app") if kind in offered]
    context = {
        "linked": linked,
        "apps": [(kind, TITLES[kind]) for kind in apps],
        "pushes": "web_push" in offered and visit.may("push-subscriptions:write"),
        "kinds": [(kind, words) for kind, words in KINDS.items() if kind in offered],
        "missing": [words.title for kind, words in {**KINDS, **LINKED}.items() if kind not in offered],
    }
    return show(visit, "choose_channel.html", context)


async def show_new(visit: Visit) -> web.StreamResponse:
    return _new(visit, _offered(visit))


async def take_new(visit: Visit) -> web.StreamResponse:
    """Test what was typed, or save it. A secret that we made is on the page that answers, and on no other."""
    kind = _offered(visit)
    try:
        if visit.text("do") == "test":
            return _new(visit, kind, tested=await _test(visit, kind))
        row, made = await _create(visit, kind)
    except FarwatchError as error:
        if error.status not in (400, 403, 409, 422):
            raise
        return _new(visit, kind, error=error)
    here = f"/app/channels/{row.id}"
    if "secret" not in made:
        return see_other(f"{here}?said=created")
    context = {"name": row.name, "secret": made["secret"], "here": here, "former_until": None}
    return show(visit, "channel_secret.html", context)


async def _create(visit: Visit, kind: str) -> tuple[ChannelRow, dict[str, Any]]:
    deps = visit.deps
    return await create_channel(
        deps.database,
        sealer=deps.sealer,
        transports=transports(deps.settings),
        tenant_id=visit.tenant_id,
        channel_id=deps.new_id(),
        terms=visit.caller.terms,
        name=visit.text("name"),
        config=_config(visit, kind),
        enabled=True,
        quiet_hours=_quiet(visit),
        write_source=visit.caller.write_source,
    )


async def _test(visit: Visit, kind: str) -> Tested:
    deps = visit.deps
    rate_limits.count(visit.call.request, deps.limits, visit.caller, "test_now")
    return await test_channel.test_config(
        _config(visit, kind),
        transports=transports(deps.settings),
        tenant_id=visit.tenant_id,
        delivery_id=deps.new_id(),
        now=deps.now(),
        database=deps.database,
    )


def _new(
    visit: Visit, kind: str, *, error: FarwatchError | None = None, tested: Tested | None = None
) -> web.StreamResponse:
    posted = visit.call.request.method == "POST"
    typed, kept = _typed(visit, kind), _kept(visit, kind)
    name = Field(
        name="name",
        label="Name",
        at="/name",
        value=visit.text("name") if posted else KINDS[kind].title,
        required=True,
        hint="What people here call it.",
        extra={"maxlength": "100", "autocomplete": "off"},
    )
    secrets = {**kept, **secrets_of(kind, typed)}
    given = config_fields(kind, TRANSPORTS[kind].configuration, typed, kept=secrets, stored=None)
    groups, problem = told([Group((name,)), given, quiet_fields(_quiet_typed(visit))], error)
    context = {
        "kind": kind,
        "words": KINDS[kind],
        "groups": groups,
        "problem": problem,
        "said": _arrived(tested),
        "kept": _sealed(visit, kind, secrets) if secrets else "",
        "testable": kind != "email",
        "zones": zones(),
    }
    return show(visit, "channel_form.html", context, status=200 if error is None else error.status)


def _arrived(tested: Tested | None) -> str:
    if tested is None:
        return ""
    status = f" The receiver answered HTTP {tested.http_status}." if tested.http_status else ""
    return f"The test arrived after {milliseconds(float(tested.duration_ms))}.{status} Nothing is saved yet."


async def show_edit(visit: Visit) -> web.StreamResponse:
    return _edit(visit, await _stored(visit))


async def take_edit(visit: Visit) -> web.StreamResponse:
    """What changed; secrets that were left empty stay as they are."""
    row, deps = await _stored(visit), visit.deps
    change = ChannelChange(name=visit.text("name"), quiet_hours=_quiet(visit))
    if row.kind in KINDS:
        configuration = TRANSPORTS[row.kind].configuration
        patch = patch_of(row.kind, configuration, _typed(visit, row.kind), row.config)
        change = msgspec.structs.replace(change, config=patch or UNSET)
    try:
        await change_channel(
            deps.database,
            sealer=deps.sealer,
            transports=transports(deps.settings),
            tenant_id=visit.tenant_id,
            channel_id=row.id,
            change=change,
            write_source=visit.caller.write_source,
            check_revision=lambda _revision: None,
        )
    except FarwatchError as error:
        if error.status not in (400, 403, 409, 422):
            raise
        return _edit(visit, row, error=error)
    return see_other(f"/app/channels/{row.id}?said=changed")


def _edit(visit: Visit, row: ChannelRow, *, error: FarwatchError | None = None) -> web.StreamResponse:
    posted = error is not None
    name = Field(
        name="name",
        label="Name",
        at="/name",
        value=visit.text("name") if posted else row.name,
        required=True,
        extra={"maxlength": "100", "autocomplete": "off"},
    )
    groups = [Group((name,))]
    if row.kind in KINDS:
        typed = _typed(visit, row.kind) if posted else typed_of(row.config)
        configuration = TRANSPORTS[row.kind].configuration
        groups.append(config_fields(row.kind, configuration, typed, kept={}, stored=row.config))
    quiet = _quiet_typed(visit) if posted else row.quiet_hours or {}
    shown, problem = told([*groups, quiet_fields(quiet)], error)
    context = {
        "here": f"/app/channels/{row.id}",
        "channel": row.name,
        "groups": shown,
        "problem": problem,
        "linked": row.kind not in KINDS,
        "zones": zones(),
    }
    return show(visit, "edit_channel.html", context, status=200 if error is None else error.status)


async def _stored(visit: Visit) -> ChannelRow:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        row = await channels.channel(conn, tenant_id=visit.tenant_id, channel_id=visit.id("channel_id"))
    if row is None:
        raise NotFound("There is no such channel")
    return row


def _offered(visit: Visit) -> str:
    kind = visit.call.path["kind"]
    if kind not in KINDS or kind not in transports(visit.deps.settings):
        raise NotFound("This installation offers no such kind of channel")
    return kind


def _typed(visit: Visit, kind: str) -> dict[str, str]:
    """The settings as they stand in the form: line breaks as one character, without NUL."""
    names = [each.encode_name for each in settings_of(TRANSPORTS[kind].configuration)]
    given = {name: visit.text(f"c-{name}") for name in names if f"c-{name}" in visit.form}
    return {name: value.replace("\r\n", "\n").replace("\x00", "") for name, value in given.items()}


def _config(visit: Visit, kind: str) -> dict[str, Any]:
    return config_of(kind, TRANSPORTS[kind].configuration, _typed(visit, kind), _kept(visit, kind))


def _quiet(visit: Visit) -> dict[str, Any] | None:
    """Quiet hours as a body says them; None where no time is given."""
    typed = _quiet_typed(visit)
    return typed if typed["start"] or typed["end"] else None


def _quiet_typed(visit: Visit) -> dict[str, Any]:
    return {
        "start": visit.text("quiet_start"),
        "end": visit.text("quiet_end"),
        "time_zone": visit.text("quiet_zone"),
        "days": list(visit.form.get("quiet_days", ())),
        "except_severities": list(visit.form.get("quiet_except", ())),
    }


def _context(visit: Visit, kind: str) -> str:
    """What carried secrets are bound to: they open in no other session, and for no other kind."""
    return f"channel-form:{visit.tenant_id}:{visit.session.digest.hex()}:{kind}"


def _sealed(visit: Visit, kind: str, secrets: Mapping[str, str]) -> str:
    sealed = visit.deps.sealer.seal(msgspec.json.encode(secrets), context=_context(visit, kind))
    return base64.urlsafe_b64encode(sealed).decode()


def _kept(visit: Visit, kind: str) -> dict[str, str]:
    """What the sealed field of the form carries; nothing where it does not open."""
    try:
        sealed = base64.urlsafe_b64decode(visit.text("kept").encode("ascii", "replace"))
        opened = visit.deps.sealer.open(sealed, context=_context(visit, kind))
        return msgspec.json.decode(opened, type=dict[str, str])
    except (binascii.Error, UnsealError, msgspec.MsgspecError):
        return {}


_SCOPE = "channels:write"

ROUTES: tuple[Route, ...] = (
    page(NEW, choose, operation="choose_channel", summary="The kinds of channels", scope=_SCOPE),
    page(NEW + "/{kind}", show_new, operation="show_channel_form", summary="The form of a kind", scope=_SCOPE),
    form(NEW + "/{kind}", take_new, operation="add_channel", summary="Test or add a channel", scope=_SCOPE),
    page(f"{ONE}/edit", show_edit, operation="show_channel_edit", summary="Settings of a channel", scope=_SCOPE),
    form(f"{ONE}/edit", take_edit, operation="edit_channel", summary="Change a channel", scope=_SCOPE),
)
