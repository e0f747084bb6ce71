"""Change a route, or delete it: what is owed by it already stays owed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from control_plane.domain.channels.route_rules import read_route
from control_plane.errors import NotFound
from control_plane.services.alerting.route_rows import config_of, known_of, row_values
from control_plane.store import routes
from control_plane.store.pool import Connection, Database
from control_plane.store.routes import RouteRow
from shared.ids import TenantId


async def change_route(
    database: Database,
    *,
    tenant_id: TenantId,
    route_id: UUID,
    body: Mapping[str, Any],
    write_source: str,
    check_revision: Callable[[int], None],
) -> RouteRow:
    """Merge the body (RFC 7396) onto the route; one that changes nothing writes nothing.

    Raises NotFound ROUTE_NOT_FOUND, and what `check_revision`, domain/route_rules and the names of others raise.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        row = await _held(conn, tenant_id=tenant_id, route_id=route_id, check_revision=check_revision)
        known = await known_of(conn, tenant_id=tenant_id, match=body.get("match"), channel_ids=body.get("channel_ids"))
        before = config_of(row)
        after = read_route(body, stored=before, known=known)
        if after == before:
            return row
        await routes.update_route(
            conn, tenant_id=tenant_id, route_id=route_id, write=row_values(after, write_source=write_source)
        )
        changed = await routes.route(conn, tenant_id=tenant_id, route_id=route_id)
        assert changed is not None
        return changed


async def delete_route(
    database: Database, *, tenant_id: TenantId, route_id: UUID, check_revision: Callable[[int], None]
) -> None:
    """Raises NotFound ROUTE_NOT_FOUND, or what `check_revision` raises."""
    async with database.tenant_transaction(tenant_id) as conn:
        await _held(conn, tenant_id=tenant_id, route_id=route_id, check_revision=check_revision)
        await routes.delete_route(conn, tenant_id=tenant_id, route_id=route_id)


async def _held(
    conn: Connection, *, tenant_id: TenantId, route_id: UUID, check_revision: Callable[[int], None]
) -> RouteRow:
    await routes.hold_routes(conn, tenant_id=tenant_id, ids=[route_id])
    row = await routes.route(conn, tenant_id=tenant_id, route_id=route_id)
    if row is None:
        raise NotFound("There is no such route", code="ROUTE_NOT_FOUND")
    check_revision(row.revision)
    return row
