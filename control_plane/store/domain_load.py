"""How much is dispatched at registrable domains, over all tenants, and what monitors are directed at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection

ON_DEMAND_WINDOW_S = 60
"""What tests and check-nows of a domain are counted over."""


class OnDemandLoad(Struct, frozen=True):
    """Tests and check-nows of a domain within the window, and the age of the oldest of them in seconds."""

    count: int
    oldest_age_s: int


FLEET_ON_DEMAND = """
SELECT count(*) AS count,
    coalesce(extract(epoch FROM clock_timestamp()) - min(slot) / 1000.0, 0)::int AS oldest_age_s
FROM dispatches
WHERE domain = $1 AND kind IN ('test', 'check_now')
  AND slot > extract(epoch FROM clock_timestamp()) * 1000 - $2::int * 1000
"""


async def on_demand(conn: Connection, *, domain: str) -> OnDemandLoad:
    """What was asked of the domain within ON_DEMAND_WINDOW_S."""
    row = await conn.fetchrow(FLEET_ON_DEMAND, domain, ON_DEMAND_WINDOW_S)
    return OnDemandLoad(**row)


FLEET_WAITING_RECHECKS = """
SELECT domain, count(*) AS waiting
FROM dispatches
WHERE domain = ANY($1::text[]) AND kind = 'recheck' AND claimed_at IS NULL AND expires_at > clock_timestamp()
GROUP BY domain
"""


async def waiting_rechecks(conn: Connection, domains: Sequence[str]) -> dict[str, int]:
    """How many re-checks of each domain nobody has claimed yet."""
    if not domains:
        return {}
    rows = await conn.fetch(FLEET_WAITING_RECHECKS, list(domains))
    return {row["domain"]: row["waiting"] for row in rows}


TARGETS = """
SELECT m.id, coalesce(m."check" ->> 'url', m."check" ->> 'host', m."check" ->> 'name', m."check" ->> 'domain') AS target
FROM unnest($1::uuid[], $2::uuid[]) AS wanted (tenant_id, id)
JOIN monitors m ON m.tenant_id = wanted.tenant_id AND m.id = wanted.id
"""


async def targets(conn: Connection, monitors: Mapping[UUID, UUID]) -> dict[UUID, str]:
    """What each check is directed at; `monitors` is monitor → tenant. Kinds without regions are directed at nobody."""
    rows = await conn.fetch(TARGETS, list(monitors.values()), list(monitors))
    return {row["id"]: row["target"] for row in rows if row["target"] is not None}
