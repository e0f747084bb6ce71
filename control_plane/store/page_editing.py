"""What those who write status pages look at and do to many components at once."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.store.monitor_reads import SHOWN_OF_ALL
from control_plane.store.pool import Connection
from shared.ids import TenantId


class ShownOnPage(Struct, frozen=True):
    """How a component of a page is now. `shown`: a verdict, maintenance or paused."""

    page_id: UUID
    component_id: UUID
    shown: str
    regions_up: int


SHOWN_ON_PAGES = f"""
SELECT c.page_id, c.id AS component_id, {SHOWN_OF_ALL} AS shown, s.fresh_up AS regions_up
FROM page_components c
JOIN monitors m ON m.tenant_id = c.tenant_id AND m.id = c.monitor_id
JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
WHERE c.tenant_id = $1 AND c.page_id = ANY ($2::uuid[])
"""


async def shown_on_pages(conn: Connection, *, tenant_id: TenantId, page_ids: Sequence[UUID]) -> list[ShownOnPage]:
    """How each component of these pages is now."""
    return [ShownOnPage(*row) for row in await conn.fetch(SHOWN_ON_PAGES, tenant_id, list(page_ids))]


DECLARED_ON_PAGES = """
SELECT DISTINCT c.page_id, i.severity
FROM incidents i
JOIN incident_monitors n ON n.tenant_id = i.tenant_id AND n.incident_id = i.id
JOIN page_components c ON c.tenant_id = n.tenant_id AND c.monitor_id = n.monitor_id
WHERE i.tenant_id = $1 AND i.state <> 'resolved' AND i.origin = 'person' AND c.page_id = ANY ($2::uuid[])
"""


async def declared_on_pages(
    conn: Connection, *, tenant_id: TenantId, page_ids: Sequence[UUID]
) -> list[tuple[UUID, str]]:
    """Pages with the severities of open incidents that people declared about a component of theirs."""
    return [(row[0], row[1]) for row in await conn.fetch(DECLARED_ON_PAGES, tenant_id, list(page_ids))]


SUBSCRIBED_TO_PAGES = """
SELECT page_id, count(*) FROM page_subscribers
WHERE tenant_id = $1 AND page_id = ANY ($2::uuid[]) AND confirmed_at IS NOT NULL GROUP BY page_id
"""


async def subscribed_to_pages(conn: Connection, *, tenant_id: TenantId, page_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many confirmed subscribers these pages have; a page without any is not in it."""
    return {row[0]: row[1] for row in await conn.fetch(SUBSCRIBED_TO_PAGES, tenant_id, list(page_ids))}


class Candidate(Struct, frozen=True, kw_only=True):
    """A monitor that could be put on a page."""

    id: UUID
    number: int
    name: str
    group: str | None
    tags: list[str]
    shown: str


_OFF_PAGE = """
FROM monitors m JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
WHERE m.tenant_id = $1 AND NOT EXISTS (
    SELECT FROM page_components c WHERE c.tenant_id = $1 AND c.page_id = $2 AND c.monitor_id = m.id)
    AND ($3 = '' OR strpos(lower(concat_ws(' ', m.name, m."group", '#' || m.number)), lower($3)) > 0
        OR lower($3) = ANY (m.tags))
"""
CANDIDATES = f"""
SELECT m.id, m.number, m.name, m."group", m.tags, {SHOWN_OF_ALL} AS shown {_OFF_PAGE}
ORDER BY lower(m.name), m.number LIMIT $4
"""
COUNT_CANDIDATES = f"SELECT count(*) {_OFF_PAGE}"


async def candidates(
    conn: Connection, *, tenant_id: TenantId, page_id: UUID | None, q: str, limit: int
) -> tuple[list[Candidate], int]:
    """Monitors that are not on the page, by name, and how many there are.

    `q` is looked for in name, group and number without regard to case, or is a tag; empty is all.
    """
    rows = await conn.fetch(CANDIDATES, tenant_id, page_id, q, limit)
    total: int = await conn.fetchval(COUNT_CANDIDATES, tenant_id, page_id, q)
    return [Candidate(**row) for row in rows], total


MONITORS_WITH_TAGS = "SELECT id FROM monitors WHERE tenant_id = $1 AND tags && $2::text[] ORDER BY lower(name), number"


async def monitors_with_tags(conn: Connection, *, tenant_id: TenantId, tags: Sequence[str]) -> list[UUID]:
    """Those with any of these tags, by name."""
    return [row[0] for row in await conn.fetch(MONITORS_WITH_TAGS, tenant_id, list(tags))]


# Rows are made in the order of monitors, in which those that are deleted take their components along.
PLACE_MONITORS = """
INSERT INTO page_components (tenant_id, id, page_id, monitor_id, name, "group", write_source, position)
SELECT $1, t.id, $2, m.id, m.name, CASE WHEN $5 THEN coalesce(m."group", $6) ELSE $6 END, $7, t.place + (
    SELECT coalesce(max(position), 0) FROM page_components WHERE tenant_id = $1 AND page_id = $2)
FROM unnest($3::uuid[], $4::uuid[]) WITH ORDINALITY AS t (id, monitor_id, place)
JOIN monitors m ON m.tenant_id = $1 AND m.id = t.monitor_id
ORDER BY m.id
ON CONFLICT ON CONSTRAINT page_components_monitor_key DO NOTHING
RETURNING id
"""


async def place_monitors(
    conn: Connection,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    ids: Sequence[UUID],
    monitor_ids: Sequence[UUID],
    own_groups: bool,
    group: str | None,
    write_source: str,
) -> int:
    """Put monitors at the end of a page that is held, in this order, each under its own name; how many were put.

    `own_groups`: each stands under its monitor's group where it has one; all others under `group`. What is on the
    page already is left.
    """
    values = (list(ids), list(monitor_ids), own_groups, group, write_source)
    return len(await conn.fetch(PLACE_MONITORS, tenant_id, page_id, *values))


RENAME_HEADING = """
UPDATE page_components SET "group" = $4, write_source = $5, updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND page_id = $2 AND "group" = $3
"""


async def rename_heading(
    conn: Connection, *, tenant_id: TenantId, page_id: UUID, old: str, new: str | None, write_source: str
) -> None:
    """Give the heading another name on a page that is held; None takes it away."""
    await conn.execute(RENAME_HEADING, tenant_id, page_id, old, new, write_source)
