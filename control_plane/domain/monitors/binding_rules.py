"""Which channels a monitor tells: the grammar of `alerts`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.domain import field_rules
from control_plane.domain.alerting.alerting import EVENTS
from control_plane.domain.alerting.operator_notice import AGENT_EVENTS

MAX_BINDINGS = 50

NOTICE_EVENTS = ("incident.opened", "incident.updated", "incident.resolved")
"""Events that are notices of incidents: owed in the transaction that decides them."""

OTHER_EVENTS = (*(event for event in EVENTS if event not in NOTICE_EVENTS), *AGENT_EVENTS)
"""Events that are told to whoever asks for them, from the numbered events (services/alerting/fan_out_events.py)."""

BOUND_EVENTS = (*NOTICE_EVENTS, *OTHER_EVENTS)
"""What a binding or a route may ask for: all that is stored. Checks and pings are told live only."""


class Binding(Struct, frozen=True):
    """A channel that is told; `events` None is the notices of incidents."""

    channel_id: UUID
    events: tuple[str, ...] | None = None


def named_channels(body: Mapping[str, Any]) -> list[UUID]:
    """The channel ids that a body names, as far as they are ids: what to look up before reading it."""
    alerts = body.get("alerts")
    entries = alerts if isinstance(alerts, list) else []
    ids = (channel_id_of(entry.get("channel_id")) for entry in entries[:MAX_BINDINGS] if isinstance(entry, dict))
    return [found for found in ids if found is not None]


def read_alerts(value: object, pointer: str, *, channels: Collection[UUID]) -> tuple[Binding, ...]:
    """The bindings, in order of channel. Raises INVALID_ALERT_CONFIG for one named twice or not in `channels`."""
    if not isinstance(value, list):
        field_rules.refuse("INVALID_TYPE", "alerts is a list of {channel_id, events?}", pointer)
    if len(value) > MAX_BINDINGS:
        field_rules.refuse("INVALID_ALERT_CONFIG", f"alerts has at most {MAX_BINDINGS} entries", pointer)
    bindings = [_read_binding(entry, f"{pointer}/{i}", channels) for i, entry in enumerate(value)]
    seen: set[UUID] = set()
    for i, binding in enumerate(bindings):
        if binding.channel_id in seen:
            field_rules.refuse(
                "INVALID_ALERT_CONFIG", f"channel {binding.channel_id} is listed twice", f"{pointer}/{i}/channel_id"
            )
        seen.add(binding.channel_id)
    return tuple(sorted(bindings, key=lambda binding: binding.channel_id))


def _read_binding(entry: object, pointer: str, channels: Collection[UUID]) -> Binding:
    if not isinstance(entry, dict):
        field_rules.refuse("INVALID_TYPE", "an entry of alerts is an object {channel_id, events?}", pointer)
    for field in entry:
        if field not in ("channel_id", "events"):
            field_rules.refuse(
                "UNKNOWN_FIELD", "an entry of alerts has channel_id and events only", f"{pointer}/{field}"
            )
    channel_id = channel_id_of(entry.get("channel_id"))
    if channel_id is None:
        field_rules.refuse(
            "INVALID_ALERT_CONFIG", "channel_id is the id of a channel (a UUID)", f"{pointer}/channel_id"
        )
    if channel_id not in channels:
        field_rules.refuse(
            "INVALID_ALERT_CONFIG", f"notification channel {channel_id} does not exist", f"{pointer}/channel_id"
        )
    return Binding(channel_id, read_events(entry.get("events"), f"{pointer}/events"))


def read_events(value: object, pointer: str) -> tuple[str, ...] | None:
    """What a binding or a route asks for. Raises BadRequest INVALID_TYPE, INVALID_ALERT_CONFIG."""
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(event, str) for event in value):
        field_rules.refuse("INVALID_TYPE", "events is a list of event names", pointer)
    unknown = [event for event in value if event not in BOUND_EVENTS]
    if unknown or not value or len(set(value)) != len(value):
        field_rules.refuse(
            "INVALID_ALERT_CONFIG", f"events lists, once each, at least one of {', '.join(BOUND_EVENTS)}", pointer
        )
    return tuple(value)


def channel_id_of(value: object) -> UUID | None:
    """The id that this text is, in its canonical form; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        found = UUID(value)
    except ValueError:
        return None
    return found if str(found) == value.lower() else None
