"""Lists of monitors: which ones match, in what order, and how many there are.

The page is found by ids first, from what filters and order need; only its monitors are then read in full. So a page far
into ten thousand monitors costs little more than the first one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store import monitors
from control_plane.store.monitor_reads import IN_MAINTENANCE_OF_ALL, SHOWN_OF_ALL, MonitorView, get_monitors
from control_plane.store.pool import Connection


class MonitorFilter(Struct, frozen=True, kw_only=True):
    """Which monitors; None does not filter. `q` is looked for in name, target and group, without regard to case."""

    q: str | None = None
    tags: Sequence[str] = ()
    """A monitor has them all."""
    enabled: bool | None = None
    kind: str | None = None
    verdict: str | None = None
    group: str | None = None
    state: str | None = None
    """What it is shown as: paused, maintenance, or a verdict."""
    region: str | None = None
    key: str | None = None
    owner: str | None = None
    number: int | None = None
    incident: bool | None = None
    """Whether an incident of it, or one declared about it, is open."""


_ALL = MonitorFilter()

_FILTER = f"""
WHERE m.tenant_id = $1
    AND ($2::text IS NULL OR strpos(lower(m.name), lower($2)) > 0
        OR strpos(lower(concat_ws(' ', m."check" ->> 'url', m."check" ->> 'host', m."check" ->> 'name',
            m."check" ->> 'domain')), lower($2)) > 0
        OR strpos(lower(coalesce(m."group", '')), lower($2)) > 0)
    AND ($3::text[] = '{{}}' OR m.tags @> $3)
    AND ($4::boolean IS NULL OR m.enabled = $4)
    AND ($5::text IS NULL OR m.kind = $5)
    AND ($6::text IS NULL OR s.verdict = $6)
    AND ($7::text IS NULL OR m."group" = $7)
    AND ($8::text IS NULL OR $8 = {SHOWN_OF_ALL})
    AND ($9::text IS NULL OR (SELECT r.id FROM regions r
        WHERE r.slug = $9 AND (r.tenant_id IS NULL OR r.tenant_id = $1)) = ANY (m.regions))
    AND ($10::text IS NULL OR m.key = $10)
    AND ($11::text IS NULL OR m.owner = $11)
    AND ($12::bigint IS NULL OR m.number = $12)
    AND ($13::boolean IS NULL OR $13 = (m.id IN (
        SELECT i.monitor_id FROM incidents i
        WHERE i.tenant_id = $1 AND i.state <> 'resolved' AND i.monitor_id IS NOT NULL
        UNION ALL
        SELECT c.monitor_id FROM incidents i
        JOIN incident_monitors c ON c.tenant_id = i.tenant_id AND c.incident_id = i.id
        WHERE i.tenant_id = $1 AND i.state <> 'resolved')))
"""

# Every monitor has a state. LEFT lets the planner leave them out where no filter and no order asks for them.
_MATCHING = f"""
FROM monitors m LEFT JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
{_FILTER}
"""
_PAGE = "LIMIT $14 OFFSET $15"
# How many there are without a filter comes along, from an index alone, where it is asked for ($16): a plan of its own,
# run once, and one way to the database less for the page that people look at most.
_FOUND = "m.id, CASE WHEN $16::boolean THEN (SELECT count(*) FROM monitors WHERE tenant_id = $1) END AS total"
_BADNESS = "array_position(ARRAY['down', 'degraded', 'unknown', 'up'], s.verdict)"

BY_NUMBER = f"SELECT {_FOUND} {_MATCHING} ORDER BY m.number {_PAGE}"
BY_NUMBER_DOWN = f"SELECT {_FOUND} {_MATCHING} ORDER BY m.number DESC {_PAGE}"
BY_NAME = f"SELECT {_FOUND} {_MATCHING} ORDER BY lower(m.name), m.number {_PAGE}"
BY_NAME_DOWN = f"SELECT {_FOUND} {_MATCHING} ORDER BY lower(m.name) DESC, m.number DESC {_PAGE}"
BY_UPDATED_AT = f"SELECT {_FOUND} {_MATCHING} ORDER BY m.updated_at, m.number {_PAGE}"
BY_UPDATED_AT_DOWN = f"SELECT {_FOUND} {_MATCHING} ORDER BY m.updated_at DESC, m.number DESC {_PAGE}"
BY_VERDICT = f"SELECT {_FOUND} {_MATCHING} ORDER BY {_BADNESS}, m.number {_PAGE}"
BY_VERDICT_DOWN = f"SELECT {_FOUND} {_MATCHING} ORDER BY {_BADNESS} DESC, m.number {_PAGE}"
_ATTENTION = f"CASE WHEN NOT m.enabled THEN 6 WHEN {IN_MAINTENANCE_OF_ALL} THEN 5 ELSE {_BADNESS} END, m.number"
BY_ATTENTION = f"SELECT {_FOUND} {_MATCHING} ORDER BY {_ATTENTION} {_PAGE}"
BY_GROUP = f"""
SELECT {_FOUND} {_MATCHING} ORDER BY lower(m."group") NULLS LAST, m."group", {_ATTENTION} {_PAGE}
"""

SORTS: Mapping[str, str] = {
    "number": BY_NUMBER,
    "-number": BY_NUMBER_DOWN,
    "name": BY_NAME,
    "-name": BY_NAME_DOWN,
    "updated_at": BY_UPDATED_AT,
    "-updated_at": BY_UPDATED_AT_DOWN,
    "verdict": BY_VERDICT,
    "-verdict": BY_VERDICT_DOWN,
    "attention": BY_ATTENTION,
    "group": BY_GROUP,
}
"""`verdict` puts the worst first, `attention` also those in maintenance and the paused ones last; `group` puts group
after group, and each by attention."""

_COUNTING = {sort: statement.replace(_FOUND, "m.id, count(*) OVER () AS total") for sort, statement in SORTS.items()}
"""The same, and how many match: looked through once, where a page and a count would each look at all of them."""


async def list_monitors(
    conn: Connection, *, tenant_id: UUID, wanted: MonitorFilter, sort: str, limit: int, offset: int
) -> list[MonitorView]:
    """One page of the tenant's monitors; `sort` is one of SORTS."""
    records = await conn.fetch(SORTS[sort], tenant_id, *_arguments(wanted), limit, offset, False)
    return await get_monitors(conn, tenant_id=tenant_id, monitor_ids=[record["id"] for record in records])


async def page_of_monitors(
    conn: Connection, *, tenant_id: UUID, wanted: MonitorFilter, sort: str, limit: int, offset: int
) -> tuple[list[MonitorView], int]:
    """The same, and how many match in all."""
    arguments = (tenant_id, *_arguments(wanted), limit, offset)
    whole = wanted == _ALL
    records = await (conn.fetch(SORTS[sort], *arguments, True) if whole else conn.fetch(_COUNTING[sort], *arguments))
    views = await get_monitors(conn, tenant_id=tenant_id, monitor_ids=[record["id"] for record in records])
    if records:
        return views, records[0]["total"]
    return views, await count_monitors(conn, tenant_id=tenant_id, wanted=wanted) if offset else 0


async def find_ids(conn: Connection, *, tenant_id: UUID, wanted: MonitorFilter, limit: int) -> list[UUID]:
    """The ids of the tenant's monitors that match, by number."""
    records = await conn.fetch(BY_NUMBER, tenant_id, *_arguments(wanted), limit, 0, False)
    return [record["id"] for record in records]


COUNT_MONITORS = f"SELECT count(*) {_MATCHING}"


async def count_monitors(conn: Connection, *, tenant_id: UUID, wanted: MonitorFilter) -> int:
    """How many of the tenant's monitors match. All of them are counted from an index alone."""
    if wanted == _ALL:
        return await monitors.count_monitors(conn, tenant_id=tenant_id)
    total: int = await conn.fetchval(COUNT_MONITORS, tenant_id, *_arguments(wanted))
    return total


def _arguments(wanted: MonitorFilter) -> tuple[Any, ...]:
    return (
        wanted.q,
        list(wanted.tags),
        wanted.enabled,
        wanted.kind,
        wanted.verdict,
        wanted.group,
        wanted.state,
        wanted.region,
        wanted.key,
        wanted.owner,
        wanted.number,
        wanted.incident,
    )
