"""What is told of an operator's incident: to the operator's channels, or to a private region's tenant as events."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.alerting.alerting import IncidentFacts

OPENED, RESOLVED = "operator.incident.opened", "operator.incident.resolved"

AGENT_RECOVERED, REGION_RECOVERED = "agent.recovered", "region.recovered"
AGENT_EVENTS = (
    "agent.offline",
    "agent.skewed",
    "agent.saturated",
    "agent.outdated",
    AGENT_RECOVERED,
    "region.silent",
    "region.coverage_lost",
    REGION_RECOVERED,
)
"""What a tenant's stream tells of its private regions and of the agents in them."""


class Named(Struct, frozen=True):
    """An agent or a region, as people call it."""

    id: str
    name: str


class OperatorNotice(Struct, frozen=True, kw_only=True):
    """The webhook body, in the shape of a tenant's: no tenant and no monitor, but a place in the fleet."""

    event: str
    delivery_id: UUID
    occurred_at: datetime
    tenant_id: None = None
    monitor: None = None
    incident: IncidentFacts
    agent: Named | None
    region: Named | None
    reason: str


def notice_text(notice: OperatorNotice) -> str:
    """The exact text that is stored, signed and sent."""
    return msgspec.json.encode(notice).decode()


def event_of(kind: str, *, resolved: bool) -> str:
    """The tenant's event for an incident of this kind: agent_offline is agent.offline, and its end agent.recovered."""
    is_of_agent = kind.startswith("agent_")
    if resolved:
        return AGENT_RECOVERED if is_of_agent else REGION_RECOVERED
    if is_of_agent or kind.startswith("region_"):
        return kind.replace("_", ".", 1)
    return f"region.{kind}"


def event_data(*, incident: IncidentFacts, agent: Named | None, region: Named | None, reason: str) -> str:
    """One-line JSON."""
    fields = {"agent": agent, "region": region, "incident": incident, "reason": reason}
    return msgspec.json.encode(fields).decode()
