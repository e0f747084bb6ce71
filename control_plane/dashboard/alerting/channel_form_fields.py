"""The form of a channel: its fields, from the settings of its transport, and what was typed into them. Pure.

Secrets are never put into a page. What was typed and not saved yet is carried in one sealed field, so that testing and
mending a form need nobody to type a token twice; what is stored stays unless something else is typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from control_plane.dashboard.alerting.channel_fields import KINDS, NOT_ASKED, Said
from control_plane.dashboard.fields import Field, Group, options
from control_plane.domain.alerting.quiet_hours import DAYS, SEVERITIES
from control_plane.domain.channels.channel_rules import MASK

Typed = Mapping[str, str]
"""What stands in the form by the name of the setting."""

_DAYS = dict(zip(DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True))


def settings_of(configuration: type[Any]) -> list[msgspec.structs.FieldInfo]:
    """The settings of a kind that a form asks for, in their order."""
    return [each for each in msgspec.structs.fields(configuration) if each.encode_name not in NOT_ASKED]


def config_fields(
    kind: str, configuration: type[Any], typed: Typed, *, kept: Mapping[str, str], stored: Mapping[str, Any] | None
) -> Group:
    """`kept`: secrets that were typed before; `stored`: the settings of a channel that there is."""
    return Group(
        tuple(
            _field(
                each,
                KINDS[kind].fields[each.encode_name],
                typed,
                is_kept=each.encode_name in kept,
                stored=stored,
            )
            for each in settings_of(configuration)
        )
    )


def _field(
    info: msgspec.structs.FieldInfo,
    said: Said,
    typed: Typed,
    *,
    is_kept: bool,
    stored: Mapping[str, Any] | None,
) -> Field:
    name = info.encode_name
    value = "" if said.secret else typed.get(name, _default(info))
    hint, extra = said.hint, {"autocomplete": "off", "spellcheck": "false"}
    placeholder = said.placeholder
    if said.secret and is_kept:
        placeholder, hint = MASK, f"{hint} Kept as you typed it; type again to replace it.".strip()
    elif said.secret and stored is not None and name in stored:
        placeholder, hint = MASK, f"{hint} Stored; leave it empty to keep it.".strip()
    if placeholder:
        extra["placeholder"] = placeholder
    return Field(
        name=f"c-{name}",
        label=said.label if info.required else f"{said.label} (optional)",
        at=f"/config/{name}",
        type="password" if said.type == "password" else said.type,
        value=value,
        hint=hint,
        required=info.required and not is_kept and stored is None,
        options=options(said.options, {value or next(iter(said.options), "")}),
        extra=extra,
    )


def _default(info: msgspec.structs.FieldInfo) -> str:
    return info.default if isinstance(info.default, str) else ""


def config_of(kind: str, configuration: type[Any], typed: Typed, kept: Mapping[str, str]) -> dict[str, Any]:
    """The whole configuration that a form says: what was left empty is left out."""
    given = {**kept, **{name: value for name, value in typed.items() if value}}
    names = [each.encode_name for each in settings_of(configuration)]
    return {"type": kind} | {name: _value(name, configuration, given[name]) for name in names if name in given}


def patch_of(kind: str, configuration: type[Any], typed: Typed, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that a form says of a stored channel: an empty secret keeps, anything else empty clears."""
    patch: dict[str, Any] = {}
    for each in settings_of(configuration):
        name, value = each.encode_name, typed.get(each.encode_name, "")
        if KINDS[kind].fields[name].type == "area":
            patch[name] = _headers_patch(value, stored.get(name) or {})
        elif value:
            patch[name] = _value(name, configuration, value)
        elif not KINDS[kind].fields[name].secret and name in stored:
            patch[name] = None if not each.required else ""
    return {name: value for name, value in patch.items() if str(stored.get(name)) != value}


def _value(name: str, configuration: type[Any], text: str) -> Any:
    """A text as the setting's type wants it; the rules refuse what is none."""
    info = next(each for each in settings_of(configuration) if each.encode_name == name)
    if info.type == dict[str, str]:
        return _headers(text)
    if info.type == int | None and text.lstrip("-").isdecimal() and len(text) < 20:
        return int(text)
    return text


def _headers(text: str) -> dict[str, str]:
    """Name: value on each line."""
    pairs = (line.partition(":") for line in text.splitlines() if line.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def _headers_patch(text: str, stored: Mapping[str, str]) -> dict[str, str | None]:
    given = _headers(text)
    changed: dict[str, str | None] = {name: value for name, value in given.items() if value != MASK}
    return changed | {name: None for name in stored if name not in given}


def typed_of(config: Mapping[str, Any]) -> dict[str, str]:
    """What a form shows of a stored configuration; masks stand only where a value is not typed again."""
    shown = {}
    for name, value in config.items():
        if isinstance(value, dict):
            shown[name] = "\n".join(f"{key}: {each}" for key, each in value.items())
        elif value != MASK and value is not None:
            shown[name] = str(value)
    return shown


def secrets_of(kind: str, typed: Typed) -> dict[str, str]:
    """The secrets among what was typed, headers included: their values may be tokens."""
    fields = KINDS[kind].fields
    return {name: value for name, value in typed.items() if value and name in fields and fields[name].secret}


def quiet_fields(quiet: Mapping[str, Any]) -> Group:
    """Quiet hours; empty times are none."""
    time = {"autocomplete": "off"}
    return Group(
        (
            Field(
                name="quiet_start",
                label="From",
                at="/quiet_hours/start",
                type="time",
                value=quiet.get("start", ""),
                extra=time,
            ),
            Field(
                name="quiet_end",
                label="Until",
                at="/quiet_hours/end",
                type="time",
                value=quiet.get("end", ""),
                hint="Past midnight where it is the earlier one.",
                extra=time,
            ),
            Field(
                name="quiet_zone",
                label="Time zone",
                at="/quiet_hours/time_zone",
                value=quiet.get("time_zone", ""),
                hint="Such as Europe/Berlin.",
                extra={"list": "zones", "autocomplete": "off", "spellcheck": "false"},
            ),
            Field(
                name="quiet_days",
                label="On days that begin a period",
                at="/quiet_hours/days",
                type="checks",
                options=options(_DAYS, quiet.get("days", ())),
                hint="None is every day.",
            ),
            Field(
                name="quiet_except",
                label="Never wait",
                at="/quiet_hours/except_severities",
                type="checks",
                options=options({each: each.capitalize() for each in SEVERITIES}, quiet.get("except_severities", ())),
            ),
        ),
        title="Quiet hours",
        about="Within them notices wait for their end, and what is resolved by then is not sent at all.",
    )
