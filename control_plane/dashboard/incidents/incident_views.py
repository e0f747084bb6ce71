"""Incidents as pages show them. Pure: rows of the store in, words and marks out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.dashboard.words import Moment, lasting, maybe_moment, moment, sentence
from control_plane.domain.judging.incident_rules import PHASE_POLICY, Phase
from control_plane.domain.judging.reason_words import in_words
from control_plane.store.incidents_read import IncidentEventRow, IncidentView

_STATES: Mapping[str, str] = {"triggered": "Open", "acknowledged": "Acknowledged", "resolved": "Resolved"}
_KINDS: Mapping[str, str] = {
    "opened": "Opened",
    "worsened": "Became an outage",
    "region_joined": "Further regions went down",
    "acknowledged": "Acknowledged",
    "note": "Note",
    "public_update": "Told the public",
    "narrated": "Changed",
    "reminder": "Reminded",
    "escalated": "Escalated",
    "resolved": "Resolved",
    "reopened": "Reopened",
}


class IncidentRow(Struct, frozen=True, kw_only=True):
    """An incident in a list. `mark` is the shape that it is shown with, `lasted` how long it is or was."""

    id: UUID
    number: int
    title: str
    cause: str
    state: str
    word: str
    mark: str
    monitor_id: UUID | None
    monitor: str
    severity: str
    started: Moment
    resolved: Moment | None
    acknowledged_by: str | None
    lasted: str
    declared: bool = False
    monitors: tuple[tuple[str, str], ...] = ()
    """The monitors that a declared one names: id and name."""
    phase: str = ""
    held_open: bool = False

    @property
    def is_open(self) -> bool:
        return self.state != "resolved"


class TimelineLine(Struct, frozen=True):
    """One thing that happened to an incident."""

    at: Moment
    kind: str
    word: str
    actor: str
    text: str


class EvidenceRow(Struct, frozen=True, kw_only=True):
    """What one region had seen when the incident opened."""

    region: str
    state: str
    vote: str
    slots: str
    first_bad: Moment | None
    newest: Moment | None
    message: str
    seen: tuple[tuple[str, str], ...]


def incident_row(view: IncidentView, *, now: datetime) -> IncidentRow:
    ended = view.resolved_at or now
    name = view.monitor_name or "A deleted monitor"
    return IncidentRow(
        id=view.id,
        number=view.number,
        title=view.title or (f"{name} is {view.type}" if view.state != "resolved" else f"{name} was {view.type}"),
        cause=sentence(view.cause if view.origin == "monitor" else f"Declared by {view.declared_by}"),
        state=view.state,
        word=_STATES.get(view.state, view.state),
        mark="up" if view.state == "resolved" else "degraded" if view.type == "degraded" else "down",
        monitor_id=view.monitor_id,
        monitor=name,
        severity=view.severity,
        started=moment(view.started_at, now),
        resolved=maybe_moment(view.resolved_at, now),
        acknowledged_by=view.acknowledged_by,
        lasted=lasting(max(0.0, (ended - view.started_at).total_seconds())),
        declared=view.origin == "person",
        monitors=tuple((each["id"], each["name"]) for each in view.affected),
        phase=view.phase,
        held_open=view.held_open,
    )


class PhaseChoice(Struct, frozen=True):
    """A phase that a public update may give the incident."""

    value: str
    word: str
    chosen: bool


def phase_choices(view: IncidentView, *, chosen: str) -> list[PhaseChoice]:
    """The phases that may follow, the present one chosen unless another was."""
    allowed = PHASE_POLICY[msgspec.convert(view.phase, Phase)]
    present = chosen if chosen in allowed else view.phase
    return [PhaseChoice(phase, phase.capitalize(), phase == present) for phase in allowed]


def timeline_lines(rows: Sequence[IncidentEventRow], *, now: datetime) -> list[TimelineLine]:
    """What happened, oldest first."""
    return [
        TimelineLine(
            at=moment(row.at, now),
            kind=row.kind,
            word=_KINDS.get(row.kind, row.kind.replace("_", " ").capitalize()),
            actor=row.actor or "",
            text=_told(row),
        )
        for row in rows
    ]


def _told(row: IncidentEventRow) -> str:
    """The text of a line; a public update says its phase first."""
    phase = row.data.get("phase") if row.kind == "public_update" else None
    return f"{str(phase).capitalize()}: {row.text}" if phase else row.text or ""


def evidence_rows(votes: Sequence[Mapping[str, Any]], *, now: datetime) -> list[EvidenceRow]:
    """The votes that proved it, as they were stored."""
    return [_evidence_row(vote, now) for vote in votes]


def _evidence_row(vote: Mapping[str, Any], now: datetime) -> EvidenceRow:
    state = _state(vote)
    said = vote.get("vote")
    slots = vote.get("slots") or 0
    return EvidenceRow(
        region=str(vote.get("region", "")),
        state=state,
        vote="No vote" if said is None else f"Silent, last {said}" if state == "unknown" else state.capitalize(),
        slots=f"{slots} in a row" if slots else "",
        first_bad=_moment(vote.get("first_bad_slot"), now),
        newest=_moment(vote.get("newest_slot"), now),
        message=sentence(in_words(vote.get("message"), vote.get("reason")) or ""),
        seen=tuple(_seen(vote.get("evidence"))),
    )


def _state(vote: Mapping[str, Any]) -> str:
    said = vote.get("vote")
    if said is None or not vote.get("fresh"):
        return "unknown"
    return "degraded" if said == "up" and vote.get("degraded") else str(said)


def _moment(text: str | None, now: datetime) -> Moment | None:
    return None if text is None else moment(msgspec.convert(text, datetime), now)


_SEEN: Mapping[str, str] = {
    "status_line": "Status line",
    "headers": "Headers",
    "body_excerpt": "Beginning of the body",
    "resolved": "Resolved to",
    "redirects": "Redirects",
    "chain": "Certificates",
    "answers": "Answers",
}


def _seen(evidence: Any) -> list[tuple[str, str]]:
    """The stored evidence as titled blocks of text, in a fixed order."""
    if isinstance(evidence, str):
        evidence = msgspec.json.decode(evidence)
    if not isinstance(evidence, dict):
        return []
    return [(title, _text(evidence[name])) for name, title in _SEEN.items() if evidence.get(name)]


def _text(value: Any) -> str:
    match value:
        case dict():
            return "\n".join(f"{name}: {member}" for name, member in value.items())
        case list():
            return "\n".join(str(item) for item in value)
        case _:
            return str(value)
