"""Ports that tenants have lately named for checks: kept for an hour, bounded for each tenant."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.domain.safety.safety_scan import Touch
from control_plane.store.pool import Connection

WINDOW_S = 3600
"""What distinct ports and hosts are counted over."""

MOST = 20_000
"""Rows of one tenant; beyond them nothing new is noted until older ones are forgotten."""

NOTE = """
INSERT INTO port_touches (tenant_id, host, port)
SELECT $1, host, port FROM unnest($2::text[], $3::integer[]) AS t (host, port)
WHERE (SELECT count(*) FROM (SELECT FROM port_touches WHERE tenant_id = $1 LIMIT $4) known) < $4
ORDER BY host, port
ON CONFLICT (tenant_id, host, port) DO UPDATE SET at = excluded.at
"""


async def note(conn: Connection, *, tenant_id: UUID, touches: Collection[Touch]) -> None:
    """Remember that these ports were named now."""
    once = sorted({(touch.host, touch.port) for touch in touches})
    hosts, ports = [host for host, _ in once], [port for _, port in once]
    await conn.execute(NOTE, tenant_id, hosts, ports, MOST)


class Found(Struct, frozen=True):
    """The most ports of one of the hosts, and the most hosts on one of the ports, within the window."""

    ports: int
    hosts: int


COUNT = """
SELECT
    coalesce((SELECT max(n) FROM (SELECT count(*) AS n FROM port_touches
        WHERE tenant_id = $1 AND host = ANY($2::text[]) AND at > clock_timestamp() - $4::integer * interval '1 second'
        GROUP BY host) by_host), 0)::integer AS ports,
    coalesce((SELECT max(n) FROM (SELECT count(*) AS n FROM port_touches
        WHERE tenant_id = $1 AND port = ANY($3::integer[])
            AND at > clock_timestamp() - $4::integer * interval '1 second'
        GROUP BY port) by_port), 0)::integer AS hosts
"""


async def count(conn: Connection, *, tenant_id: UUID, hosts: Sequence[str], ports: Sequence[int]) -> Found:
    return Found(**await conn.fetchrow(COUNT, tenant_id, list(hosts), list(ports), WINDOW_S))


FLEET_FORGET = "DELETE FROM port_touches WHERE at < clock_timestamp() - $1::integer * interval '1 second'"


async def forget(conn: Connection) -> None:
    """Drop what is older than the window."""
    await conn.execute(FLEET_FORGET, WINDOW_S)


class Suspect(Struct, frozen=True):
    """A tenant at a limit: how many ports of `host`, or hosts on `port`, it names, and since when."""

    tenant_id: UUID
    tenant: str
    ports: int
    hosts: int
    host: str | None
    port: int | None
    since: datetime


FLEET_SUSPECTS = """
WITH recent AS (
    SELECT * FROM port_touches WHERE at > clock_timestamp() - $1::integer * interval '1 second'
), found AS (
    SELECT tenant_id, max(n) AS ports, 0::bigint AS hosts, (array_agg(host ORDER BY n DESC, host))[1] AS host,
        NULL::integer AS port, min(since) AS since
    FROM (SELECT tenant_id, host, count(*) AS n, min(at) AS since FROM recent GROUP BY tenant_id, host) h
    WHERE n >= $2 AND $2 > 0 GROUP BY tenant_id
    UNION ALL
    SELECT tenant_id, 0, max(n), NULL, (array_agg(port ORDER BY n DESC, port))[1], min(since)
    FROM (SELECT tenant_id, port, count(*) AS n, min(at) AS since FROM recent GROUP BY tenant_id, port) p
    WHERE n >= $3 AND $3 > 0 GROUP BY tenant_id
)
SELECT f.tenant_id, t.name AS tenant, max(f.ports)::integer AS ports, max(f.hosts)::integer AS hosts,
    max(f.host) AS host, max(f.port) AS port, min(f.since) AS since
FROM found f JOIN tenants t ON t.id = f.tenant_id GROUP BY f.tenant_id, t.name ORDER BY f.tenant_id
"""


async def suspects(conn: Connection, *, ports_per_host: int, hosts_per_port: int) -> list[Suspect]:
    """Tenants that have reached one of the limits within the window."""
    rows = await conn.fetch(FLEET_SUSPECTS, WINDOW_S, ports_per_host, hosts_per_port)
    return [Suspect(**row) for row in rows]
