"""What the public may ask of a monitor: whether it may know of it at all, and what is told of it beside uptime."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.monitor_reads import SHOWN
from control_plane.store.pool import Connection


class Published(Struct, frozen=True):
    """A monitor that stands on a page. `name` is what the public calls it; its own stays inside."""

    tenant_id: UUID
    name: str


# A page with a password is no public page.
FLEET_PUBLISHED = """
SELECT c.tenant_id, c.name FROM page_components c
JOIN status_pages p ON p.tenant_id = c.tenant_id AND p.id = c.page_id
JOIN tenants t ON t.id = c.tenant_id
WHERE c.monitor_id = $1 AND p.state = 'published' AND p.password_digest IS NULL AND t.suspended_at IS NULL
ORDER BY p.number, c.position, c.id LIMIT 1
"""


async def find_published(conn: Connection, *, monitor_id: UUID) -> Published | None:
    """The monitor as a page open to all has it; None: the public knows of no such monitor."""
    row = await conn.fetchrow(FLEET_PUBLISHED, monitor_id)
    return None if row is None else Published(*row)


class ShownOn(Struct, frozen=True):
    """A page that has a monitor. `name` is what it calls it; `is_open`: anybody may look, so its badges are public."""

    title: str
    slug: str
    name: str
    state: str
    is_open: bool


PAGES_OF_MONITOR = """
SELECT p.title, p.slug, c.name, p.state, p.state = 'published' AND p.password_digest IS NULL AS is_open
FROM page_components c JOIN status_pages p ON p.tenant_id = c.tenant_id AND p.id = c.page_id
WHERE c.tenant_id = $1 AND c.monitor_id = $2
ORDER BY p.number, c.position, c.id
"""


async def pages_of_monitor(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> list[ShownOn]:
    """The tenant's pages that have the monitor, in the order in which find_published looks."""
    return [ShownOn(*row) for row in await conn.fetch(PAGES_OF_MONITOR, tenant_id, monitor_id)]


class PublicState(Struct, frozen=True):
    """What a monitor is shown as. `at` is the database's clock."""

    name: str
    kind: str
    shown: str
    since: datetime
    at: datetime


PUBLIC_STATE = f"""
SELECT m.name, m.kind, {SHOWN} AS shown, s.since, clock_timestamp() AS at
FROM monitors m JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
WHERE m.tenant_id = $1 AND m.id = $2
"""


async def public_state(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> PublicState | None:
    row = await conn.fetchrow(PUBLIC_STATE, tenant_id, monitor_id)
    return None if row is None else PublicState(*row)


# As in exposition.EXPOSED_PROBES: the newest result of a region that still counts is found by its key.
NEWEST_DETAILS = """
SELECT seen.detail FROM monitors m
JOIN votes v ON v.tenant_id = m.tenant_id AND v.monitor_id = m.id AND v.check_version = m.check_version
    AND v.region_id = ANY (m.regions) AND v.newest_slot > 0
CROSS JOIN LATERAL (SELECT x.detail FROM results x
    WHERE x.monitor_id = v.monitor_id AND x.region_id = v.region_id AND x.slot = v.newest_slot
        AND x.tenant_id = $1 OFFSET 0) AS seen
WHERE m.tenant_id = $1 AND m.id = $2 AND seen.detail IS NOT NULL
"""


async def newest_details(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> list[str]:
    """The details of each region's newest result, as JSON."""
    return [row["detail"] for row in await conn.fetch(NEWEST_DETAILS, tenant_id, monitor_id)]


class PublicIncident(Struct, frozen=True, kw_only=True):
    """An incident as the public may know it: neither cause nor evidence."""

    public_title: str | None
    type: str
    state: str
    phase: str
    started_at: datetime
    resolved_at: datetime | None


PUBLIC_INCIDENTS = """
SELECT i.public_title, i.type, i.state, i.phase, i.started_at, i.resolved_at
FROM incidents i
WHERE i.tenant_id = $1 AND i.monitor_id = $2 AND (i.opened_at >= $3 OR i.state <> 'resolved')
ORDER BY (i.state = 'resolved'), i.opened_at DESC, i.number DESC LIMIT $4
"""


async def public_incidents(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, since: datetime, limit: int
) -> list[PublicIncident]:
    """The monitor's own incidents since then, open ones first, then newest first."""
    rows = await conn.fetch(PUBLIC_INCIDENTS, tenant_id, monitor_id, since, limit)
    return [PublicIncident(**row) for row in rows]
