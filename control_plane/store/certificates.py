"""certificates: which ones a monitor has shown. Written by the lanes of ingest, under the monitor's state row."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class Sighting(Struct, frozen=True, kw_only=True):
    """A certificate that a result of this region carries. `fingerprint` is 64 hexadecimal digits, `slot` Unix ms.

    `not_after` in Unix seconds, as the agent read it.
    """

    monitor_id: UUID
    fingerprint: str
    slot: int
    check_version: int
    subject: str
    issuer: str
    not_after: int


class Shown(Struct, frozen=True, kw_only=True):
    """A certificate that this monitor has never shown. `previous` is the fingerprint of the one before; None: none."""

    monitor_id: UUID
    fingerprint: str
    region: str
    previous: str | None


class News(Struct, frozen=True):
    """Sightings that say something new, by index: never shown, and shown before but not yet on that day.

    Those of other check versions say nothing.
    """

    unknown: tuple[int, ...]
    stale: tuple[int, ...]


LANE_CERTIFICATE_NEWS = """
SELECT item.n, c.fingerprint IS NULL AS unknown
FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::int[])
    WITH ORDINALITY AS item (monitor_id, fingerprint, slot, check_version, n)
JOIN assignments a
    ON a.region_id = $1 AND a.monitor_id = item.monitor_id AND a.removed_at IS NULL
    AND a.check_version = item.check_version
LEFT JOIN certificates c
    ON c.tenant_id = a.tenant_id AND c.monitor_id = item.monitor_id AND c.fingerprint = item.fingerprint
WHERE c.fingerprint IS NULL OR c.last_seen < date_trunc('day', to_timestamp(item.slot / 1000.0), 'UTC')
"""


async def find_news(conn: Connection, sightings: Sequence[Sighting], *, region_id: int) -> News:
    """Which sightings say anything new. Reads only: what is unknown here may be known once its state row is locked."""
    rows = await conn.fetch(
        LANE_CERTIFICATE_NEWS,
        region_id,
        [s.monitor_id for s in sightings],
        [s.fingerprint for s in sightings],
        [s.slot for s in sightings],
        [s.check_version for s in sightings],
    )
    return News(
        unknown=tuple(row["n"] - 1 for row in rows if row["unknown"]),
        stale=tuple(row["n"] - 1 for row in rows if not row["unknown"]),
    )


LANE_ADD_CERTIFICATES = """
INSERT INTO certificates (tenant_id, monitor_id, fingerprint, first_seen, last_seen, region)
SELECT DISTINCT ON (item.monitor_id, item.fingerprint) a.tenant_id, item.monitor_id, item.fingerprint,
       to_timestamp(item.slot / 1000.0), date_trunc('day', to_timestamp(item.slot / 1000.0), 'UTC'), g.slug
FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::int[]) AS item (monitor_id, fingerprint, slot, check_version)
JOIN assignments a
    ON a.region_id = $1 AND a.monitor_id = item.monitor_id AND a.removed_at IS NULL
    AND a.check_version = item.check_version
JOIN regions g ON g.id = $1
ORDER BY item.monitor_id, item.fingerprint, item.slot
ON CONFLICT ON CONSTRAINT certificates_pkey DO NOTHING
RETURNING tenant_id, monitor_id, fingerprint
"""

# The one before is the one shown last among those that were first shown earlier: a late result is no change from a
# certificate that came after it.
LANE_CERTIFICATES_BEFORE = """
SELECT c.monitor_id, c.fingerprint, c.region, (
    SELECT older.fingerprint FROM certificates older
    WHERE older.tenant_id = c.tenant_id AND older.monitor_id = c.monitor_id AND older.first_seen < c.first_seen
    ORDER BY older.last_seen DESC, older.first_seen DESC, older.fingerprint LIMIT 1
) AS previous
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS wanted (tenant_id, monitor_id, fingerprint)
JOIN certificates c
    ON c.tenant_id = wanted.tenant_id AND c.monitor_id = wanted.monitor_id AND c.fingerprint = wanted.fingerprint
ORDER BY c.monitor_id, c.first_seen, c.fingerprint
"""


async def add_certificates(conn: Connection, sightings: Sequence[Sighting], *, region_id: int) -> list[Shown]:
    """Write down what was never shown; returns it, with what each monitor showed before. State rows are locked."""
    added = await conn.fetch(
        LANE_ADD_CERTIFICATES,
        region_id,
        [s.monitor_id for s in sightings],
        [s.fingerprint for s in sightings],
        [s.slot for s in sightings],
        [s.check_version for s in sightings],
    )
    if not added:
        return []
    turned = [[row[name] for row in added] for name in ("tenant_id", "monitor_id", "fingerprint")]
    rows = await conn.fetch(LANE_CERTIFICATES_BEFORE, *turned)
    return [Shown(**dict(row)) for row in rows]


# Whoever holds such a row writes the same day into it, so nobody waits for it, and nobody waits in a circle.
LANE_TOUCH_CERTIFICATES = """
UPDATE certificates c SET last_seen = today.day
FROM (
    SELECT held.tenant_id, held.monitor_id, held.fingerprint, item.day
    FROM (
        SELECT monitor_id, fingerprint, date_trunc('day', to_timestamp(max(slot) / 1000.0), 'UTC') AS day
        FROM unnest($2::uuid[], $3::text[], $4::bigint[]) AS t (monitor_id, fingerprint, slot)
        GROUP BY monitor_id, fingerprint
    ) item
    JOIN assignments a ON a.region_id = $1 AND a.monitor_id = item.monitor_id
    JOIN certificates held
        ON held.tenant_id = a.tenant_id AND held.monitor_id = item.monitor_id AND held.fingerprint = item.fingerprint
    FOR UPDATE OF held SKIP LOCKED
) today
WHERE c.tenant_id = today.tenant_id AND c.monitor_id = today.monitor_id AND c.fingerprint = today.fingerprint
    AND c.last_seen < today.day
"""


async def touch_certificates(conn: Connection, sightings: Sequence[Sighting], *, region_id: int) -> None:
    """Remember the day on which known certificates were shown again."""
    await conn.execute(
        LANE_TOUCH_CERTIFICATES,
        region_id,
        [s.monitor_id for s in sightings],
        [s.fingerprint for s in sightings],
        [s.slot for s in sightings],
    )


FORGET_CERTIFICATES = "DELETE FROM certificates WHERE tenant_id = $1 AND monitor_id = $2"


async def forget_certificates(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> None:
    """The monitor asks another server from now on: what that one shows is no change."""
    await conn.execute(FORGET_CERTIFICATES, tenant_id, monitor_id)
