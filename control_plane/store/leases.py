"""What agents say of themselves, and how long they count as live."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from control_plane.domain.fleet.agent_report import Standing
from control_plane.store.pool import Connection
from shared.ids import AgentId

# A new boot starts healthy, and nothing that was said before it is of any worth.
GREET = """
UPDATE agents
   SET healthy = healthy OR boot_id IS DISTINCT FROM $2,
       health_reason = CASE WHEN boot_id IS DISTINCT FROM $2 THEN NULL ELSE health_reason END,
       health_since = CASE WHEN boot_id IS DISTINCT FROM $2 THEN now() ELSE health_since END,
       gaps = CASE WHEN boot_id IS DISTINCT FROM $2 THEN NULL ELSE gaps END,
       gaps_grown_at = CASE WHEN boot_id IS DISTINCT FROM $2 THEN NULL ELSE gaps_grown_at END,
       observed_at = CASE WHEN boot_id IS DISTINCT FROM $2 THEN NULL ELSE observed_at END,
       boot_id = $2, version = $3, capabilities = $4,
       last_seen_at = now(), lease_until = now() + $5::integer * interval '1 second'
 WHERE id = $1
"""


async def greet(
    conn: Connection, *, agent_id: AgentId, boot_id: UUID, version: str, capabilities: tuple[str, ...], lease_s: int
) -> None:
    """Remember who the agent is since its boot, and lease it for `lease_s` seconds. A new boot starts healthy."""
    await conn.execute(GREET, agent_id, boot_id, version, list(capabilities), lease_s)


STANDING = """
SELECT healthy, health_since, health_reason, skewed, skewed_since, clock_offset_ms, sent_skew_ms, strained,
       strained_since, saturation, lag_ms, spooled, gaps, gaps_grown_at, observed_at, clock_timestamp() AS now
FROM agents WHERE id = $1 FOR NO KEY UPDATE
"""


async def standing(conn: Connection, *, agent_id: AgentId) -> tuple[Standing, datetime] | None:
    """How the agent was at its last report, held until commit, and the database's clock. None: it was removed."""
    row = await conn.fetchrow(STANDING, agent_id)
    if row is None:
        return None
    fields = dict(row)
    now = fields.pop("now")
    return Standing(**fields), now


KEEP_STANDING = """
UPDATE agents
   SET healthy = $2, health_since = $3, health_reason = $4, skewed = $5, skewed_since = $6, clock_offset_ms = $7,
       sent_skew_ms = $8, strained = $9, strained_since = $10, saturation = $11, lag_ms = $12, spooled = $13,
       gaps = $14, gaps_grown_at = $15, observed_at = $16
 WHERE id = $1
RETURNING region_id
"""
HINT_ASSIGNMENTS = "SELECT pg_notify('farwatch_assignments', $1::integer::text)"


async def keep_standing(conn: Connection, *, agent_id: AgentId, now: Standing, before: Standing) -> bool:
    """Remember how the agent is; whether its health changed, which the region's others are then hinted at."""
    region_id = await conn.fetchval(KEEP_STANDING, agent_id, *(getattr(now, name) for name in now.__struct_fields__))
    changed = now.healthy != before.healthy
    if changed:
        await conn.execute(HINT_ASSIGNMENTS, region_id)
    return changed


NOTE_SKEW = """
UPDATE agents
   SET sent_skew_ms = $2, skewed = true,
       skewed_since = CASE WHEN skewed THEN coalesce(skewed_since, clock_timestamp()) ELSE clock_timestamp() END
 WHERE id = $1
"""


async def note_skew(conn: Connection, *, agent_id: UUID, skew_ms: int) -> None:
    """A batch came that is dated too far off; the next report with the right time takes it back."""
    await conn.execute(NOTE_SKEW, agent_id, skew_ms)


# least() passes over nulls. The lease keeps the instant of the first goodbye, which a repetition is measured by.
FLEET_LEAVE = """
WITH before AS (SELECT region_id, lease_until > now() AS was_live FROM agents WHERE id = $1),
gone AS (
    UPDATE agents SET lease_until = least(lease_until, now()), left_at = least(lease_until, now())
    WHERE id = $1 RETURNING region_id, lease_until),
hinted AS MATERIALIZED (SELECT pg_notify('farwatch_assignments', region_id::text) FROM before WHERE was_live)
SELECT NOT EXISTS (SELECT FROM agents p JOIN gone g ON g.region_id = p.region_id
                    WHERE p.id <> $1 AND p.enabled AND p.healthy AND p.lease_until > now()
                      AND p.last_seen_at <= g.lease_until) AS handed_over,
       (SELECT count(*) FROM hinted) AS hints
"""


async def leave(conn: Connection, *, agent_id: AgentId) -> bool:
    """End the agent's lease and hint at it; whether all other live agents of its region have polled since."""
    row = await conn.fetchrow(FLEET_LEAVE, agent_id)
    return row is not None and bool(row["handed_over"])
