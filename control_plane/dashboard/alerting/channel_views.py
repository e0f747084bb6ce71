"""Channels as pages show them. Pure: rows of the store in, words and marks out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.dashboard.alerting.channel_fields import KINDS, title_of
from control_plane.dashboard.words import moment, sentence
from control_plane.domain.alerting.delivery import UNWELL_AFTER
from control_plane.domain.alerting.quiet_hours import DAYS
from control_plane.domain.channels.channel_rules import MASK
from control_plane.store.channels import ChannelRow


class ChannelLine(Struct, frozen=True, kw_only=True):
    """A channel in a list. `why` says what is wrong, or how it goes."""

    id: UUID
    name: str
    kind: str
    target: str
    mark: str
    word: str
    why: str
    enabled: bool
    unverified: bool
    signed: bool
    quiet: str


def channel_line(row: ChannelRow, *, now: datetime) -> ChannelLine:
    mark, word, why = _health(row, now)
    return ChannelLine(
        id=row.id,
        name=row.name,
        kind=title_of(row.kind),
        target=_target(row),
        mark=mark,
        word=word,
        why=why,
        enabled=row.enabled,
        unverified=row.kind == "email" and row.verified_at is None,
        signed=row.kind == "webhook",
        quiet=quiet_words(row.quiet_hours),
    )


def _health(row: ChannelRow, now: datetime) -> tuple[str, str, str]:
    """Its mark, its word, and a sentence: the first of what keeps it from telling anybody."""
    if not row.enabled:
        return "paused", "Disabled", sentence(row.disabled_reason or "Somebody disabled it: nothing is sent to it")
    if row.kind == "email" and row.verified_at is None:
        return "unknown", "Not confirmed", _asked(row, now)
    if row.consecutive_failures >= UNWELL_AFTER:
        since = f" since {moment(row.unwell_since, now).relative}" if row.unwell_since else ""
        return "down", "Not delivering", sentence(f"Nothing arrives{since}: {row.last_error or 'no answer'}")
    if row.last_delivered_at is None:
        return "unknown", "Not used yet", "Nothing was sent to it yet. Send a test."
    return "up", "Delivering", f"Last {moment(row.last_delivered_at, now).relative}."


def _asked(row: ChannelRow, now: datetime) -> str:
    if row.verification_sent_at is None:
        return "Its address was not asked yet: no mail could be sent."
    sent = moment(row.verification_sent_at, now).relative
    over = " The link in it is too old now: send another." if row.verification_over else ""
    return f"A mail with a link was sent {sent}; nothing else is sent before somebody follows it.{over}"


def _target(row: ChannelRow) -> str:
    """Where it leads, as far as it is no secret."""
    for name in ("to", "channel", "topic", "chat_title", "chat_id", "number"):
        if isinstance(row.config.get(name), str) and row.config[name] != MASK:
            return str(row.config[name])
    return row.host or ""


def setting_facts(row: ChannelRow) -> list[tuple[str, str]]:
    """The stored settings in words; a secret shows that it is there."""
    fields = KINDS[row.kind].fields if row.kind in KINDS else {}
    return [(fields[name].label if name in fields else _word(name), _shown(value)) for name, value in _told(row.config)]


def _told(config: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in config.items() if name != "type" and value not in (None, {}, "")]


def _word(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_shown(each)}" for name, each in value.items())
    return "Stored, not shown" if value == MASK else str(value)


def quiet_words(quiet: Mapping[str, Any] | None) -> str:
    """ "22:00 to 07:00, Europe/Berlin, mon tue; never critical"; empty for none."""
    if quiet is None:
        return ""
    days = [day.capitalize() for day in DAYS if day in quiet.get("days", ())]
    excepted = quiet.get("except_severities", ())
    words = f"{quiet['start']} to {quiet['end']}, {quiet['time_zone']}"
    words += f", {' '.join(days)}" if days else ""
    return words + (f"; {', '.join(excepted)} never wait" if excepted else "")
