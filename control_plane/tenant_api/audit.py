"""/audit: who changed what, newest first."""

from __future__ import annotations

from control_plane.store import audit
from control_plane.store.audit import AuditEntry
from control_plane.web.audit_view import LIST_CAP, AuditQuery, page, position, wanted_of
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, capped
from control_plane.web.routes import Door, Route


async def list_audit(call: Call) -> Reply:
    tenant_id, wanted, before = call.tenant().tenant_id, wanted_of(call.query), position(call)
    limit = capped(call.query.limit, LIST_CAP) + 1
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await audit.entries(conn, tenant_id=tenant_id, wanted=wanted, before=before, limit=limit)
    return page(call, found)


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/audit",
        handler=list_audit,
        operation="list_audit",
        summary="Who changed what",
        description="Newest first, by cursor. An entry is written in the transaction of the change that it tells of.",
        tag="audit",
        door=Door.TENANT,
        scope="audit:read",
        query=AuditQuery,
        reply=Page[AuditEntry],
        errors=("INVALID_CURSOR", "BAD_TIME_RANGE"),
    ),
)
