"""Whom an incident is told when nobody acknowledges it: the grammar of `escalations`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.domain import field_rules
from control_plane.domain.alerting.reminder import LEAST_AFTER_S, MAX_AFTER_S, MAX_CHANNELS, MAX_STEPS
from control_plane.domain.monitors.binding_rules import channel_id_of

_FIELDS = ("after_s", "channel_ids")


class Escalation(Struct, frozen=True):
    """A step: the channels that are told when the incident is not acknowledged `after_s` seconds after it opened."""

    after_s: int
    channel_ids: tuple[UUID, ...]


def channels_of_steps(body: Mapping[str, Any]) -> list[UUID]:
    """The channel ids that the steps of a body name, as far as they are ids: what to look up before reading it."""
    steps = body.get("escalations")
    entries = steps[:MAX_STEPS] if isinstance(steps, list) else []
    listed = [entry.get("channel_ids") for entry in entries if isinstance(entry, dict)]
    named = (channel_id_of(one) for ids in listed if isinstance(ids, list) for one in ids[:MAX_CHANNELS])
    return [found for found in named if found is not None]


def read_escalations(value: object, pointer: str, *, channels: Collection[UUID]) -> tuple[Escalation, ...]:
    """The steps in their order. Raises INVALID_ALERT_CONFIG for times that do not grow, and for unknown channels."""
    if not isinstance(value, list):
        field_rules.refuse("INVALID_TYPE", "escalations is a list of {after_s, channel_ids}", pointer)
    if len(value) > MAX_STEPS:
        field_rules.refuse("INVALID_ALERT_CONFIG", f"escalations has at most {MAX_STEPS} steps", pointer)
    steps = [_read_step(entry, f"{pointer}/{i}", channels) for i, entry in enumerate(value)]
    for i, (before, after) in enumerate(pairwise(steps), 1):
        if after.after_s <= before.after_s:
            field_rules.refuse(
                "INVALID_ALERT_CONFIG", "each step comes later than the one before", f"{pointer}/{i}/after_s"
            )
    return tuple(steps)


def _read_step(entry: object, pointer: str, channels: Collection[UUID]) -> Escalation:
    if not isinstance(entry, dict):
        field_rules.refuse("INVALID_TYPE", "a step of escalations is an object {after_s, channel_ids}", pointer)
    for field in entry:
        if field not in _FIELDS:
            message = "a step of escalations has after_s and channel_ids only"
            field_rules.refuse("UNKNOWN_FIELD", message, f"{pointer}/{field}")
    after_s = field_rules.integer(
        entry.get("after_s"), f"{pointer}/after_s", low=LEAST_AFTER_S, high=MAX_AFTER_S, code="INVALID_ALERT_CONFIG"
    )
    return Escalation(after_s, _read_channels(entry.get("channel_ids"), f"{pointer}/channel_ids", channels))


def _read_channels(value: object, pointer: str, channels: Collection[UUID]) -> tuple[UUID, ...]:
    if not isinstance(value, list):
        field_rules.refuse("INVALID_TYPE", "channel_ids is a list of ids of channels", pointer)
    if not 1 <= len(value) <= MAX_CHANNELS:
        field_rules.refuse("INVALID_ALERT_CONFIG", f"a step tells 1 to {MAX_CHANNELS} channels", pointer)
    found: set[UUID] = set()
    for i, given in enumerate(value):
        channel_id = channel_id_of(given)
        if channel_id is None or channel_id not in channels:
            message = f"notification channel {str(given)[:60]} does not exist"
            field_rules.refuse("INVALID_ALERT_CONFIG", message, f"{pointer}/{i}")
        if channel_id in found:
            field_rules.refuse("INVALID_ALERT_CONFIG", f"channel {channel_id} is listed twice", f"{pointer}/{i}")
        found.add(channel_id)
    return tuple(sorted(found))
