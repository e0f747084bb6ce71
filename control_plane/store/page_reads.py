"""What the public reads of a status page: by slug or domain, over all tenants, and then of its one tenant alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.domain.judging.incident_rules import Phase, Severity
from control_plane.domain.pages.public_page import IncidentKind, Language
from control_plane.store.monitor_reads import SHOWN
from control_plane.store.pool import Connection
from shared.ids import TenantId


class PageFace(Struct, frozen=True, kw_only=True):
    """A published page of a tenant that is not suspended, as its readers meet it; never shown as it is."""

    tenant_id: TenantId
    id: UUID
    slug: str
    title: str
    description: str
    listed: bool
    password_digest: str | None
    language: Language
    branding: dict[str, Any]
    logo_digest: str | None
    header_text: str
    footer_text: str
    custom_domain: str | None
    show_uptime: bool
    show_latency: bool
    history_days: int
    revision: int


_COLUMNS = """
SELECT p.tenant_id, p.id, p.slug, p.title, p.description, p.listed, p.password_digest, p.language, p.branding,
    p.logo_digest, p.header_text, p.footer_text, p.custom_domain, p.show_uptime, p.show_latency, p.history_days,
    p.revision
FROM status_pages p
"""
_FACE = f"""{_COLUMNS} JOIN tenants t ON t.id = p.tenant_id
WHERE p.state = 'published' AND t.suspended_at IS NULL"""
FACE_OF_PAGE = f"{_COLUMNS} WHERE p.tenant_id = $1 AND p.id = $2"
FLEET_FACE_BY_SLUG = f"{_FACE} AND p.slug = $1"
FACE_IF_OPEN = f"{_FACE} AND p.tenant_id = $1 AND p.id = $2"
# A domain counts as long as the tenant's proof of it, or of one above it, stands.
FLEET_FACE_BY_DOMAIN = f"""{_FACE} AND p.custom_domain = $1 AND EXISTS (
    SELECT FROM domains d WHERE d.tenant_id = p.tenant_id AND d.state IN ('verified', 'grace')
        AND (d.domain = p.custom_domain OR right(p.custom_domain, char_length(d.domain) + 1) = '.' || d.domain))"""


async def face_by_slug(conn: Connection, *, slug: str) -> PageFace | None:
    """The published page of that slug, whoever's it is. For connections that see every tenant."""
    row = await conn.fetchrow(FLEET_FACE_BY_SLUG, slug)
    return None if row is None else PageFace(**row)


async def face_by_domain(conn: Connection, *, domain: str) -> PageFace | None:
    """The published page that is reached by this host name (lower case, in ASCII)."""
    row = await conn.fetchrow(FLEET_FACE_BY_DOMAIN, domain)
    return None if row is None else PageFace(**row)


async def face_of_page(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> PageFace | None:
    """A page of the tenant as it would meet its readers, published or not: for those who write it."""
    row = await conn.fetchrow(FACE_OF_PAGE, tenant_id, page_id)
    return None if row is None else PageFace(**row)


async def face_of_id(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> PageFace | None:
    """A page of the tenant as its readers meet it; None where it is not published, or its tenant is suspended."""
    row = await conn.fetchrow(FACE_IF_OPEN, tenant_id, page_id)
    return None if row is None else PageFace(**row)


class FacedComponent(Struct, frozen=True, kw_only=True):
    """A component with what is known of its monitor. `shown`: a verdict, maintenance or paused."""

    id: UUID
    monitor_id: UUID
    name: str
    description: str
    group: str | None
    show_uptime: bool
    show_latency: bool
    created_at: datetime
    tags: list[str]
    shown: str
    regions_up: int
    since: datetime


COMPONENTS_OF_FACE = f"""
SELECT c.id, c.monitor_id, c.name, c.description, c."group", c.show_uptime, c.show_latency, m.created_at, m.tags,
    {SHOWN} AS shown, s.fresh_up AS regions_up, s.since
FROM page_components c
JOIN monitors m ON m.tenant_id = c.tenant_id AND m.id = c.monitor_id
JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
WHERE c.tenant_id = $1 AND c.page_id = $2
ORDER BY c.position, c.id
"""


async def components_of_face(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> list[FacedComponent]:
    """The page's components in its order."""
    return [FacedComponent(**row) for row in await conn.fetch(COMPONENTS_OF_FACE, tenant_id, page_id)]


class FacedIncident(Struct, frozen=True, kw_only=True):
    """An incident without what stays inside. `monitors`: all that it is about."""

    id: UUID
    origin: str
    type: IncidentKind
    severity: Severity
    phase: Phase
    started_at: datetime
    resolved_at: datetime | None
    public_title: str | None
    public_description: str | None
    monitors: list[UUID]


# By monitor first: a tenant may have very many incidents, and a page few monitors.
_TOUCHING = """
SELECT i.id, i.origin, i.type, i.severity, i.phase, i.started_at, i.resolved_at, i.public_title, i.public_description,
    CASE WHEN i.origin = 'monitor' THEN ARRAY[i.monitor_id] ELSE ARRAY(
        SELECT n.monitor_id FROM incident_monitors n WHERE n.tenant_id = i.tenant_id AND n.incident_id = i.id
    ) END AS monitors
FROM incidents i
WHERE i.tenant_id = $1 AND i.id IN (
    SELECT id FROM incidents WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[])
    UNION SELECT incident_id FROM incident_monitors WHERE tenant_id = $1 AND monitor_id = ANY ($2::uuid[]))
"""
INCIDENTS_TOUCHING = f"""{_TOUCHING}
    AND (i.state <> 'resolved' OR (i.resolved_at >= $3 AND ($4::timestamptz IS NULL OR i.started_at < $4)))
ORDER BY (i.state = 'resolved'), i.started_at DESC, i.number DESC LIMIT $5
"""
INCIDENT_TOUCHING = f"{_TOUCHING} AND i.id = $3"


async def incidents_touching(
    conn: Connection,
    *,
    tenant_id: TenantId,
    monitor_ids: Sequence[UUID],
    since: datetime,
    until: datetime | None,
    limit: int,
) -> list[FacedIncident]:
    """Incidents of these monitors: open ones, then those that ended since an instant and began before another."""
    rows = await conn.fetch(INCIDENTS_TOUCHING, tenant_id, list(monitor_ids), since, until, limit)
    return [FacedIncident(**row) for row in rows]


async def incident_touching(
    conn: Connection, *, tenant_id: TenantId, monitor_ids: Sequence[UUID], incident_id: UUID
) -> FacedIncident | None:
    """The incident, if it is about one of these monitors."""
    row = await conn.fetchrow(INCIDENT_TOUCHING, tenant_id, list(monitor_ids), incident_id)
    return None if row is None else FacedIncident(**row)


class FacedUpdate(Struct, frozen=True):
    """What people told the public of an incident."""

    incident_id: UUID
    phase: Phase
    text: str
    at: datetime


UPDATES_OF = """
SELECT incident_id, phase, text, at FROM incident_updates
WHERE tenant_id = $1 AND incident_id = ANY ($2::uuid[]) ORDER BY at, id
"""


async def updates_of(conn: Connection, *, tenant_id: TenantId, incident_ids: Sequence[UUID]) -> list[FacedUpdate]:
    """The public updates of these incidents, oldest first."""
    return [FacedUpdate(*row) for row in await conn.fetch(UPDATES_OF, tenant_id, list(incident_ids))]


LOGO_OF_FACE = """
SELECT l.image, l.media_type FROM page_logos l
JOIN status_pages p ON p.tenant_id = l.tenant_id AND p.id = l.page_id
WHERE l.tenant_id = $1 AND l.page_id = $2 AND p.logo_digest = $3
"""


class Logo(Struct, frozen=True):
    """A picture as it was encoded here."""

    image: bytes
    media_type: str


LOGO_OF_PAGE = "SELECT image, media_type FROM page_logos WHERE tenant_id = $1 AND page_id = $2"


async def logo_of_page(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> Logo | None:
    """The logo that a page has now, published or not: for those who write it."""
    row = await conn.fetchrow(LOGO_OF_PAGE, tenant_id, page_id)
    return None if row is None else Logo(*row)


async def logo_of_face(conn: Connection, *, tenant_id: TenantId, page_id: UUID, digest: str) -> Logo | None:
    """The page's logo, if it is the one of this digest."""
    row = await conn.fetchrow(LOGO_OF_FACE, tenant_id, page_id, digest)
    return None if row is None else Logo(*row)
