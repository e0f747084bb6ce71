"""What is told of a decision: the data of events, and the body that a notice carries to every channel."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.judging.case import Transition
from shared.clock import from_unix_ms

EVENTS = (
    "verdict.changed",
    "monitor.degraded",
    "monitor.recovered",
    "monitor.flapping",
    "incident.opened",
    "incident.acknowledged",
    "incident.updated",
    "incident.resolved",
    "certificate.alert",
    "heartbeat.missed",
    "maintenance.started",
    "maintenance.ended",
)
"""The decisions that a tenant's stream tells of."""


class MonitorFacts(Struct, frozen=True, kw_only=True):
    """What messages say of a monitor: nothing of its check, so no secret can be in it."""

    id: UUID
    number: int
    name: str
    kind: str
    tags: tuple[str, ...] = ()
    group: str | None = None


class IncidentFacts(Struct, frozen=True, kw_only=True):
    """What messages say of an incident."""

    id: UUID
    number: int
    type: str
    severity: str
    state: str
    started_at: datetime
    resolved_at: datetime | None
    cause: str
    regions_down: tuple[str, ...]
    regions_up: tuple[str, ...]
    url: str | None = None


class CertificateChange(Struct, frozen=True, kw_only=True):
    """A certificate in the place of another. Fingerprints are SHA-256, hexadecimal; `not_after` null: no such date."""

    region: str
    fingerprint: str
    previous: str
    subject: str
    issuer: str
    not_after: datetime | None


class NoticeBody(Struct, frozen=True, kw_only=True):
    """The webhook body, the same bytes on every retry. `monitor` is null where the incident has none that exists.

    `incident` is null for an event that is about none. `data` is the event's own, and only there for events that are no
    notices of incidents.
    """

    event: str
    delivery_id: UUID
    occurred_at: datetime
    tenant_id: UUID
    monitor: MonitorFacts | None
    incident: IncidentFacts | None
    reason: str
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def notice_body(body: NoticeBody) -> str:
    """The exact text that is stored, signed and sent."""
    return msgspec.json.encode(body).decode()


def verdict_events(transition: Transition, monitor: MonitorFacts, *, missed: bool = False) -> list[tuple[str, str]]:
    """(event, one-line JSON) for a change of verdict: verdict.changed, and monitor.degraded or monitor.recovered.

    `missed`: a heartbeat's deadline is what the votes rest on.
    """
    data = _line(
        monitor=monitor,
        at=from_unix_ms(transition.at_ms),
        previous=transition.previous,
        verdict=transition.verdict,
        reason=transition.reason,
    )
    events = [("verdict.changed", data)]
    if transition.verdict == "degraded":
        events.append(("monitor.degraded", data))
    if transition.verdict == "up" and transition.previous in ("down", "degraded"):
        events.append(("monitor.recovered", data))
    if transition.verdict == "down" and missed:
        events.append(("heartbeat.missed", data))
    return events


def incident_event(monitor: MonitorFacts | None, incident: IncidentFacts, reason: str) -> str:
    """One-line JSON of an incident.* event."""
    return _line(monitor=monitor, incident=incident, reason=reason)


def certificate_event(monitor: MonitorFacts, change: CertificateChange) -> tuple[str, UUID, str]:
    """(event, monitor, one-line JSON): the monitor shows a certificate that it has never shown."""
    fields = {name: getattr(change, name) for name in CertificateChange.__struct_fields__}
    return "certificate.alert", monitor.id, _line(monitor=monitor, kind="changed", **fields)


def _line(**fields: Any) -> str:
    return msgspec.json.encode(fields).decode()
