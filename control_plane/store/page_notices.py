"""page_watches and page_notices: what pages have to tell their subscribers, and how far each is owed.

The steps are small and each is one transaction: a look holds the page's list, a batch holds its notice. Who is killed
leaves a step undone or done.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.pages.page_news import TO_THE_TOLD, Event, LastTold, News, Told
from control_plane.store.pool import Connection

# Pages with subscribers whose tenant decided something since the last look, or that were not looked at for a while.
FLEET_DUE_PAGES = """
SELECT w.tenant_id, w.page_id FROM page_watches w JOIN tenant_counters c ON c.tenant_id = w.tenant_id
WHERE (w.looked_at IS NULL OR c.events > w.events OR w.looked_at < clock_timestamp() - $1::interval)
    AND EXISTS (SELECT FROM page_subscribers s WHERE s.tenant_id = w.tenant_id AND s.page_id = w.page_id)
ORDER BY w.looked_at NULLS FIRST LIMIT $2
"""


async def due_pages(conn: Connection, *, every: timedelta, limit: int) -> list[tuple[UUID, UUID]]:
    """(tenant, page) of pages to look at, the longest unseen first. Locks nothing."""
    return [(row["tenant_id"], row["page_id"]) for row in await conn.fetch(FLEET_DUE_PAGES, every, limit)]


class Watch(Struct, frozen=True):
    """A page's list, held. `first`: nothing of it was looked at yet. `events`: the tenant's, as of now."""

    first: bool
    notices: int
    events: int
    now: datetime


HOLD_WATCH = """
SELECT w.looked_at IS NULL AS first, w.notices, c.events, clock_timestamp() AS now
FROM page_watches w JOIN tenant_counters c ON c.tenant_id = w.tenant_id
WHERE w.tenant_id = $1 AND w.page_id = $2 FOR UPDATE OF w SKIP LOCKED
"""


async def hold_watch(conn: Connection, *, tenant_id: UUID, page_id: UUID) -> Watch | None:
    """The list, locked until commit; None: somebody is at it, or it is gone."""
    row = await conn.fetchrow(HOLD_WATCH, tenant_id, page_id)
    return None if row is None else Watch(**row)


MARK_LOOKED = "UPDATE page_watches SET looked_at = $3, events = $4, notices = $5 WHERE tenant_id = $1 AND page_id = $2"


async def mark_looked(
    conn: Connection, *, tenant_id: UUID, page_id: UUID, at: datetime | None, events: int, notices: int
) -> None:
    """`at` None: what is there at the next look is no news."""
    await conn.execute(MARK_LOOKED, tenant_id, page_id, at, events, notices)


LAST_TOLD = """
SELECT DISTINCT ON (subject, begins_at) subject, begins_at, event, component_ids, told::text AS told, upto
FROM page_notices WHERE tenant_id = $1 AND page_id = $2 ORDER BY subject, begins_at, number DESC
"""


async def last_told(conn: Connection, *, tenant_id: UUID, page_id: UUID) -> list[LastTold]:
    """What was told last of each subject."""
    rows = await conn.fetch(LAST_TOLD, tenant_id, page_id)
    return [LastTold(**{**row, "told": _told(row["told"])}) for row in rows]


def _told(text: str) -> Told:
    return msgspec.json.decode(text, type=Told)


INSERT_NOTICE = """
INSERT INTO page_notices (tenant_id, id, page_id, number, subject, begins_at, event, component_ids, told, upto,
    finished_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10, CASE WHEN $11 THEN clock_timestamp() END)
"""


async def insert_notices(
    conn: Connection,
    news: Sequence[tuple[UUID, int, News]],
    *,
    tenant_id: UUID,
    page_id: UUID,
    silent: bool,
) -> None:
    """Write (id, number, news) of a list that is held. `silent`: nobody is owed them."""
    rows = [
        (
            *(tenant_id, notice_id, page_id, number, one.subject, one.begins_at, one.event, list(one.component_ids)),
            *(msgspec.json.encode(one.told).decode(), one.upto, silent),
        )
        for notice_id, number, one in news
    ]
    await conn.executemany(INSERT_NOTICE, rows)


class OpenNotice(Struct, frozen=True):
    """A notice that not everybody is owed yet, held. `reached`: who was looked at last."""

    tenant_id: UUID
    id: UUID
    page_id: UUID
    number: int
    subject: UUID
    event: Event
    component_ids: list[UUID]
    reached: UUID | None
    created_at: datetime


# Of each page the oldest, so that an end comes after its beginning.
FLEET_OPEN_NOTICE = """
SELECT tenant_id, id, page_id, number, subject, event, component_ids, reached, created_at FROM page_notices n
WHERE finished_at IS NULL AND NOT EXISTS (
    SELECT FROM page_notices earlier WHERE earlier.tenant_id = n.tenant_id AND earlier.page_id = n.page_id
        AND earlier.number < n.number AND earlier.finished_at IS NULL)
ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""


async def hold_open_notice(conn: Connection) -> OpenNotice | None:
    """The next that anybody is to be owed, of whichever page nobody is at."""
    row = await conn.fetchrow(FLEET_OPEN_NOTICE)
    return None if row is None else OpenNotice(*row)


_LISTED = ", ".join(f"'{event}'" for event in sorted(TO_THE_TOLD))
# $5 the last one reached, $6 how many to look at. Whoever was confirmed later is not told of what was before.
OWE_BATCH = f"""
WITH batch AS (
    SELECT id, confirmed_at, component_ids FROM page_subscribers
    WHERE tenant_id = $1 AND page_id = $2 AND id > $5 ORDER BY id LIMIT $6 FOR KEY SHARE
), heard AS (
    SELECT b.id FROM batch b JOIN page_notices n ON n.tenant_id = $1 AND n.id = $3
    WHERE b.confirmed_at <= n.created_at AND (
        EXISTS (SELECT FROM page_deliveries d WHERE d.tenant_id = $1 AND d.subscriber_id = b.id
            AND d.subject = $4 AND d.state IN ('pending', 'delivered'))
        OR n.event NOT IN ({_LISTED}) AND (n.told ->> 'resolved_at') IS NULL
            AND (b.component_ids IS NULL OR b.component_ids && n.component_ids))
), owed AS (
    INSERT INTO page_deliveries (tenant_id, id, page_id, subscriber_id, notice_id, number, subject, event)
    SELECT $1, farwatch_uuid7(), $2, h.id, n.id, n.number, n.subject, n.event
    FROM heard h JOIN page_notices n ON n.tenant_id = $1 AND n.id = $3
    ON CONFLICT ON CONSTRAINT page_deliveries_once DO NOTHING RETURNING 1
)
UPDATE page_notices n
SET owed = n.owed + (SELECT count(*) FROM owed),
    reached = coalesce((SELECT id FROM batch ORDER BY id DESC LIMIT 1), n.reached),
    finished_at = CASE WHEN (SELECT count(*) FROM batch) < $6 THEN clock_timestamp() END
WHERE n.tenant_id = $1 AND n.id = $3
RETURNING (SELECT count(*) FROM owed)
"""
_NOBODY = UUID(int=0)


async def owe_batch(conn: Connection, notice: OpenNotice, *, limit: int) -> int:
    """Owe the notice to the next `limit` subscribers; how many of them are owed it. The caller holds the notice."""
    owed: int = await conn.fetchval(
        OWE_BATCH,
        *(notice.tenant_id, notice.page_id, notice.id, notice.subject, notice.reached or _NOBODY, limit),
    )
    return owed
