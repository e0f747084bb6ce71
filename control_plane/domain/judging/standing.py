"""Why a monitor has an incident or none, and what would change that, in sentences for people. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from control_plane.domain.judging.circuit import CADENCE_MS
from control_plane.domain.judging.incident import CALM_MS
from control_plane.domain.judging.verdict import VerdictName

CIRCUIT_OPEN = "CIRCUIT_OPEN"
"""What a monitor that is checked less often while it is down is reported as."""


class OpenOne(Struct, frozen=True):
    """The automatic incident that is open."""

    number: int
    type: str
    held_open: bool


class Standing(Struct, frozen=True, kw_only=True):
    """What the state row remembers besides the votes (domain/case)."""

    verdict: VerdictName
    hushed: bool
    well_since: datetime | None
    held_since: datetime | None
    held_by: str | None
    hold_ended_at: datetime | None
    waits_until: datetime | None
    backed_off_at: datetime | None
    blocked: str | None = None
    """Why no agent is given the monitor: the words of the rule."""
    incident: OpenOne | None = None


def sentences(standing: Standing) -> tuple[str, ...]:
    """Empty where the verdict alone says it all."""
    if standing.blocked is not None:
        return (f"Nobody checks it: {standing.blocked}",)
    if standing.incident is not None:
        return (*_of_open(standing.incident, standing), *_of_circuit(standing))
    return (*_of_none(standing), *_of_circuit(standing))


def _of_open(incident: OpenOne, standing: Standing) -> Iterator[str]:
    name = f"Incident {incident.number}"
    if incident.held_open:
        yield f"{name} was reopened by hand: a person resolves it, or the end of an outage that is proven again"
    elif incident.type == "flapping":
        calm = timedelta(milliseconds=CALM_MS)
        minutes = CALM_MS // 60_000
        at = "" if standing.well_since is None else f", at {_instant(standing.well_since + calm)} if it stays so"
        yield f"{name} is of type flapping: it resolves after {minutes} minutes of proven up{at}"
    else:
        yield f"{name} is open: it resolves once up is proven"
    if standing.held_since is not None:
        yield f"Held by {standing.held_by}: reminders and escalation wait"


def _of_none(standing: Standing) -> Iterator[str]:
    if standing.held_since is not None:
        yield f"Held by {standing.held_by}: no incident opens"
    elif standing.hold_ended_at is not None:
        since = _instant(standing.hold_ended_at)
        yield f"It was held until {since} ({standing.held_by}): only down slots after that open an incident"
    if standing.hushed:
        yield "A person resolved its incident while it was down: none opens until up was proven"
    if standing.waits_until is not None and standing.verdict == "down":
        yield f"Its incident waits for what it depends on, until {_instant(standing.waits_until)} at the latest"


def _of_circuit(standing: Standing) -> Iterator[str]:
    if standing.backed_off_at is not None:
        minutes = CADENCE_MS // 60_000
        yield f"{CIRCUIT_OPEN}: checked every {minutes} minutes at most since {_instant(standing.backed_off_at)}"


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
