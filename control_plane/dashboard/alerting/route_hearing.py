"""Who would hear of an incident that somebody thinks of, as pages show it."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from msgspec import Struct

from control_plane.dashboard.alerting.channel_fields import title_of
from control_plane.dashboard.alerting.delivery_views import rule_words
from control_plane.dashboard.visit import Visit
from control_plane.services.alerting.preview_routes import Hearing, Question, preview_routes
from control_plane.store.pool import Connection

Severity = Literal["minor", "major", "critical"]
_SEVERITIES: tuple[Severity, ...] = ("minor", "major", "critical")


class Heard(Struct, frozen=True):
    """A channel that would hear: by what, and what would withhold it."""

    id: UUID
    name: str
    kind: str
    by: str
    withheld: str


def severity_of(text: str) -> Severity:
    """The severity of this name; major for a name that is none."""
    return next((each for each in _SEVERITIES if each == text), "major")


async def hearing(conn: Connection, visit: Visit, question: Question) -> list[Heard]:
    """The channels that would be told, oldest first. Raises BadRequest INVALID_MATCH."""
    now = visit.deps.now()
    return [
        Heard(
            id=each.channel_id,
            name=each.name,
            kind=title_of(each.kind),
            by=_by(each),
            withheld=rule_words(each.withheld, now=now) if each.withheld else "",
        )
        for each in await preview_routes(conn, question, tenant_id=visit.tenant_id)
    ]


def _by(found: Hearing) -> str:
    words = ["bound to the monitor" if one.type == "binding" else f"by the route “{one.name}”" for one in found.by]
    return ", ".join(words)
