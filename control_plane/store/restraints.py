"""What restrains notices now: the silences that hold, and quiet hours of the monitors and channels concerned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, field

from control_plane.domain.alerting.notice_match import Match, Traits
from control_plane.domain.alerting.quiet_hours import QuietHours, of_row
from control_plane.store.pool import Connection


class Holding(Struct, frozen=True, kw_only=True):
    """A silence that holds until before `until`."""

    id: UUID
    name: str
    until: datetime
    match: Match
    channel_ids: tuple[UUID, ...]


class Restraints(Struct, frozen=True, kw_only=True):
    """At `now` of the database's clock; quiet hours by id of what has them."""

    now: datetime
    silences: Sequence[Holding] = ()
    monitors: Mapping[UUID, QuietHours] = field(default_factory=dict)
    channels: Mapping[UUID, QuietHours] = field(default_factory=dict)


_SILENCES = """
SELECT 'silence' AS of, id, name, ends_at AS until, severities, tags, groups, kinds, monitor_ids, channel_ids,
    NULL::jsonb AS quiet_hours, coalesce($2::timestamptz, clock_timestamp()) AS now
FROM silences
WHERE tenant_id = $1 AND ends_at > coalesce($2::timestamptz, clock_timestamp())
  AND starts_at <= coalesce($2::timestamptz, clock_timestamp())
"""
_QUIET = """
SELECT '{of}', id, name, NULL, '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', quiet_hours,
    coalesce($2::timestamptz, clock_timestamp())
FROM {of}s
WHERE tenant_id = $1 AND id = ANY ({ids}::uuid[]) AND quiet_hours IS NOT NULL
"""
# $2: the instant to ask about, null for now. A tenant without rules has nothing in any of the three indexes.
RESTRAINTS = f"""{_SILENCES} UNION ALL {_QUIET.format(of="monitor", ids="$3")}
UNION ALL {_QUIET.format(of="channel", ids="$4")}"""


async def read_restraints(
    conn: Connection,
    *,
    tenant_id: UUID,
    monitor_ids: Sequence[UUID],
    channel_ids: Sequence[UUID],
    at: datetime | None = None,
) -> Restraints | None:
    """What may restrain notices about these monitors to these channels; None: nothing does."""
    rows = await conn.fetch(RESTRAINTS, tenant_id, at, monitor_ids, channel_ids)
    if not rows:
        return None
    return Restraints(
        now=rows[0]["now"],
        silences=[_holding(row) for row in rows if row["of"] == "silence"],
        monitors=_quiet(rows, "monitor"),
        channels=_quiet(rows, "channel"),
    )


def _holding(row: Any) -> Holding:
    match = Match(
        severities=tuple(row["severities"]),
        tags=tuple(row["tags"]),
        groups=tuple(row["groups"]),
        kinds=tuple(row["kinds"]),
        monitor_ids=tuple(row["monitor_ids"]),
    )
    channel_ids = tuple(row["channel_ids"])
    return Holding(id=row["id"], name=row["name"], until=row["until"], match=match, channel_ids=channel_ids)


def _quiet(rows: Sequence[Any], of: str) -> dict[UUID, QuietHours]:
    found = {row["id"]: of_row(row["quiet_hours"]) for row in rows if row["of"] == of}
    return {one: quiet for one, quiet in found.items() if quiet is not None}


WAITING = """
SELECT DISTINCT incident_id, channel_id FROM deliveries
WHERE tenant_id = $1 AND incident_id = ANY ($2::uuid[]) AND state = 'pending' AND rule ->> 'type' = 'quiet_hours'
"""


async def read_waiting(
    conn: Connection, *, tenant_id: UUID, incident_ids: Sequence[UUID]
) -> frozenset[tuple[UUID, UUID]]:
    """Incidents and channels, in pairs, of which a notice waits for the end of quiet hours."""
    return frozenset(tuple(row) for row in await conn.fetch(WAITING, tenant_id, incident_ids))


class Subject(Struct, frozen=True):
    """A monitor that a notice is about, with the quiet hours that it has."""

    traits: Traits
    quiet: QuietHours | None


# Of an incident all of its monitors, and what is about none: the monitor that the notice itself names.
SUBJECTS = """
SELECT about.incident_id, m.id, m.kind, m.tags, m."group", m.quiet_hours
FROM (
    SELECT id AS incident_id, monitor_id FROM incidents WHERE tenant_id = $1 AND id = ANY ($2::uuid[])
    UNION SELECT incident_id, monitor_id FROM incident_monitors WHERE tenant_id = $1 AND incident_id = ANY ($2::uuid[])
    UNION SELECT NULL, monitor_id FROM unnest($3::uuid[]) AS named (monitor_id)
) about
JOIN monitors m ON m.tenant_id = $1 AND m.id = about.monitor_id
"""


async def read_subjects(
    conn: Connection, *, tenant_id: UUID, incident_ids: Sequence[UUID], monitor_ids: Sequence[UUID]
) -> dict[UUID, list[Subject]]:
    """The monitors by incident, and each of these monitors by its own id."""
    found: dict[UUID, list[Subject]] = {}
    for row in await conn.fetch(SUBJECTS, tenant_id, incident_ids, monitor_ids):
        traits = Traits(id=row["id"], kind=row["kind"], tags=tuple(row["tags"]), group=row["group"])
        found.setdefault(row["incident_id"] or row["id"], []).append(Subject(traits, of_row(row["quiet_hours"])))
    return found
