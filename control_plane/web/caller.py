"""Who is calling. Identity comes from the credential, never from a body, a query or another header."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from control_plane.domain.plan import PlanTerms
from shared.ids import AgentId, RegionSlug, TenantId


class TenantCaller(Struct, frozen=True):
    """A program or person of a tenant, known by an API key. `scopes` hold `resource:read|write`."""

    tenant_id: TenantId
    key_id: UUID
    label: str
    scopes: frozenset[str]
    terms: PlanTerms
    """What the tenant's plan allows, as of the look-up."""
    plan: str = "free"
    suspended: bool = False
    write_source: str = "api"
    """ui, api or cli: stamped on what this caller writes."""


class AgentCaller(Struct, frozen=True):
    """A probe agent, known by its probe key; `region_tenant_id` is set for a private region."""

    agent_id: AgentId
    agent_number: int
    agent_name: str
    region_id: int
    region_slug: RegionSlug
    region_name: str
    region_tenant_id: TenantId | None
    allow_cidrs: tuple[str, ...]


class OperatorCaller(Struct, frozen=True):
    """Whoever knows the operator's secret."""


Caller = TenantCaller | AgentCaller | OperatorCaller
