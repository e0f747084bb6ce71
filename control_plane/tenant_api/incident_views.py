"""Incidents as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from control_plane.domain.judging.incident_rules import title_of, urgency
from control_plane.store.incident_changes import UpdateRow
from control_plane.store.incidents_read import IncidentEventRow, IncidentView


class MonitorRef(Struct, frozen=True):
    """The monitor of an incident."""

    id: UUID
    number: int
    name: str


class IncidentJson(Struct, frozen=True, kw_only=True):
    """An incident. `started_at` is when it began for people.

    `monitor` is that of an automatic one, null once it is deleted; `monitors` are all that it is about. `title` is made
    of monitor and type where nobody gave one. `held_open`: reopened while its monitor was not down, so only a person
    ends it, or a recovery from a further outage.
    """

    id: UUID
    number: int
    title: str
    monitor: MonitorRef | None
    monitors: list[MonitorRef]
    origin: str
    type: str
    severity: str
    urgency: str
    state: str
    phase: str
    cause: str
    started_at: datetime
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolution: str | None
    resolved_by: str | None
    declared_by: str | None
    reopened: int
    reopened_at: datetime | None
    held_open: bool
    held_by: str | None
    public_title: str | None
    public_description: str | None
    regions_down: list[str]
    regions_up: list[str]
    updated_at: datetime


class UpdateJson(Struct, frozen=True):
    """One thing that the public was told."""

    id: UUID
    phase: str
    text: str
    at: datetime
    actor: str


class TimelineJson(Struct, frozen=True):
    """One line of the timeline. `actor` null is Farwatch itself."""

    id: UUID
    kind: str
    at: datetime
    actor: str | None
    text: str | None
    data: dict[str, Any]


class IncidentDetailJson(IncidentJson, frozen=True, kw_only=True):
    """An incident with its timeline, and the votes that proved it: one object per region."""

    evidence: list[dict[str, Any]]
    timeline: list[TimelineJson]


def incident_json(view: IncidentView) -> IncidentJson:
    """The incident as JSON shows it in lists."""
    monitor = None
    if view.monitor_id is not None and view.monitor_number is not None:
        monitor = MonitorRef(view.monitor_id, view.monitor_number, view.monitor_name or "")
    about = msgspec.convert(view.affected, list[MonitorRef]) or ([monitor] if monitor else [])
    return IncidentJson(
        id=view.id,
        number=view.number,
        title=title_of(title=view.title, monitor=view.monitor_name, type_=view.type),
        monitor=monitor,
        monitors=about,
        origin=view.origin,
        type=view.type,
        severity=view.severity,
        urgency=urgency(view.severity),
        state=view.state,
        phase=view.phase,
        cause=view.cause,
        started_at=view.started_at,
        opened_at=view.opened_at,
        acknowledged_at=view.acknowledged_at,
        acknowledged_by=view.acknowledged_by,
        resolved_at=view.resolved_at,
        resolution=view.resolution,
        resolved_by=view.resolved_by,
        declared_by=view.declared_by,
        reopened=view.reopened,
        reopened_at=view.reopened_at,
        held_open=view.held_open,
        held_by=view.held_by,
        public_title=view.public_title,
        public_description=view.public_description,
        regions_down=view.regions_down,
        regions_up=view.regions_up,
        updated_at=view.updated_at,
    )


def incident_detail_json(view: IncidentView, timeline: Sequence[IncidentEventRow]) -> IncidentDetailJson:
    """The incident with what proved it and all that happened to it."""
    return IncidentDetailJson(
        **structs.asdict(incident_json(view)),
        evidence=[_with_evidence(vote) for vote in view.evidence],
        timeline=[line_json(row) for row in timeline],
    )


def _with_evidence(vote: dict[str, Any]) -> dict[str, Any]:
    """A vote as stored keeps its evidence as JSON text; here it is an object."""
    evidence = vote.get("evidence")
    return {**vote, "evidence": msgspec.json.decode(evidence)} if isinstance(evidence, str) else vote


def line_json(row: IncidentEventRow) -> TimelineJson:
    """One line of the timeline as JSON."""
    return TimelineJson(row.id, row.kind, row.at, row.actor, row.text, row.data)


def update_json(row: UpdateRow) -> UpdateJson:
    """A public update as JSON."""
    return UpdateJson(row.id, row.phase, row.text, row.at, row.actor)
