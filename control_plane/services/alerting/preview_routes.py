"""Say who would hear of an incident: by which bindings and routes, and what would withhold it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from control_plane.domain.alerting.notice_match import Traits, matches
from control_plane.errors import BadRequest
from control_plane.services.alerting.restrain_deliveries import delay, in_words, silence_of
from control_plane.services.alerting.route_rows import match_of
from control_plane.store import configuration, monitors, restraints, routes
from control_plane.store.channels import ChannelRow
from control_plane.store.pool import Connection
from control_plane.store.restraints import Subject
from shared.ids import TenantId

OPENING = "incident.opened"


class Question(Struct, frozen=True, kw_only=True):
    """An incident that somebody thinks of. `monitor_id`: of this one, whose traits go before what is given here."""

    severity: Literal["minor", "major", "critical"] = "major"
    tags: Sequence[str] = ()
    group: str | None = None
    kind: str | None = None
    monitor_id: UUID | None = None
    at: datetime | None = None


class Brought(Struct, frozen=True, kw_only=True):
    """What brings it to a channel. A binding has neither id nor name."""

    type: Literal["binding", "route"]
    id: UUID | None = None
    name: str | None = None


class Hearing(Struct, frozen=True, kw_only=True):
    """A channel that would hear. `withheld`: the rule that would cancel or delay the notice, as deliveries show it."""

    channel_id: UUID
    name: str
    kind: str
    by: Sequence[Brought]
    withheld: dict[str, Any] | None


async def preview_routes(conn: Connection, question: Question, *, tenant_id: TenantId) -> list[Hearing]:
    """The enabled channels, oldest first; none: nobody would hear. Raises BadRequest INVALID_MATCH."""
    subject = await _subject(conn, question, tenant_id=tenant_id)
    brought: dict[UUID, list[Brought]] = {}
    if question.monitor_id is not None:
        for binding in await monitors.read_bindings(conn, tenant_id=tenant_id, monitor_id=question.monitor_id):
            if binding.events is None or OPENING in binding.events:
                brought.setdefault(binding.channel_id, []).append(Brought(type="binding"))
    monitor = None if subject is None else subject.traits
    for row in await routes.routes(conn, tenant_id=tenant_id):
        wanted = row.enabled and (row.events is None or OPENING in row.events)
        if wanted and matches(match_of(row), severity=question.severity, monitor=monitor):
            for channel_id in row.channel_ids:
                brought.setdefault(channel_id, []).append(Brought(type="route", id=row.id, name=row.name))
    everybody = await configuration.all_channels(conn, tenant_id=tenant_id)
    hearing = [row for row in everybody if row.id in brought and row.enabled]
    withheld = await _withheld(conn, question, subject, hearing, tenant_id=tenant_id)
    return [
        Hearing(channel_id=row.id, name=row.name, kind=row.kind, by=brought[row.id], withheld=withheld.get(row.id))
        for row in hearing
    ]


async def _subject(conn: Connection, question: Question, *, tenant_id: TenantId) -> Subject | None:
    """The monitor that is asked about: stored, or described. None: an incident that names no monitor."""
    if question.monitor_id is not None:
        found = await restraints.read_subjects(
            conn, tenant_id=tenant_id, incident_ids=[], monitor_ids=[question.monitor_id]
        )
        if question.monitor_id not in found:
            raise BadRequest("There is no such monitor", code="INVALID_MATCH", field="/monitor_id")
        return found[question.monitor_id][0]
    if not question.tags and question.group is None and question.kind is None:
        return None
    traits = Traits(id=UUID(int=0), kind=question.kind or "", tags=tuple(question.tags), group=question.group)
    return Subject(traits, None)


async def _withheld(
    conn: Connection,
    question: Question,
    subject: Subject | None,
    hearing: Sequence[ChannelRow],
    *,
    tenant_id: TenantId,
) -> dict[UUID, dict[str, Any]]:
    monitor_ids = [] if question.monitor_id is None else [question.monitor_id]
    channel_ids = [row.id for row in hearing]
    found = await restraints.read_restraints(
        conn, tenant_id=tenant_id, monitor_ids=monitor_ids, channel_ids=channel_ids, at=question.at
    )
    if found is None:
        return {}
    subjects = [] if subject is None else [subject]
    rules: dict[UUID, dict[str, Any]] = {}
    for channel_id in channel_ids:
        by = silence_of(found.silences, subjects, channel_id=channel_id, severity=question.severity)
        waits = delay(found, subjects, channel_id=channel_id, severity=question.severity, start=found.now)
        if by is not None:
            rules[channel_id] = {"type": "silence", "id": str(by.id), "name": by.name, "until": in_words(by.until)}
        elif waits is not None:
            rules[channel_id] = waits[1]
    return rules
