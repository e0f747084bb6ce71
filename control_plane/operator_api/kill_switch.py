"""/operator/kill-switch and /operator/settings: what the operator turns while Farwatch runs."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.domain.safety.safety_gate import KillSwitch
from control_plane.domain.safety.safety_settings import (
    Front,
    FrontPage,
    HostsPerPort,
    PortsPerHost,
    Proof,
    SafetySettings,
    SiteName,
    settings_of,
)
from control_plane.errors import BadRequest
from control_plane.services.safety.read_gate import switch_of
from control_plane.services.safety.switch_dispatch import switch_dispatch
from control_plane.store import safety
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.routes import Door, Route


class SwitchBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`reason` is told to every agent and to whoever asks for a check; it is required to switch on."""

    on: bool
    reason: Annotated[str, Meta(max_length=500)] = ""


class InstallationPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What is not named stays; null is the default."""

    require_domain_verification: Proof | UnsetType | None = UNSET
    scan_ports_per_host: PortsPerHost | UnsetType | None = UNSET
    scan_hosts_per_port: HostsPerPort | UnsetType | None = UNSET
    front: Front | UnsetType | None = UNSET
    front_page: FrontPage | UnsetType | None = UNSET
    site_name: SiteName | UnsetType | None = UNSET


async def get_switch(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        return Reply(switch_of(await safety.read_kill_switch(conn)))


async def put_switch(call: Call) -> Reply:
    body: SwitchBody = call.body
    reason = body.reason.strip()
    if body.on and not reason:
        message = "reason is required: agents, and whoever asks for a check, are told it"
        raise BadRequest(message, code="MISSING_FIELD", field="/reason")
    return Reply(await switch_dispatch(call.deps.database, on=body.on, reason=reason))


async def get_settings(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        # The revision first: a change between the two makes the tag too old, never too new.
        revision = await safety.settings_revision(conn)
        return Reply(settings_of(await safety.read_settings(conn)), etag=revision)


async def change_settings(call: Call) -> Reply:
    default = SafetySettings()
    async with call.deps.database.app_transaction() as conn:
        await safety.hold_settings(conn)
        require_match(call.request, await safety.settings_revision(conn))
        for name in InstallationPatch.__struct_fields__:
            value = getattr(call.body, name)
            if value is not UNSET:
                await safety.put_setting(conn, name, getattr(default, name) if value is None else value)
        revision = await safety.settings_revision(conn)
        return Reply(settings_of(await safety.read_settings(conn)), etag=revision)


_route = partial(Route, door=Door.OPERATOR, tag="Safety")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/operator/kill-switch",
        handler=get_switch,
        operation="get_kill_switch",
        summary="Whether checks are dispatched",
        reply=KillSwitch,
    ),
    _route(
        method="PUT",
        path="/operator/kill-switch",
        handler=put_switch,
        operation="set_kill_switch",
        summary="Stop all checks, or let them go on",
        description="While it is on, agents have nothing to run, tests are 503, and verdicts become unknown.",
        body=SwitchBody,
        reply=KillSwitch,
        errors=("MISSING_FIELD",),
        example={"on": True, "reason": "A target's operator called"},
    ),
    _route(
        method="GET",
        path="/operator/settings",
        handler=get_settings,
        operation="get_settings",
        summary="What the operator has set",
        reply=SafetySettings,
    ),
    _route(
        method="PATCH",
        path="/operator/settings",
        handler=change_settings,
        operation="change_settings",
        summary="Change settings; they hold from the next request on",
        body=InstallationPatch,
        reply=SafetySettings,
        errors=("PRECONDITION_FAILED",),
        example={"require_domain_verification": True},
    ),
)
