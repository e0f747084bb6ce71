"""Plan the channels of a configuration file: pure, once everything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from control_plane.domain import field_rules
from control_plane.domain.alerting.quiet_hours import read_stored
from control_plane.domain.channels import channel_rules
from control_plane.domain.configuration.config_channels import config_patch, gives_secrets, short_channel, whole_channel
from control_plane.domain.configuration.config_diff import (
    Change,
    FieldChange,
    PlanWarning,
    field_changes,
    secret_changes,
)
from control_plane.domain.configuration.config_file import Entry, Refusals
from control_plane.domain.configuration.config_secrets import missing_secrets
from control_plane.domain.configuration.config_yaml import pointer_step
from control_plane.errors import BadRequest, Conflict, FarwatchError
from control_plane.services.alerting import channel_config
from control_plane.services.alerting.channel_config import Prepared, UnusableChannelError
from control_plane.services.configuration.plan_steps import ChannelStep, Means, missing
from control_plane.store.channels import ChannelRow

_ABSENT = object()


def plan_channels(
    rows: Sequence[ChannelRow], entries: Sequence[Entry], *, ids: Mapping[str, UUID], means: Means, refusals: Refusals
) -> tuple[list[ChannelStep], list[PlanWarning]]:
    """A step for each entry; `ids` of channels by name, of new ones, too. Refusals are noted at the entry's place."""
    by_name = {row.name: row for row in rows}
    steps, warnings = [], []
    for entry in entries:
        row = by_name.get(entry.key)
        try:
            given = _config(entry)
            listed: list[str] = entry.value.get("secrets") or []
            there = _pointers(given) + (
                [] if row is None else whole_channel(name="", shown=row.config, enabled=True)[1]
            )
            gone = missing_secrets(listed, there)
            steps.append(_step(entry, row, given, is_whole=not gone, channel_id=ids[entry.key], means=means))
        except FarwatchError as error:
            refusals.add(error, entry.pointer)
            continue
        warnings += missing(gone, kind="channel", entry=entry, is_new=row is None)
    return steps, warnings


def _config(entry: Entry) -> dict[str, Any]:
    given = entry.value.get("config")
    if not isinstance(given, dict):
        raise BadRequest("config is a mapping that begins with type", code="INVALID_CHANNEL_CONFIG", field="/config")
    channel_rules.refuse_mask(given, pointer="/config")
    return given


def _step(
    entry: Entry, row: ChannelRow | None, given: dict[str, Any], *, is_whole: bool, channel_id: UUID, means: Means
) -> ChannelStep:
    enabled = field_rules.boolean(entry.value.get("enabled", True), "/enabled")
    quiet = read_stored(entry.value.get("quiet_hours"))
    if row is None:
        return _created(entry, given, enabled=enabled, is_whole=is_whole, channel_id=channel_id, means=means)
    before, _ = whole_channel(name=row.name, shown=row.config, enabled=row.enabled, quiet_hours=row.quiet_hours)
    said = {name: value for name, value in entry.value.items() if name != "secrets"}
    if said == short_channel(before) and not gives_secrets(given, shown=row.config):
        return ChannelStep(change=_change(entry, row, "unchanged", (), row.id), row=row, enabled=enabled)
    stored = _opened(row, means)
    prepared = _patched(row, stored, given, means)
    after, _ = whole_channel(name=row.name, shown=prepared.shown, enabled=enabled, quiet_hours=quiet)
    fields = field_changes(before, after)
    if means.compare_secrets:
        old = means.transports[row.kind].parts(stored).secrets
        fields += secret_changes(_other_secrets(old, prepared.secrets))
    action = "update" if fields else "unchanged"
    change = _change(entry, row, action, fields, row.id)
    return ChannelStep(change=change, row=row, prepared=prepared, enabled=enabled, quiet_hours=quiet)


def _created(
    entry: Entry, given: dict[str, Any], *, enabled: bool, is_whole: bool, channel_id: UUID, means: Means
) -> ChannelStep:
    if not is_whole:
        fields = field_changes(None, {"name": entry.key, "config": {"type": given.get("type")}})
        return ChannelStep(change=_change(entry, None, "create", fields, channel_id), enabled=enabled)
    prepared = channel_config.prepare(given, means.transports)
    quiet = read_stored(entry.value.get("quiet_hours"))
    whole, secret = whole_channel(name=entry.key, shown=prepared.shown, enabled=enabled, quiet_hours=quiet)
    fields = field_changes(None, short_channel(whole)) + secret_changes(secret)
    change = _change(entry, None, "create", fields, channel_id)
    return ChannelStep(change=change, prepared=prepared, enabled=enabled, quiet_hours=quiet)


def _opened(row: ChannelRow, means: Means) -> Any:
    try:
        return channel_config.unseal(
            kind=row.kind,
            shown=row.config,
            sealed=row.sealed,
            sealer=means.sealer,
            transports=means.transports,
            tenant_id=row.tenant_id,
            channel_id=row.id,
        )
    except UnusableChannelError as unusable:
        raise Conflict(str(unusable), code="CHANNEL_UNUSABLE", field="/config") from None


def _patched(row: ChannelRow, stored: Any, given: dict[str, Any], means: Means) -> Prepared:
    if given.get("type", row.kind) != row.kind:
        raise channel_rules.invalid(
            f"This is a {row.kind} channel and stays one: give the other a name of its own", field="/config/type"
        )
    before = msgspec.to_builtins(stored)
    wanted = channel_rules.patched(before, config_patch(given, shown=row.config))
    prepared = channel_config.prepare(wanted, means.transports)
    if prepared.made:  # a secret of ours that the file clears stays what it is: applying twice changes nothing
        kept = {name: before[name] for name in prepared.made if before.get(name) is not None}
        prepared = channel_config.prepare(wanted | kept, means.transports)
    return prepared


def _pointers(given: Mapping[str, Any], at: str = "/config") -> list[str]:
    """Every member that the file gives a value."""
    found = []
    for name, value in given.items():
        pointer = f"{at}/{pointer_step(name)}"
        found += _pointers(value, pointer) if isinstance(value, dict) else [pointer] if value is not None else []
    return found


def _other_secrets(old: Mapping[str, Any], new: Mapping[str, Any], at: str = "/config") -> list[str]:
    found = []
    for name in {**old, **new}:
        before, after = old.get(name, _ABSENT), new.get(name, _ABSENT)
        pointer = f"{at}/{pointer_step(name)}"
        if isinstance(before, dict) and isinstance(after, dict):
            found += _other_secrets(before, after, pointer)
        elif before != after:
            found.append(pointer)
    return found


def _change(
    entry: Entry, row: ChannelRow | None, action: Any, fields: Sequence[FieldChange], channel_id: UUID
) -> Change:
    return Change(
        action=action,
        kind="channel",
        key=entry.key,
        name=entry.key,
        id=channel_id,
        pointer=entry.pointer,
        fields=fields,
        revision=None if row is None else row.revision,
        write_source=None if row is None else row.write_source,
    )
