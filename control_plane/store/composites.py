"""Composites: whose verdicts count for them now. Membership by tag is live: it is read at each judgement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec

from control_plane.domain.checks.composite_check import CompositeCheck
from control_plane.domain.judging.composite import Member, sole_vote
from control_plane.domain.judging.sole_vote import SoleVote
from control_plane.store.pool import Connection
from shared.clock import to_unix_ms


class Owned(Protocol):
    """A row that says whose it is: a locked state."""

    @property
    def tenant_id(self) -> UUID: ...
    @property
    def monitor_id(self) -> UUID: ...


# Which monitors count for the composites c (tenant_id, id, of): those listed that are still there, or those that have
# the tag. A tag never means a composite, so that one that has its own tag does not count for itself.
_MEMBERS = """
SELECT c.tenant_id, c.id AS composite_id, m.id, m.name, m.enabled
FROM composite c
CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(c.members -> 'monitors', '[]')) AS listed (id)
JOIN monitors m ON m.tenant_id = c.tenant_id AND m.id = listed.id::uuid
UNION ALL
SELECT c.tenant_id, c.id, m.id, m.name, m.enabled
FROM composite c
JOIN monitors m ON m.tenant_id = c.tenant_id AND m.tags @> ARRAY[c.members ->> 'tag'] AND m.kind <> 'composite'
WHERE c.members ? 'tag'
"""

COMPOSITES = """
SELECT m.id, m."check" FROM unnest($1::uuid[], $2::uuid[]) AS wanted (tenant_id, id)
JOIN monitors m ON m.tenant_id = wanted.tenant_id AND m.id = wanted.id
WHERE m.kind = 'composite' AND m.enabled
"""

MEMBERS = f"""
WITH composite AS (
    SELECT m.tenant_id, m.id, m."check" -> 'of' AS members
    FROM unnest($1::uuid[], $2::uuid[]) AS wanted (tenant_id, id)
    JOIN monitors m ON m.tenant_id = wanted.tenant_id AND m.id = wanted.id
    WHERE m.kind = 'composite' AND m.enabled
)
SELECT member.composite_id, member.id, member.name, member.enabled, s.verdict, s.since
FROM ({_MEMBERS}) AS member
JOIN monitor_states s ON s.tenant_id = member.tenant_id AND s.monitor_id = member.id
ORDER BY member.composite_id, member.id
"""


async def members(conn: Connection, owned: Sequence[Owned]) -> dict[UUID, list[Member]]:
    """The members of each composite among these monitors, with their verdicts as committed."""
    found: dict[UUID, list[Member]] = {}
    for row in await conn.fetch(MEMBERS, [one.tenant_id for one in owned], [one.monitor_id for one in owned]):
        found.setdefault(row["composite_id"], []).append(
            Member(
                id=row["id"],
                name=row["name"],
                verdict=row["verdict"],
                since_ms=to_unix_ms(row["since"]),
                enabled=row["enabled"],
            )
        )
    return found


async def sole_votes(conn: Connection, states: Sequence[Owned], _now_ms: int) -> dict[UUID, SoleVote]:
    """What its members say of each composite among these monitors. A paused one has no vote, nor one of a newer kind.

    The instant does not matter: verdicts do not change by time alone, and whoever judges a member writes it down.
    """
    rows = await conn.fetch(COMPOSITES, [one.tenant_id for one in states], [one.monitor_id for one in states])
    counted = await members(conn, states) if rows else {}
    votes = {}
    for row in rows:
        check = _check(row["check"])
        if check is not None:
            votes[row["id"]] = sole_vote(counted.get(row["id"], ()), at_least=check.at_least)
    return votes


def _check(document: Any) -> CompositeCheck | None:
    try:
        return msgspec.convert(document, type=CompositeCheck)
    except msgspec.ValidationError:
        return None


# The rules of domain/judging/composite.py as a question to all tenants at once; a test holds the two together. What has
# a tag is gathered first, once for all composites: joined to each in turn, tenants' monitors would be read for each.
LANE_STALE_COMPOSITES = """
WITH composite AS (
    SELECT tenant_id, id, ("check" ->> 'at_least')::integer AS at_least, "check" -> 'of' AS members
    FROM monitors WHERE kind = 'composite' AND enabled
), tagged AS MATERIALIZED (
    SELECT m.tenant_id, m.id, word.tag FROM monitors m CROSS JOIN LATERAL unnest(m.tags) AS word (tag)
    WHERE m.kind <> 'composite'
      AND m.tenant_id = ANY (ARRAY(SELECT tenant_id FROM composite WHERE members ? 'tag'))
      AND m.tags && ARRAY(SELECT members ->> 'tag' FROM composite WHERE members ? 'tag')
), member AS (
    SELECT c.tenant_id, c.id AS composite_id, listed.id::uuid AS id
    FROM composite c
    CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(c.members -> 'monitors', '[]')) AS listed (id)
    UNION ALL
    SELECT c.tenant_id, c.id, tagged.id
    FROM composite c
    JOIN tagged ON tagged.tenant_id = c.tenant_id AND tagged.tag = c.members ->> 'tag'
), said AS (
    SELECT c.tenant_id, c.id, c.at_least, count(m.id) AS counted,
           count(*) FILTER (WHERE m.id IS NOT NULL AND s.verdict IN ('up', 'degraded')) AS up,
           count(*) FILTER (WHERE m.id IS NOT NULL AND s.verdict = 'down') AS down
    FROM composite c
    LEFT JOIN member ON member.tenant_id = c.tenant_id AND member.composite_id = c.id
    LEFT JOIN monitors m ON m.tenant_id = c.tenant_id AND m.id = member.id AND m.enabled
    LEFT JOIN monitor_states s ON s.tenant_id = c.tenant_id AND s.monitor_id = member.id
    GROUP BY c.tenant_id, c.id, c.at_least
), now AS (
    SELECT tenant_id, id, counted > 0 AND up >= least(at_least, counted) AS up,
           down > counted - least(at_least, counted) AS down
    FROM said
)
SELECT s.monitor_id
FROM now JOIN monitor_states s ON s.tenant_id = now.tenant_id AND s.monitor_id = now.id
WHERE (s.fresh_up, s.fresh_down) IS DISTINCT FROM (now.up::integer, now.down::integer)
ORDER BY s.monitor_id
LIMIT $1
"""


async def stale(conn: Connection, _now_ms: int, limit: int) -> list[UUID]:
    """Composites whose vote is no longer that of their last judgement; the instant does not matter."""
    return [row["monitor_id"] for row in await conn.fetch(LANE_STALE_COMPOSITES, limit)]


# Only lists make edges: a tag never means a composite.
COMPOSITES_BELOW = """
WITH RECURSIVE reached (id) AS (
    SELECT unnest($2::uuid[])
    UNION
    SELECT listed.id::uuid FROM reached r
    JOIN monitors m ON m.tenant_id = $1 AND m.id = r.id AND m.kind = 'composite'
    CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(m."check" #> '{of,monitors}', '[]')) AS listed (id)
)
SELECT m.id, ARRAY(SELECT listed.id::uuid FROM jsonb_array_elements_text(m."check" #> '{of,monitors}') AS listed (id))
    AS members
FROM reached r JOIN monitors m ON m.tenant_id = $1 AND m.id = r.id AND m.kind = 'composite'
WHERE m."check" #> '{of,monitors}' IS NOT NULL
"""


async def composites_below(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Which monitors each composite among these lists, and which the composites among those do, to the end."""
    records = await conn.fetch(COMPOSITES_BELOW, tenant_id, list(monitor_ids))
    return {record["id"]: record["members"] for record in records}
