"""Names for identifiers, so that one kind is never passed for another. All but RegionSlug are UUIDv7 (RFC 9562)."""

from __future__ import annotations

from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
MonitorId = NewType("MonitorId", UUID)
AgentId = NewType("AgentId", UUID)
DispatchId = NewType("DispatchId", UUID)
RegionSlug = NewType("RegionSlug", str)
