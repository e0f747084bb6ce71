"""The hot path: one statement stores a batch of results and moves the votes that they agree with.

Lane statements: keyed by region and monitor, since a probe key has no tenant. tenant_id is copied from the assignment.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.store.pool import Connection

_LANE_CLASS = 1
"""First key of the advisory locks of region lanes."""

_encode = msgspec.json.Encoder().encode


class Columns(Struct, frozen=True):
    """A batch turned on its side: one sequence per column, all of one length. Outcomes and reasons by number.

    Timings are in microseconds; `detail` is a JSON object each.
    """

    monitor_id: Sequence[UUID]
    slot: Sequence[int]
    check_version: Sequence[int]
    outcome: Sequence[int]
    reason: Sequence[int]
    http_status: Sequence[int | None]
    dns_us: Sequence[int | None]
    connect_us: Sequence[int | None]
    tls_us: Sequence[int | None]
    ttfb_us: Sequence[int | None]
    download_us: Sequence[int | None]
    total_us: Sequence[int | None]
    detail: Sequence[str | None]


class Stored(Struct, frozen=True):
    """What the statement did. `unsteady`: new real results whose vote did not move; `new` is None when all were new."""

    unsteady: Sequence[tuple[UUID, int]]
    new: Sequence[tuple[UUID, int]] | None


LANE_ENTER = """
WITH entered AS MATERIALIZED (SELECT pg_advisory_xact_lock($1, $2))
SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
       EXISTS (SELECT FROM results WHERE monitor_id = $3 AND region_id = $2 AND slot = $4) AS seen_before
FROM entered
"""


async def enter_lane(conn: Connection, *, region_id: int, sample: tuple[UUID, int] | None) -> tuple[int, bool]:
    """Wait for the region's lane and hold it until commit.

    Returns the database's clock in Unix ms, and whether the sample was stored before: a hint that this batch is sent
    again (read at the statement's start, so not a proof).
    """
    row = await conn.fetchrow(LANE_ENTER, _LANE_CLASS, region_id, *(sample or (None, None)))
    return row["now_ms"], row["seen_before"]


LANE_KNOWN = """
SELECT array_agg(item.n) FROM unnest($2::uuid[], $3::text::bigint[]) WITH ORDINALITY AS item (monitor_id, slot, n)
JOIN results r ON r.monitor_id = item.monitor_id AND r.region_id = $1 AND r.slot = item.slot
WHERE r.outcome < 3
"""


async def known(conn: Connection, *, region_id: int, monitor_ids: Sequence[UUID], slots: Sequence[int]) -> set[int]:
    """Which of these pairs, by index, have a real result already: a batch sent again costs no more than this."""
    found = await conn.fetchval(LANE_KNOWN, region_id, monitor_ids, literal(slots))
    return {n - 1 for n in found or ()}


def literal(numbers: Sequence[int | None]) -> str | None:
    """These numbers as PostgreSQL writes an array, for a parameter of type text; None where none is there.

    An array as such is looked at item by item, in Python's own terms, before it is sent: several times the cost.
    """
    if numbers and numbers[0] is None and numbers.count(None) == len(numbers):
        return None
    return "{" + _encode(numbers)[1:-1].decode() + "}"


LANE_STORE = """
WITH item AS (
    SELECT * FROM ROWS FROM (
        unnest($4::uuid[], $5::text::bigint[], $6::text::int[], $7::text::smallint[], $8::text::smallint[],
            $9::text::smallint[], $10::text::int[], $11::text::int[], $12::text::int[], $13::text::int[],
            $14::text::int[], $15::text::int[]),
        json_array_elements($16::json)
    ) AS t (monitor_id, slot, check_version, outcome, reason, http_status,
            dns_us, connect_us, tls_us, ttfb_us, download_us, total_us, detail)
), stored AS (
    INSERT INTO results (monitor_id, slot, region_id, agent_number, tenant_id, check_version, outcome, reason,
                         http_status, dns_us, connect_us, tls_us, ttfb_us, download_us, total_us, detail)
    SELECT item.monitor_id, item.slot, $1, $2, a.tenant_id, item.check_version, item.outcome, item.reason,
           item.http_status, item.dns_us, item.connect_us, item.tls_us, item.ttfb_us, item.download_us,
           item.total_us, nullif(item.detail::text, 'null')
    FROM item JOIN assignments a ON a.region_id = $1 AND a.monitor_id = item.monitor_id
    ON CONFLICT (monitor_id, region_id, slot) DO NOTHING
    RETURNING monitor_id, slot, check_version, outcome
), span AS (
    SELECT monitor_id, min(check_version) AS check_version, max(check_version) AS newest_version,
           min(slot) AS oldest, max(slot) AS newest, min(outcome) AS lowest, max(outcome) AS highest,
           count(*)::int AS slots
    FROM stored WHERE outcome < 3
    GROUP BY monitor_id
), steady AS (
    UPDATE votes v
    SET newest_slot = span.newest,
        bad_run = CASE WHEN span.lowest = 2 THEN v.bad_run + span.slots ELSE 0 END,
        good_run = CASE WHEN span.lowest = 2 THEN 0 ELSE v.good_run + span.slots END,
        degraded_run = CASE WHEN span.lowest = 1 THEN v.degraded_run + span.slots ELSE 0 END
    FROM span
    WHERE $3::bigint IS NOT NULL AND v.region_id = $1 AND v.monitor_id = span.monitor_id
      AND v.check_version = span.check_version AND span.newest_version = span.check_version
      AND v.steady = span.lowest AND span.highest = span.lowest
      AND span.oldest > v.newest_slot AND v.newest_slot + v.window_ms >= span.newest
      AND v.newest_slot + v.window_ms > $3
    RETURNING v.monitor_id
), unsteady AS (
    SELECT monitor_id, slot FROM stored
    WHERE outcome < 3 AND monitor_id NOT IN (SELECT monitor_id FROM steady)
)
SELECT ARRAY(SELECT monitor_id FROM unsteady ORDER BY monitor_id, slot) AS unsteady_monitors,
       ARRAY(SELECT slot FROM unsteady ORDER BY monitor_id, slot) AS unsteady_slots,
       all_new,
       CASE WHEN NOT all_new THEN ARRAY(SELECT monitor_id FROM stored ORDER BY monitor_id, slot) END AS new_monitors,
       CASE WHEN NOT all_new THEN ARRAY(SELECT slot FROM stored ORDER BY monitor_id, slot) END AS new_slots
FROM (SELECT (SELECT count(*) FROM stored) = cardinality($4::uuid[]) AS all_new) AS whole
"""


async def store_results(
    conn: Connection, *, region_id: int, agent_number: int, now_ms: int | None, columns: Columns
) -> Stored:
    """Insert what is new and move the votes that agree with it. `now_ms` None: store only, no vote moves."""
    row = await conn.fetchrow(
        LANE_STORE,
        region_id,
        agent_number,
        now_ms,
        columns.monitor_id,
        literal(columns.slot),
        literal(columns.check_version),
        literal(columns.outcome),
        literal(columns.reason),
        literal(columns.http_status),
        literal(columns.dns_us),
        literal(columns.connect_us),
        literal(columns.tls_us),
        literal(columns.ttfb_us),
        literal(columns.download_us),
        literal(columns.total_us),
        _objects(columns.detail),
    )
    unsteady = list(zip(row["unsteady_monitors"], row["unsteady_slots"], strict=True))
    if row["all_new"]:
        return Stored(unsteady, None)
    return Stored(unsteady, list(zip(row["new_monitors"], row["new_slots"], strict=True)))


def _objects(texts: Sequence[str | None]) -> str | None:
    """JSON objects as one JSON array; None where none is there."""
    return "[" + ",".join([text or "null" for text in texts]) + "]" if any(texts) else None


LANE_REPLACE_ERRORS = """
WITH item AS (
    SELECT * FROM unnest(
        $3::uuid[], $4::bigint[], $5::int[], $6::smallint[], $7::smallint[], $8::smallint[],
        $9::int[], $10::int[], $11::int[], $12::int[], $13::int[], $14::int[], $15::text[]
    ) AS t (monitor_id, slot, check_version, outcome, reason, http_status,
            dns_us, connect_us, tls_us, ttfb_us, download_us, total_us, detail)
)
UPDATE results r
SET agent_number = $2, check_version = item.check_version, outcome = item.outcome, reason = item.reason,
    http_status = item.http_status, dns_us = item.dns_us, connect_us = item.connect_us, tls_us = item.tls_us,
    ttfb_us = item.ttfb_us, download_us = item.download_us, total_us = item.total_us, detail = item.detail
FROM item
WHERE r.monitor_id = item.monitor_id AND r.region_id = $1 AND r.slot = item.slot AND r.outcome = 3 AND item.outcome < 3
RETURNING r.monitor_id, r.slot
"""


async def replace_errors(
    conn: Connection, *, region_id: int, agent_number: int, columns: Columns, new: Collection[tuple[UUID, int]]
) -> set[tuple[UUID, int]]:
    """An error yields to a later real result of its slot. Rows that are `new` are left alone; returns what changed."""
    names = Columns.__struct_fields__
    table = zip(*(getattr(columns, name) for name in names), strict=True)
    old = [row for row in table if (row[0], row[1]) not in new]
    if not old:
        return set()
    turned = [list(column) for column in zip(*old, strict=True)]
    rows = await conn.fetch(LANE_REPLACE_ERRORS, region_id, agent_number, *turned)
    return {(row["monitor_id"], row["slot"]) for row in rows}


LANE_ASSIGNED = "SELECT monitor_id FROM assignments WHERE region_id = $1 AND monitor_id = ANY($2::uuid[])"


async def assigned(conn: Connection, *, region_id: int, monitor_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these monitors the region runs, or ran until lately."""
    rows = await conn.fetch(LANE_ASSIGNED, region_id, monitor_ids)
    return {row["monitor_id"] for row in rows}


LANE_SAVE_VOTE = """
INSERT INTO votes (monitor_id, region_id, tenant_id, check_version, window_ms, newest_slot, vote, renewed, degraded,
                   steady, bad_run, good_run, degraded_run, earned, first_bad_slot, vote_since, reason, message,
                   evidence)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
ON CONFLICT (monitor_id, region_id) DO UPDATE
SET check_version = excluded.check_version, window_ms = excluded.window_ms, newest_slot = excluded.newest_slot,
    vote = excluded.vote, renewed = excluded.renewed, degraded = excluded.degraded, steady = excluded.steady,
    bad_run = excluded.bad_run, good_run = excluded.good_run, degraded_run = excluded.degraded_run,
    earned = excluded.earned, first_bad_slot = excluded.first_bad_slot, vote_since = excluded.vote_since,
    reason = excluded.reason, message = excluded.message, evidence = excluded.evidence
"""


async def save_votes(conn: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Write the votes that a lane has counted: tuples in the order of the statement's columns."""
    await conn.executemany(LANE_SAVE_VOTE, rows)
