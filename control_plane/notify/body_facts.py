"""What programs are told of a stored body: its fields, as far as it has them. Pure.

A body of another release, or of an event without an incident, has less; then a transport says less, and still sends.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct


class Subject(Struct, frozen=True, kw_only=True):
    """A monitor, an agent or a region."""

    id: str = ""
    name: str = ""
    kind: str = ""
    tags: tuple[str, ...] = ()
    group: str | None = None


class Affair(Struct, frozen=True, kw_only=True):
    """An incident."""

    id: str = ""
    type: str = ""
    severity: str | None = None
    state: str = ""
    started_at: datetime | None = None
    resolved_at: datetime | None = None
    cause: str = ""


class BodyFacts(Struct, frozen=True, kw_only=True):
    """A stored body. `whole` is all of it, for receivers that show any document."""

    event: str = ""
    occurred_at: datetime | None = None
    monitor: Subject | None = None
    agent: Subject | None = None
    region: Subject | None = None
    incident: Affair | None = None
    reason: str = ""
    whole: dict[str, Any] = {}  # msgspec copies it

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return self.monitor or self.agent or self.region or Subject(name="Farwatch")

    @property
    def incident_id(self) -> str | None:
        """Of the incident that it tells of, or None."""
        return self.incident.id or None if self.incident is not None else None


def body_facts(body: bytes) -> BodyFacts:
    """What a body says; of one that cannot be read, nothing."""
    try:
        read = msgspec.json.decode(body, type=BodyFacts)
        return msgspec.structs.replace(read, whole=msgspec.json.decode(body, type=dict[str, Any]))
    except msgspec.MsgspecError:
        return BodyFacts()
