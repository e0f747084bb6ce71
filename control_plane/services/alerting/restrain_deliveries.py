"""Hold what is owed, or about to be sent, against the tenant's silences and quiet hours.

A silence cancels, quiet hours delay. What a rule withheld is recorded with that rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from control_plane.domain.alerting.quiet_hours import quiet_of_all
from control_plane.domain.channels.silence_rules import silences
from control_plane.store import restraints
from control_plane.store.deliveries import DeliveryRow
from control_plane.store.outbox import Claimed
from control_plane.store.pool import Connection
from control_plane.store.restraints import Holding, Restraints, Subject

WAITS_ALREADY = "An earlier notice of this incident waits for the end of quiet hours already"


class _Incident(Struct, frozen=True):
    severity: str | None = None


class _Body(Struct, frozen=True):
    """The part of a body that rules look at."""

    incident: _Incident | None = None


class Notice(Protocol):
    """What is owed, or claimed."""

    @property
    def incident_id(self) -> UUID | None: ...
    @property
    def monitor_id(self) -> UUID | None: ...
    @property
    def channel_id(self) -> UUID | None: ...
    @property
    def body(self) -> str: ...


class Withheld(Struct, frozen=True):
    """Why something is not sent, in words and by its rule."""

    reason: str
    rule: dict[str, Any]


async def restrain(conn: Connection, rows: Sequence[DeliveryRow]) -> list[DeliveryRow]:
    """The rows of one tenant as its rules leave them: cancelled, due later, or as they were."""
    found = await restraints.read_restraints(
        conn, tenant_id=rows[0].tenant_id, monitor_ids=_monitors(rows), channel_ids=_channels(rows)
    )
    if found is None:
        return list(rows)
    about = await _subjects(conn, rows[0].tenant_id, rows)
    return await _once([_restrained(row, found, about) for row in rows], conn)


async def _once(rows: Sequence[DeliveryRow], conn: Connection) -> list[DeliveryRow]:
    """Without reminders of what nobody has heard yet: a night of them would come at once, after its opening."""
    reminders = [row for row in rows if row.notice == "reminder" and row.due_at is not None and row.rule is not None]
    if not reminders:
        return list(rows)
    incidents = sorted({row.incident_id for row in reminders if row.incident_id is not None})
    waiting = await restraints.read_waiting(conn, tenant_id=rows[0].tenant_id, incident_ids=incidents)
    beside = {row.id for row in reminders if (row.incident_id, row.channel_id) in waiting}
    return [structs.replace(row, due_at=None, withheld=WAITS_ALREADY) if row.id in beside else row for row in rows]


async def silenced(conn: Connection, claimed: Sequence[Claimed]) -> dict[UUID, Withheld]:
    """Which deliveries of one claim a silence cancels that holds now, by id."""
    tenant_id = claimed[0].tenant_id
    found = await restraints.read_restraints(conn, tenant_id=tenant_id, monitor_ids=[], channel_ids=[])
    if found is None:
        return {}
    about = await _subjects(conn, tenant_id, claimed)
    withheld = ((one.id, _silence(one, found.silences, _about(one, about))) for one in claimed if one.notice != "test")
    return {one: why for one, why in withheld if why is not None}


def _restrained(row: DeliveryRow, found: Restraints, about: Mapping[UUID, Sequence[Subject]]) -> DeliveryRow:
    if row.withheld is not None:
        return row
    subjects = _about(row, about)
    silence = _silence(row, found.silences, subjects)
    if silence is not None:
        return structs.replace(row, withheld=silence.reason, rule=silence.rule)
    waits = delay(
        found,
        subjects,
        channel_id=row.channel_id,
        severity=_severity(row.body),
        start=max(found.now, row.due_at or found.now),
    )
    return row if waits is None else structs.replace(row, due_at=waits[0], rule=waits[1])


def delay(
    found: Restraints, subjects: Sequence[Subject], *, channel_id: UUID, severity: str | None, start: datetime
) -> tuple[datetime, dict[str, Any]] | None:
    """Until when quiet hours of the monitors or the channel delay a notice, and by which rule; None: not at all."""
    groups = [[each.quiet for each in subjects], [found.channels.get(channel_id)]]
    waits = quiet_of_all(groups, start, severity=severity)
    if waits is None:
        return None
    until, by = waits
    return until, {"type": "quiet_hours", "of": ("monitor", "channel")[by], "until": in_words(until)}


def silence_of(
    holding: Iterable[Holding], subjects: Sequence[Subject], *, channel_id: UUID | None, severity: str | None
) -> Holding | None:
    """The silence that cancels a notice; of several the one that ends last."""
    traits = tuple(each.traits for each in subjects)
    meant = (
        one
        for one in holding
        if silences(one.match, one.channel_ids, channel_id=channel_id, severity=severity, monitors=traits)
    )
    return max(meant, key=lambda one: (one.until, one.id), default=None)


def _silence(notice: Notice, holding: Sequence[Holding], subjects: Sequence[Subject]) -> Withheld | None:
    if not holding:
        return None
    severity = _severity(notice.body)
    by = silence_of(holding, subjects, channel_id=notice.channel_id, severity=severity)
    if by is None:
        return None
    rule = {"type": "silence", "id": str(by.id), "name": by.name, "until": in_words(by.until)}
    return Withheld(f"Silenced by {by.name}", rule)


def in_words(instant: datetime) -> str:
    """An instant as rules keep it: RFC 3339 in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _severity(body: str) -> str | None:
    try:
        told = msgspec.json.decode(body, type=_Body)
    except msgspec.ValidationError:  # what is no notice of an incident has no severity
        return None
    return None if told.incident is None else told.incident.severity


def _about(notice: Notice, about: Mapping[UUID, Sequence[Subject]]) -> Sequence[Subject]:
    of_incident = () if notice.incident_id is None else about.get(notice.incident_id, ())
    return of_incident or (() if notice.monitor_id is None else about.get(notice.monitor_id, ()))


async def _subjects(conn: Connection, tenant_id: UUID, notices: Sequence[Notice]) -> dict[UUID, list[Subject]]:
    incidents = sorted({one.incident_id for one in notices if one.incident_id is not None})
    return await restraints.read_subjects(
        conn, tenant_id=tenant_id, incident_ids=incidents, monitor_ids=_monitors(notices)
    )


def _monitors(notices: Sequence[Notice]) -> list[UUID]:
    return sorted({one.monitor_id for one in notices if one.monitor_id is not None})


def _channels(notices: Sequence[Notice]) -> list[UUID]:
    return sorted({one.channel_id for one in notices if one.channel_id is not None})
