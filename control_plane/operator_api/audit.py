"""/operator/audit: who changed what, of all tenants and of what is no tenant's."""

from __future__ import annotations

from uuid import UUID

from control_plane.store import audit
from control_plane.store.audit import FleetAuditEntry
from control_plane.web.audit_view import LIST_CAP, AuditQuery, page, position, wanted_of
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, capped
from control_plane.web.routes import Door, Route


class FleetAuditQuery(AuditQuery, frozen=True):
    """`tenant_id` of noughts asks for what is no tenant's: regions, agents, settings."""

    tenant_id: UUID | None = None


async def list_audit(call: Call) -> Reply:
    wanted, before = wanted_of(call.query), position(call)
    limit = capped(call.query.limit, LIST_CAP) + 1
    async with call.deps.database.app() as conn:
        found = await audit.fleet_entries(
            conn, tenant_id=call.query.tenant_id, wanted=wanted, before=before, limit=limit
        )
    return page(call, found)


ROUTES = (
    Route(
        method="GET",
        path="/operator/audit",
        handler=list_audit,
        operation="list_operator_audit",
        summary="Who changed what, of all tenants",
        tag="operator",
        door=Door.OPERATOR,
        query=FleetAuditQuery,
        reply=Page[FleetAuditEntry],
        errors=("INVALID_CURSOR", "BAD_TIME_RANGE"),
    ),
)
