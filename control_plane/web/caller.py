"""Who is calling. Identity comes from the credential, never from a body, a query or another header."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from control_plane.domain.tenants.credentials import Role
from control_plane.domain.tenants.people import Authority
from control_plane.domain.tenants.plan import PlanTerms
from control_plane.store.pool import Managed
from shared.ids import AgentId, RegionSlug, TenantId


class TenantCaller(Struct, frozen=True):
    """A program or a person of a tenant: an API key, a member's session, or a session that a key opened.

    `label` is the key's, or the person's name. `scopes` hold `resource:read|write`; a member's are those of the role.
    """

    tenant_id: TenantId
    key_id: UUID | None
    """Of an API key, or of the one that opened the session; None for a member."""
    label: str
    scopes: frozenset[str]
    terms: PlanTerms
    """What the tenant's plan allows, as of the look-up."""
    plan: str = "free"
    suspended: bool = False
    write_source: str = "api"
    """ui, api or cli: stamped on what this caller writes."""
    user_id: UUID | None = None
    """The person, of a member's session."""
    role: Role | None = None
    email: str | None = None
    session_id: UUID | None = None
    monitor_id: UUID | None = None
    """Of a manage key: the one monitor that it opens."""
    page_id: UUID | None = None
    """Of a manage key of a status page: that page."""
    anonymous: bool = False
    """Nobody: no credential was sent, and the installation lets such people create something."""

    @property
    def id(self) -> UUID:
        """The key or the person: one caller, however many sessions it has."""
        found = self.key_id or self.user_id
        assert found is not None, "a caller is a key or a person"
        return found

    @property
    def managed(self) -> Managed | None:
        """What a manage key opens; None for all other callers."""
        opened = Managed(self.monitor_id, self.page_id)
        return None if opened == Managed() else opened

    @property
    def authority(self) -> Authority:
        """What the caller may do to members."""
        return Authority(self.scopes, self.role, self.user_id)


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
