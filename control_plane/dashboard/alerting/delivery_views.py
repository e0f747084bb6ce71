"""Deliveries as pages show them. Pure: rows of the store in, words and marks out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.dashboard.alerting.channel_fields import title_of
from control_plane.dashboard.words import Moment, maybe_moment, moment, sentence
from control_plane.store.deliveries import AttemptView, DeliveryView

_NOTICES: Mapping[str, str] = {
    "opened": "Opened",
    "reminder": "Reminder",
    "escalated": "Escalated",
    "resolved": "Resolved",
    "event": "Event",
    "test": "Test",
}
_STATES: Mapping[str, tuple[str, str]] = {
    "delivered": ("up", "Delivered"),
    "pending": ("unknown", "On its way"),
    "dead": ("down", "Given up"),
    "cancelled": ("paused", "Withheld"),
}
_OUTCOMES = {"delivered": "delivered", "retry": "to be tried again", "dead": "given up", "unknown": "not known"}


class DeliveryRow(Struct, frozen=True, kw_only=True):
    """One notice to one channel. `why`: what withheld or ended it; `due`: its next attempt."""

    id: UUID
    channel_id: UUID | None
    channel: str
    kind: str
    incident_id: UUID | None
    notice: str
    mark: str
    word: str
    why: str
    attempts: int
    created: Moment
    due: Moment | None
    finished: Moment | None
    dead: bool


class Tried(Struct, frozen=True):
    """One attempt, in words."""

    at: Moment
    text: str


def delivery_rows(rows: Sequence[DeliveryView], *, now: datetime) -> list[DeliveryRow]:
    return [_row(each, now) for each in rows]


def _row(row: DeliveryView, now: datetime) -> DeliveryRow:
    mark, word = _STATES[row.state]
    if row.state == "pending" and row.rule is not None:
        mark, word = "paused", "Waits"
    return DeliveryRow(
        id=row.id,
        channel_id=row.channel_id,
        channel=row.channel_name,
        kind=title_of(row.channel_kind),
        incident_id=row.incident_id,
        notice=_NOTICES.get(row.notice, row.event),
        mark=mark,
        word=word,
        why=_why(row, now),
        attempts=row.attempts,
        created=moment(row.created_at, now),
        due=maybe_moment(row.next_attempt_at, now),
        finished=maybe_moment(row.finished_at, now),
        dead=row.state == "dead" and row.channel_id is not None,
    )


def _why(row: DeliveryView, now: datetime) -> str:
    said = [sentence(row.reason or "")] if row.reason else []
    if row.rule is not None:
        said.append(rule_words(row.rule, now=now))
    return " ".join(dict.fromkeys(said))


def rule_words(rule: Mapping[str, Any], *, now: datetime) -> str:
    """What withholds it: "Silence “Upgrade”, until …"."""
    kind = "Silence" if rule.get("type") == "silence" else "Quiet hours"
    name, until = rule.get("name"), rule.get("until")
    words = f"{kind} “{name}”" if name else kind
    if not until:
        return f"{words}."
    try:
        at = moment(msgspec.convert(until, datetime), now)
    except msgspec.ValidationError:
        return f"{words}."
    return f"{words}, until {at.absolute} ({at.relative})."


def tried(log: Sequence[AttemptView], *, now: datetime) -> list[Tried]:
    return [Tried(moment(each.at, now), _tried(each)) for each in log]


def _tried(each: AttemptView) -> str:
    status = f", HTTP {each.http_status}" if each.http_status else ""
    said = f": {each.error}" if each.error else ""
    return f"Attempt {each.attempt}, {_OUTCOMES.get(each.outcome, each.outcome)}{status}{said}"
