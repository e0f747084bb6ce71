"""Write the routes of a configuration file, inside the transaction of whoever applies it."""

from __future__ import annotations

from collections.abc import Sequence

from control_plane.domain.tenants.plan import PlanTerms, require_room
from control_plane.services.alerting.route_rows import row_values
from control_plane.services.configuration.plan_steps import RouteStep
from control_plane.store import routes
from control_plane.store.pool import Connection
from shared.ids import TenantId


async def write_routes(
    conn: Connection, steps: Sequence[RouteStep], *, tenant_id: TenantId, terms: PlanTerms, write_source: str
) -> None:
    """Create and change them, once what they name is there. Raises Refused QUOTA_EXCEEDED."""
    new = [step for step in steps if step.change.action == "create"]
    if new:
        current = await routes.count_routes(conn, tenant_id=tenant_id)
        require_room(terms, "routes", current=current, more=len(new))
    for step in steps:
        if step.after is None or step.change.id is None:
            continue
        write = row_values(step.after, write_source=write_source)
        if step.row is None:
            await routes.insert_route(conn, tenant_id=tenant_id, route_id=step.change.id, write=write)
        else:
            await routes.update_route(conn, tenant_id=tenant_id, route_id=step.row.id, write=write)


async def delete_routes(conn: Connection, steps: Sequence[RouteStep], *, tenant_id: TenantId) -> None:
    """Delete those that the file does not have any more."""
    for step in steps:
        if step.change.action == "delete" and step.row is not None:
            await routes.delete_route(conn, tenant_id=tenant_id, route_id=step.row.id)
