"""What is due of triggered incidents. Triggers make the rows and take them away, whoever opens or acknowledges one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.domain.alerting.alerting import IncidentFacts, MonitorFacts
from control_plane.domain.alerting.reminder import About, Progress, Step
from control_plane.store.pool import Connection

FLEET_TENANTS_DUE = """
SELECT DISTINCT tenant_id FROM incident_reminders WHERE due_at <= clock_timestamp() ORDER BY tenant_id
"""


async def tenants_due(conn: Connection) -> list[UUID]:
    """The tenants of which something is due, in ascending id."""
    return [row["tenant_id"] for row in await conn.fetch(FLEET_TENANTS_DUE)]


# The order of whoever judges: states first, in ascending id. What somebody else holds is left for the next look: it may
# be acknowledged, judged or reminded of right now.
HOLD_STATES_DUE = """
SELECT monitor_id FROM monitor_states
WHERE tenant_id = $1 AND monitor_id IN (
    SELECT i.monitor_id FROM incident_reminders r
    JOIN incidents i ON i.tenant_id = r.tenant_id AND i.id = r.incident_id
    WHERE r.tenant_id = $1 AND r.due_at <= clock_timestamp() AND i.monitor_id IS NOT NULL
    ORDER BY r.due_at LIMIT $2)
ORDER BY monitor_id
FOR UPDATE SKIP LOCKED
"""
HOLD_DUE = """
SELECT r.incident_id
FROM incident_reminders r JOIN incidents i ON i.tenant_id = r.tenant_id AND i.id = r.incident_id
WHERE r.tenant_id = $1 AND r.due_at <= clock_timestamp() AND i.state = 'triggered'
  AND (i.monitor_id IS NULL OR i.monitor_id = ANY($2::uuid[]))
ORDER BY r.due_at
LIMIT $3
FOR NO KEY UPDATE OF r, i SKIP LOCKED
"""


async def hold_due(conn: Connection, *, tenant_id: UUID, limit: int) -> list[UUID]:
    """Incidents of which something is due, held until commit with the states of their monitors."""
    held = [row["monitor_id"] for row in await conn.fetch(HOLD_STATES_DUE, tenant_id, limit)]
    return [row["incident_id"] for row in await conn.fetch(HOLD_DUE, tenant_id, held, limit)]


class DueIncident(Struct, frozen=True, kw_only=True):
    """A triggered incident as it is told. `halted`: its tenant is suspended, or nothing is dispatched."""

    facts: IncidentFacts
    monitor_id: UUID | None
    origin: str
    held_open: bool
    reopened: int
    progress: Progress
    halted: bool


DUE_INCIDENTS = """
SELECT i.id, i.number, i.type, i.severity, i.state, i.cause, i.started_at, i.regions_down, i.regions_up,
    i.monitor_id, i.origin, i.held_open, i.reopened, coalesce(i.reopened_at, i.opened_at) AS opened_at,
    r.reminders, r.reminded_at, r.escalated, r.escalated_at,
    t.suspended_at IS NOT NULL
        OR EXISTS (SELECT FROM installation WHERE name = 'kill_switch' AND value NOT IN ('null', 'false')) AS halted
FROM incident_reminders r
JOIN incidents i ON i.tenant_id = r.tenant_id AND i.id = r.incident_id
JOIN tenants t ON t.id = r.tenant_id
WHERE r.tenant_id = $1 AND r.incident_id = ANY($2::uuid[])
ORDER BY i.number
"""


async def due_incidents(conn: Connection, *, tenant_id: UUID, incident_ids: Sequence[UUID]) -> list[DueIncident]:
    """These incidents, held by `hold_due`, in the order of their numbers."""
    return [_due(row) for row in await conn.fetch(DUE_INCIDENTS, tenant_id, incident_ids)]


def _due(row: Any) -> DueIncident:
    facts = IncidentFacts(
        id=row["id"],
        number=row["number"],
        type=row["type"],
        severity=row["severity"],
        state=row["state"],
        started_at=row["started_at"],
        resolved_at=None,
        cause=row["cause"],
        regions_down=tuple(row["regions_down"]),
        regions_up=tuple(row["regions_up"]),
    )
    told = ("opened_at", "reminders", "reminded_at", "escalated", "escalated_at")
    rest = ("monitor_id", "origin", "held_open", "reopened", "halted")
    progress = Progress(**{name: row[name] for name in told})
    return DueIncident(facts=facts, progress=progress, **{name: row[name] for name in rest})


class Concerned(Struct, frozen=True, kw_only=True):
    """A monitor that an incident is about."""

    incident_id: UUID
    facts: MonitorFacts
    about: About


MONITORS_CONCERNED = """
SELECT named.incident_id, m.id, m.number, m.name, m.kind, m.tags, m."group", m.enabled, m.renotify_interval_s,
    m.max_repeats, s.verdict, s.held_since
FROM (
    SELECT id AS incident_id, monitor_id FROM incidents
    WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND monitor_id IS NOT NULL
    UNION ALL
    SELECT incident_id, monitor_id FROM incident_monitors WHERE tenant_id = $1 AND incident_id = ANY($2::uuid[])
) named
JOIN monitors m ON m.tenant_id = $1 AND m.id = named.monitor_id
JOIN monitor_states s ON s.tenant_id = $1 AND s.monitor_id = m.id
ORDER BY named.incident_id, m.id
"""


async def monitors_concerned(
    conn: Connection, *, tenant_id: UUID, incident_ids: Sequence[UUID]
) -> dict[UUID, list[Concerned]]:
    """The monitors that there are of each of these incidents, in ascending id."""
    found: dict[UUID, list[Concerned]] = {}
    for row in await conn.fetch(MONITORS_CONCERNED, tenant_id, incident_ids):
        facts = MonitorFacts(
            id=row["id"], number=row["number"], name=row["name"], kind=row["kind"], tags=tuple(row["tags"]),
            group=row["group"],
        )  # fmt: skip
        about = About(
            verdict=row["verdict"], enabled=row["enabled"], held_since=row["held_since"],
            interval_s=row["renotify_interval_s"], max_repeats=row["max_repeats"],
        )  # fmt: skip
        one = Concerned(incident_id=row["incident_id"], facts=facts, about=about)
        found.setdefault(one.incident_id, []).append(one)
    return found


STEPS = """
SELECT DISTINCT monitor_id, step, after_s FROM monitor_escalations
WHERE tenant_id = $1 AND monitor_id = ANY($2::uuid[])
ORDER BY monitor_id, step
"""


async def steps_of(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> dict[UUID, tuple[Step, ...]]:
    """The steps of each monitor's escalation that have a channel left, in their order."""
    found: dict[UUID, tuple[Step, ...]] = {}
    for row in await conn.fetch(STEPS, tenant_id, monitor_ids):
        found[row["monitor_id"]] = (*found.get(row["monitor_id"], ()), Step(row["step"], row["after_s"]))
    return found


class Told(Struct, frozen=True, kw_only=True):
    """How far an incident is told now, and when it is looked at next; None: nothing is to come."""

    incident_id: UUID
    progress: Progress
    due_at: datetime | None


SAVE_PROGRESS = """
UPDATE incident_reminders r
SET due_at = n.due_at, reminders = n.reminders, reminded_at = n.reminded_at, escalated = n.escalated,
    escalated_at = n.escalated_at
FROM unnest($2::uuid[], $3::timestamptz[], $4::integer[], $5::timestamptz[], $6::integer[], $7::timestamptz[])
    AS n (incident_id, due_at, reminders, reminded_at, escalated, escalated_at)
WHERE r.tenant_id = $1 AND r.incident_id = n.incident_id
"""


async def save_progress(conn: Connection, told: Sequence[Told], *, tenant_id: UUID) -> None:
    """Write how far these incidents, held by `hold_due`, are told."""
    columns = (
        [one.incident_id for one in told],
        [one.due_at for one in told],
        [one.progress.reminders for one in told],
        [one.progress.reminded_at for one in told],
        [one.progress.escalated for one in told],
        [one.progress.escalated_at for one in told],
    )
    await conn.execute(SAVE_PROGRESS, tenant_id, *columns)
