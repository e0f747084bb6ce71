"""Create a route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from control_plane.domain.channels.route_rules import read_route
from control_plane.domain.tenants.plan import PlanTerms, require_room
from control_plane.services.alerting.route_rows import known_of, row_values
from control_plane.store import routes, tenants
from control_plane.store.pool import Database
from control_plane.store.routes import RouteRow
from shared.ids import TenantId


async def create_route(
    database: Database,
    *,
    tenant_id: TenantId,
    route_id: UUID,
    terms: PlanTerms,
    body: Mapping[str, Any],
    write_source: str,
) -> RouteRow:
    """The route. Raises BadRequest as domain/route_rules says, Refused QUOTA_EXCEEDED, Conflict NAME_TAKEN, KEY_TAKEN.

    Channels are held before the tenant's counters, as docs/adr/0024 orders them.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        known = await known_of(conn, tenant_id=tenant_id, match=body.get("match"), channel_ids=body.get("channel_ids"))
        config = read_route(body, stored=None, known=known)
        await routes.insert_route(
            conn, tenant_id=tenant_id, route_id=route_id, write=row_values(config, write_source=write_source)
        )
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        require_room(terms, "routes", current=await routes.count_routes(conn, tenant_id=tenant_id) - 1)
        row = await routes.route(conn, tenant_id=tenant_id, route_id=route_id)
        assert row is not None
        return row
