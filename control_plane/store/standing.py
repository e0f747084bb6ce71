"""What a monitor's state row remembers besides its votes, with its open incident: for explaining."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from control_plane.domain.judging.standing import OpenOne, Standing
from control_plane.domain.judging.verdict import Tally
from control_plane.store.pool import Connection


class StandingRow(Struct, frozen=True):
    """`tally` is that of the last judgement; `incident_id` the open automatic incident's."""

    standing: Standing
    tally: Tally
    sole: bool
    incident_id: UUID | None


STANDING = """
SELECT s.verdict, s.hushed, s.well_since, s.held_since, s.held_by, s.hold_ended_at, s.waits_until, s.backed_off_at,
       m.blocked_by ->> 'message' AS blocked,
       s.sole, s.assigned, s.fresh_up, s.fresh_down, s.fresh_degraded, s.last_down,
       i.id AS incident_id, i.number, i.type, i.held_open
FROM monitor_states s
JOIN monitors m ON m.tenant_id = s.tenant_id AND m.id = s.monitor_id
LEFT JOIN incidents i
    ON i.tenant_id = s.tenant_id AND i.monitor_id = s.monitor_id AND i.origin = 'monitor' AND i.state <> 'resolved'
WHERE s.tenant_id = $1 AND s.monitor_id = $2
"""


async def read_standing(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> StandingRow | None:
    """None when this tenant has no such monitor."""
    row = await conn.fetchrow(STANDING, tenant_id, monitor_id)
    if row is None:
        return None
    incident = OpenOne(row["number"], row["type"], row["held_open"]) if row["incident_id"] else None
    names = [name for name in Standing.__struct_fields__ if name != "incident"]
    return StandingRow(
        Standing(**{name: row[name] for name in names}, incident=incident),
        Tally(row["assigned"], row["fresh_up"], row["fresh_down"], row["fresh_degraded"], row["last_down"]),
        row["sole"],
        row["incident_id"],
    )
