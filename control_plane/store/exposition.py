"""What Prometheus is told of a tenant's monitors: two statements, however many monitors there are."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.domain.fleet.exposition import Probe, Watched, label, labels_of, read_facts
from control_plane.store.pool import Connection

_ROWS = 1000


class Which(Struct, frozen=True):
    """Which monitors; None does not filter."""

    tag: str | None = None
    group: str | None = None
    kind: str | None = None


_WHICH = """m.tenant_id = $1 AND ($2::text IS NULL OR m.tags @> ARRAY[$2]) AND ($3::text IS NULL OR m."group" = $3)
    AND ($4::text IS NULL OR m.kind = $4)"""

EXPOSED_MONITORS = f"""
SELECT m.id, m.number, m.name, m.kind, m."group", m.tags, m.enabled, s.verdict, s.since,
       kept.monitor_id IS NOT NULL AS in_maintenance, open.monitor_id IS NOT NULL AS incident_open
FROM monitors m
JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
LEFT JOIN (SELECT DISTINCT p.monitor_id FROM monitor_periods p
    WHERE p.tenant_id = $1 AND p.kind = 'maintenance' AND p.starts_at <= clock_timestamp()
        AND (p.ends_at IS NULL OR p.ends_at > clock_timestamp())) AS kept ON kept.monitor_id = m.id
LEFT JOIN (SELECT i.monitor_id FROM incidents i
    WHERE i.tenant_id = $1 AND i.origin = 'monitor' AND i.state <> 'resolved') AS open ON open.monitor_id = m.id
WHERE {_WHICH}
ORDER BY m.number
"""


class Monitors(Struct, frozen=True):
    """The monitors, and by id what of them their probes need: kind and labels."""

    watched: list[Watched]
    by_id: dict[UUID, tuple[str, str]]


async def monitors(conn: Connection, *, tenant_id: UUID, which: Which) -> Monitors:
    """The tenant's monitors in the order of their numbers."""
    watched, by_id = [], {}
    for row in await conn.fetch(EXPOSED_MONITORS, tenant_id, which.tag, which.group, which.kind):
        one = _watched(row)
        watched.append(one)
        by_id[row["id"]] = (row["kind"], one.labels)
    return Monitors(watched, by_id)


def _watched(row: Any) -> Watched:
    since: datetime = row["since"]
    return Watched(
        id=str(row["id"]),
        tags=row["tags"],
        labels=labels_of(monitor=row["name"], number=row["number"], kind=row["kind"], group=row["group"]),
        verdict=row["verdict"],
        since_s=since.timestamp(),
        enabled=row["enabled"],
        in_maintenance=row["in_maintenance"],
        incident_open=row["incident_open"],
    )


# A vote knows the slot of the newest result that counts, so that row is found by its key: OFFSET 0 keeps the planner
# from reading whole partitions instead. A result counts for its vote's window, of the check as it is now.
EXPOSED_PROBES = f"""
SELECT m.id, r.slug, seen.slot, seen.outcome, seen.reason, seen.http_status, seen.dns_us, seen.connect_us, seen.tls_us,
       seen.ttfb_us, seen.download_us, seen.total_us, seen.detail
FROM monitors m
JOIN votes v ON v.tenant_id = m.tenant_id AND v.monitor_id = m.id AND v.check_version = m.check_version
    AND v.region_id = ANY(m.regions) AND v.newest_slot > 0
    AND v.newest_slot + v.window_ms > (extract(epoch FROM clock_timestamp()) * 1000)::bigint
JOIN regions r ON r.id = v.region_id
CROSS JOIN LATERAL (SELECT * FROM results x
    WHERE x.monitor_id = v.monitor_id AND x.region_id = v.region_id AND x.slot = v.newest_slot
        AND x.tenant_id = $1 AND x.outcome < 3 OFFSET 0) AS seen
WHERE m.enabled AND {_WHICH}
"""


async def probes(conn: Connection, *, tenant_id: UUID, which: Which, of: Monitors) -> list[Probe]:
    """The newest result of each region of these monitors, as long as it counts. Needs a transaction.

    Read in parts: turning them into values all at once would hold up the event loop.
    """
    found: list[Probe] = []
    cursor = await conn.cursor(EXPOSED_PROBES, tenant_id, which.tag, which.group, which.kind)
    while rows := await cursor.fetch(_ROWS):
        found += [_probe(row, *of.by_id[row[0]]) for row in rows if row[0] in of.by_id]
    return found


def _probe(row: Any, kind: str, labels: str) -> Probe:
    _, region, slot, outcome, reason, status, dns, connect, tls, ttfb, download, total, detail = row
    return Probe(
        kind=kind,
        labels=f"{labels},{label('region', region)}",
        slot=slot,
        outcome=outcome,
        reason=reason,
        http_status=status,
        dns_us=dns,
        connect_us=connect,
        tls_us=tls,
        ttfb_us=ttfb,
        download_us=download,
        total_us=total,
        facts=read_facts(detail),
    )


class Discovered(Struct, frozen=True, kw_only=True):
    """A running monitor that regions check. `check` is as it is stored; `interval_s` in seconds."""

    id: UUID
    number: int
    name: str
    kind: str
    group: str | None
    tags: list[str]
    severity: str
    owner: str | None
    interval_s: int
    check: dict[str, Any]
    regions: list[str]


EXPOSED_TARGETS = f"""
SELECT m.id, m.number, m.name, m.kind, m."group", m.tags, m.severity, m.owner, m.interval_s, m."check",
       ARRAY(SELECT r.slug FROM regions r WHERE r.id = ANY(m.regions) ORDER BY r.id) AS regions
FROM monitors m
WHERE m.enabled AND m.regions <> '{{}}' AND {_WHICH}
ORDER BY m.number
"""


async def targets(conn: Connection, *, tenant_id: UUID, which: Which) -> list[Discovered]:
    """What the tenant's running monitors look at, in the order of their numbers."""
    rows = await conn.fetch(EXPOSED_TARGETS, tenant_id, which.tag, which.group, which.kind)
    return [Discovered(**row) for row in rows]
