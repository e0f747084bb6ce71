"""Status pages written straight into the tables, and monitors with a past for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from control_plane.store.pool import Connection
from shared.ids import TenantId
from tests.support.seed import new_id

INSERT_COMPONENT = """
INSERT INTO page_components (tenant_id, id, page_id, monitor_id, name, description, "group", position, show_uptime,
    show_latency, write_source)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'api')
"""
TAKE_NUMBER = "UPDATE tenant_counters SET status_pages = status_pages + 1 WHERE tenant_id = $1 RETURNING status_pages"
CREATED_AT = "UPDATE monitors SET created_at = $3 WHERE tenant_id = $1 AND id = $2"
INSERT_TRANSITION = """
INSERT INTO transitions (tenant_id, monitor_id, at, number, previous, verdict, reason)
VALUES ($1, $2, $3, (SELECT coalesce(max(number), 0) + 1 FROM transitions WHERE tenant_id = $1), 'unknown', $4, 'told')
"""
STATE = "UPDATE monitor_states SET verdict = $3, fresh_up = $4, since = $5 WHERE tenant_id = $1 AND monitor_id = $2"


async def a_page(conn: Connection, tenant_id: TenantId, slug: str = "acme", **over: Any) -> UUID:
    """A published page. `over` overrides columns of status_pages."""
    page_id = new_id()
    columns: dict[str, Any] = {
        "tenant_id": tenant_id,
        "id": page_id,
        "number": await conn.fetchval(TAKE_NUMBER, tenant_id),
        "slug": slug,
        "title": "Acme",
        "state": "published",
        "write_source": "api",
        **over,
    }
    names = ", ".join(f'"{name}"' for name in columns)
    places = ", ".join(f"${place}" for place in range(1, len(columns) + 1))
    await conn.execute(f"INSERT INTO status_pages ({names}) VALUES ({places})", *columns.values())
    return page_id


async def a_component(
    conn: Connection, tenant_id: TenantId, page_id: UUID, monitor_id: UUID, name: str, **over: Any
) -> UUID:
    """A line of the page. `over`: description, group, position, show_uptime, show_latency."""
    component_id = new_id()
    given = {"description": "", "group": None, "position": 0, "show_uptime": True, "show_latency": True, **over}
    await conn.execute(INSERT_COMPONENT, tenant_id, component_id, page_id, monitor_id, name, *given.values())
    return component_id


async def a_past(
    conn: Connection, tenant_id: TenantId, monitor_id: UUID, *changes: tuple[datetime, str], regions_up: int = 0
) -> None:
    """The monitor was created at the first change, went through all of them, and is as the last one says."""
    await conn.execute(CREATED_AT, tenant_id, monitor_id, changes[0][0])
    for at, verdict in changes:
        await conn.execute(INSERT_TRANSITION, tenant_id, monitor_id, at, verdict)
    await conn.execute(STATE, tenant_id, monitor_id, changes[-1][1], regions_up, changes[-1][0])
