"""What a stored body says that words need. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from control_plane.domain.alerting.alerting import IncidentFacts, MonitorFacts


class Place(Struct, frozen=True):
    """An agent or a region of an operator's notice."""

    name: str


class Told(Struct, frozen=True, kw_only=True):
    """What a stored body says that words need; a tenant's notice, a tenant's event and an operator's notice alike."""

    event: str
    reason: str
    occurred_at: datetime | None = None
    incident: IncidentFacts | None = None
    monitor: MonitorFacts | None = None
    agent: Place | None = None
    region: Place | None = None
    data: dict[str, Any] | None = None

    @property
    def subject(self) -> str:
        """What it is about, by name."""
        named = self.monitor or self.agent or self.region
        if named is not None:
            return named.name
        return "The installation" if self.event.startswith("operator.") else self._untitled

    @property
    def _untitled(self) -> str:
        return "Farwatch" if self.incident is None else f"Incident #{self.incident.number}"

    @property
    def resolved(self) -> bool:
        return self.event.endswith(".resolved")

    @property
    def is_test(self) -> bool:
        return self.event.endswith(".test")

    @property
    def is_of_incident(self) -> bool:
        return self.incident is not None and not self.is_test


_READ = msgspec.json.Decoder(Told)


def read_body(body: bytes) -> Told:
    """A stored body. Raises msgspec.MsgspecError for one of another shape."""
    return _READ.decode(body)
