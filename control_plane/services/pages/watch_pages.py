"""Look at pages that have subscribers, write down what is news, and owe it to them in batches (docs/adr/0042).

Any number of processes do this side by side. A look and each batch are transactions of their own, so that whoever is
killed leaves nothing half done, and no page of thousands holds a lock for long.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from control_plane.domain.pages.page_news import NEWS_FOR, LastTold, News, news_of
from control_plane.services.installation.identity import new_id
from control_plane.services.pages.public_incidents import incidents_of, touched
from control_plane.services.pages.public_maintenance import maintenance_of
from control_plane.store import page_notices, page_reads
from control_plane.store.page_notices import Watch
from control_plane.store.page_reads import PageFace
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId

LOOK_EVERY = timedelta(seconds=20)
"""A page is looked at once its tenant decided something, and else so often: for maintenance that was planned."""

PAGES_AT_ONCE = 200
BATCH = 500
"""Subscribers that are owed a notice in one transaction."""


async def watch_pages(database: Database) -> int:
    """Look at all that is due, and owe all that is news. Returns how many deliveries are owed. Raises Unavailable."""
    async with database.app() as conn:
        due = await page_notices.due_pages(conn, every=LOOK_EVERY, limit=PAGES_AT_ONCE)
    for tenant_id, page_id in due:
        await look_at_page(database, tenant_id=tenant_id, page_id=page_id)
    return await owe_notices(database)


async def look_at_page(database: Database, *, tenant_id: UUID, page_id: UUID) -> int:
    """Write down what is news of one page. Returns how many notices; 0 also where another process is at it."""
    async with database.app_transaction() as conn:
        watch = await page_notices.hold_watch(conn, tenant_id=tenant_id, page_id=page_id)
        if watch is None:
            return 0
        face = await page_reads.face_of_id(conn, tenant_id=TenantId(tenant_id), page_id=page_id)
        is_open = face is not None and face.password_digest is None
        news = await _news(conn, face, watch) if face is not None and is_open else []
        numbered = [(new_id(), number, one) for number, one in enumerate(news, watch.notices + 1)]
        await page_notices.insert_notices(conn, numbered, tenant_id=tenant_id, page_id=page_id, silent=watch.first)
        await page_notices.mark_looked(
            conn,
            tenant_id=tenant_id,
            page_id=page_id,
            at=watch.now if is_open else None,
            events=watch.events,
            notices=watch.notices + len(news),
        )
        return len(news)


async def _news(conn: Connection, face: PageFace, watch: Watch) -> list[News]:
    rows = await page_reads.components_of_face(conn, tenant_id=face.tenant_id, page_id=face.id)
    found = await touched(conn, face, rows, since=watch.now - NEWS_FOR)
    last: list[LastTold] = await page_notices.last_told(conn, tenant_id=face.tenant_id, page_id=face.id)
    return news_of(
        incidents=await incidents_of(conn, face, rows, found),
        maintenance=await maintenance_of(conn, face, rows, now=watch.now),
        last={(one.subject, one.begins_at): one for one in last},
        now=watch.now,
    )


async def owe_notices(database: Database) -> int:
    """Go on with every notice that not everybody is owed yet. Returns how many deliveries are owed."""
    owed = 0
    while (batch := await owe_next_batch(database)) is not None:
        owed += batch
    return owed


async def owe_next_batch(database: Database, *, limit: int = BATCH) -> int | None:
    """Owe one notice to its next subscribers; None: there is none that nobody is at."""
    async with database.app_transaction() as conn:
        notice = await page_notices.hold_open_notice(conn)
        return None if notice is None else await page_notices.owe_batch(conn, notice, limit=limit)
