"""What a page tells in words, published or not: its incidents and its maintenance, without the days of its systems."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.domain.pages.public_page import PublicIncident, PublicMaintenance
from control_plane.services.pages.page_rows import unknown_page
from control_plane.services.pages.public_incidents import incidents_of, touched
from control_plane.services.pages.public_maintenance import maintenance_of
from control_plane.services.uptime.read_availability import day_start
from control_plane.store import page_reads
from control_plane.store.pool import Database
from shared.ids import TenantId


class PageWords(Struct, frozen=True):
    """Open incidents first, then the newest; maintenance, the earliest first."""

    incidents: Sequence[PublicIncident]
    maintenance: Sequence[PublicMaintenance]


async def read_page_words(database: Database, *, tenant_id: TenantId, page_id: UUID, now: datetime) -> PageWords:
    """Of as many days as the page shows. Raises NotFound STATUS_PAGE_NOT_FOUND."""
    async with database.tenant(tenant_id) as conn:
        face = await page_reads.face_of_page(conn, tenant_id=tenant_id, page_id=page_id)
        if face is None:
            raise unknown_page()
        rows = await page_reads.components_of_face(conn, tenant_id=tenant_id, page_id=page_id)
        since = day_start(now.astimezone(UTC).date() - timedelta(days=face.history_days - 1), UTC)
        incidents = await incidents_of(conn, face, rows, await touched(conn, face, rows, since=since))
        return PageWords(incidents, await maintenance_of(conn, face, rows, now=now))
