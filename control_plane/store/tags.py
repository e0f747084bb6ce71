"""Tags and groups: words on monitors, counted over the tenant, renamed and taken away in one statement.

Neither is an object of its own: a tag is there while a monitor has it. Lock order: maintenance windows, then monitors,
each in ascending id; no state is wanted afterwards, because a verdict rests on neither word.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from control_plane.store.monitor_reads import SHOWN_OF_ALL
from control_plane.store.pool import Connection
from shared.ids import TenantId


class WordView(Struct, frozen=True):
    """A tag or group: how many monitors have it, and how many of those are shown as what."""

    name: str
    monitors: int
    up: int
    degraded: int
    down: int
    unknown: int
    maintenance: int
    paused: int


_COUNTS = """
SELECT word AS name, count(*) AS monitors, count(*) FILTER (WHERE shown = 'up') AS up,
    count(*) FILTER (WHERE shown = 'degraded') AS degraded, count(*) FILTER (WHERE shown = 'down') AS down,
    count(*) FILTER (WHERE shown = 'unknown') AS unknown, count(*) FILTER (WHERE shown = 'maintenance') AS maintenance,
    count(*) FILTER (WHERE shown = 'paused') AS paused
FROM worded WHERE ($2::text IS NULL OR strpos(lower(word), lower($2)) > 0) AND ($3::text IS NULL OR word = $3)
GROUP BY word
"""
_TAGGED = f"""
WITH worded AS (
    SELECT unnest(m.tags) AS word, {SHOWN_OF_ALL} AS shown
    FROM monitors m JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
    WHERE m.tenant_id = $1 AND ($3::text IS NULL OR m.tags @> ARRAY[$3])
), counted AS ({_COUNTS})
"""
_GROUPED = f"""
WITH worded AS (
    SELECT m."group" AS word, {SHOWN_OF_ALL} AS shown
    FROM monitors m JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
    WHERE m.tenant_id = $1 AND m."group" IS NOT NULL AND ($3::text IS NULL OR m."group" = $3)
), counted AS ({_COUNTS})
"""
_PAGE = """
SELECT *, count(*) OVER () AS total FROM counted
ORDER BY CASE WHEN $4 = '-name' THEN lower(name) END DESC,
    CASE WHEN $4 = 'monitors' THEN monitors WHEN $4 = '-monitors' THEN -monitors END,
    CASE WHEN $4 = 'state' THEN CASE WHEN down > 0 THEN 0 WHEN degraded > 0 THEN 1 WHEN unknown > 0 THEN 2 ELSE 3 END
        END,
    lower(name), name
LIMIT $5 OFFSET $6
"""

LIST_TAGS = f"{_TAGGED} {_PAGE}"
COUNT_TAGS = f"{_TAGGED} SELECT count(*) FROM counted"
LIST_GROUPS = f"{_GROUPED} {_PAGE}"
COUNT_GROUPS = f"{_GROUPED} SELECT count(*) FROM counted"


async def list_tags(
    conn: Connection, *, tenant_id: TenantId, q: str | None, sort: str, limit: int, offset: int
) -> tuple[list[WordView], int]:
    """A page of the tags of the tenant's monitors, and how many there are."""
    rows = await conn.fetch(LIST_TAGS, tenant_id, q, None, sort, limit, offset)
    total = rows[0]["total"] if rows else await conn.fetchval(COUNT_TAGS, tenant_id, q, None)
    return [_word(row) for row in rows], total


TAG_NAMES = """
SELECT tag FROM (SELECT DISTINCT unnest(tags) AS tag FROM monitors WHERE tenant_id = $1) AS used
ORDER BY lower(tag), tag LIMIT $2
"""


async def tag_names(conn: Connection, *, tenant_id: TenantId, limit: int) -> list[str]:
    """The tags of the tenant's monitors by name, the first `limit`."""
    return [row["tag"] for row in await conn.fetch(TAG_NAMES, tenant_id, limit)]


async def list_groups(
    conn: Connection, *, tenant_id: TenantId, q: str | None, sort: str, limit: int, offset: int
) -> tuple[list[WordView], int]:
    """A page of the groups of the tenant's monitors, and how many there are."""
    rows = await conn.fetch(LIST_GROUPS, tenant_id, q, None, sort, limit, offset)
    total = rows[0]["total"] if rows else await conn.fetchval(COUNT_GROUPS, tenant_id, q, None)
    return [_word(row) for row in rows], total


async def get_tag(conn: Connection, *, tenant_id: TenantId, name: str) -> WordView | None:
    """One tag; None when no monitor has it."""
    row = await conn.fetchrow(LIST_TAGS, tenant_id, None, name, "name", 1, 0)
    return None if row is None else _word(row)


async def get_group(conn: Connection, *, tenant_id: TenantId, name: str) -> WordView | None:
    """One group; None when no monitor is in it."""
    row = await conn.fetchrow(LIST_GROUPS, tenant_id, None, name, "name", 1, 0)
    return None if row is None else _word(row)


HOLD_TAGGED_WINDOWS = """
SELECT id FROM maintenance_windows WHERE tenant_id = $1 AND tags @> ARRAY[$2] ORDER BY id FOR NO KEY UPDATE
"""
RETAG_WINDOWS = """
UPDATE maintenance_windows
SET tags = CASE WHEN tags @> ARRAY[$4::text] THEN array_remove(tags, $3) ELSE array_replace(tags, $3, $4) END,
    updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
"""


async def retag_windows(conn: Connection, *, tenant_id: TenantId, old: str, new: str) -> None:
    """Let the maintenance windows that name a tag name the new one, so that they go on covering its monitors."""
    rows = await conn.fetch(HOLD_TAGGED_WINDOWS, tenant_id, old)
    await conn.execute(RETAG_WINDOWS, tenant_id, [row["id"] for row in rows], old, new)


HOLD_TAGGED = "SELECT id FROM monitors WHERE tenant_id = $1 AND tags @> ARRAY[$2] ORDER BY id FOR NO KEY UPDATE"


async def hold_tagged(conn: Connection, *, tenant_id: TenantId, tag: str) -> list[UUID]:
    """The monitors that have a tag, held against other writers until the transaction ends."""
    return [row["id"] for row in await conn.fetch(HOLD_TAGGED, tenant_id, tag)]


# A monitor that has the new one already keeps it once, where it stands.
RETAG = """
UPDATE monitors
SET tags = CASE WHEN $4::text IS NULL OR tags @> ARRAY[$4] THEN array_remove(tags, $3)
        ELSE array_replace(tags, $3, $4) END,
    write_source = $5, updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
"""


async def retag(
    conn: Connection, *, tenant_id: TenantId, monitor_ids: list[UUID], old: str, new: str | None, write_source: str
) -> None:
    """Put a tag in the place of another; None takes it away."""
    await conn.execute(RETAG, tenant_id, monitor_ids, old, new, write_source)


HOLD_GROUP = """
SELECT id FROM monitors WHERE tenant_id = $1 AND "group" = $2 ORDER BY id FOR NO KEY UPDATE
"""


async def hold_group(conn: Connection, *, tenant_id: TenantId, group: str) -> list[UUID]:
    """The monitors of a group, held against other writers until the transaction ends."""
    return [row["id"] for row in await conn.fetch(HOLD_GROUP, tenant_id, group)]


REGROUP = """
UPDATE monitors SET "group" = $3, write_source = $4, updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
"""


async def regroup(
    conn: Connection, *, tenant_id: TenantId, monitor_ids: list[UUID], new: str | None, write_source: str
) -> None:
    """Move monitors to a group; None to none."""
    await conn.execute(REGROUP, tenant_id, monitor_ids, new, write_source)


def _word(row: Connection) -> WordView:
    return WordView(**{name: value for name, value in row.items() if name != "total"})
