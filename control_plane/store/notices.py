"""Whom a notice is owed to. The key-share locks keep a channel from going away before the row that names it commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.domain.alerting.reminder import ESCALATION_ORDINALS, STEPS_APART
from control_plane.store.pool import Connection


class ChannelTarget(Struct, frozen=True):
    """A channel that is owed a notice of a monitor. `ordinal` counts how often its incident was reopened before.

    `monitor_id` is None for an incident that names no monitor. `incident_id`: of a channel that was told already.
    """

    monitor_id: UUID | None
    channel_id: UUID
    name: str
    kind: str
    ordinal: int = 0
    incident_id: UUID | None = None


# What a route r says of the incident of a monitor m; of an incident without any, m is null throughout.
ABOUT = """(cardinality(r.tags) = 0 OR r.tags && m.tags)
      AND (cardinality(r.groups) = 0 OR m."group" = ANY(r.groups))
      AND (cardinality(r.kinds) = 0 OR m.kind = ANY(r.kinds))
      AND (cardinality(r.monitor_ids) = 0 OR m.id = ANY(r.monitor_ids))"""

# $4: the severity of each monitor's incident. A channel that a binding and routes name is told once.
CHANNELS_BOUND = f"""
WITH heard AS (
    SELECT b.monitor_id, b.channel_id
    FROM monitor_channels b
    WHERE b.tenant_id = $1 AND b.monitor_id = ANY($2::uuid[]) AND (b.events IS NULL OR $3 = ANY(b.events))
    UNION
    SELECT opened.monitor_id, rc.channel_id
    FROM routes r
    JOIN route_channels rc ON rc.tenant_id = r.tenant_id AND rc.route_id = r.id
    CROSS JOIN unnest($2::uuid[], $4::text[]) AS opened (monitor_id, severity)
    LEFT JOIN monitors m ON m.tenant_id = $1 AND m.id = opened.monitor_id
    WHERE r.tenant_id = $1 AND r.enabled AND (r.events IS NULL OR $3 = ANY(r.events))
      AND (cardinality(r.severities) = 0 OR opened.severity = ANY(r.severities))
      AND {ABOUT}
)
SELECT h.monitor_id, c.id, c.name, c.kind
FROM heard h
JOIN channels c ON c.tenant_id = $1 AND c.id = h.channel_id
WHERE c.enabled
ORDER BY h.monitor_id, c.number
FOR KEY SHARE OF c
"""


async def channels_bound(
    conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID | None], severities: Sequence[str], event: str
) -> list[ChannelTarget]:
    """Enabled channels that bindings or routes name for this event of these monitors' incidents, once for each monitor.

    `severities`: of each monitor's incident. None instead of a monitor: an incident without any, which only routes
    that name no monitors bring to a channel. A binding or route without a list of events means incident notices.
    """
    rows = await conn.fetch(CHANNELS_BOUND, tenant_id, monitor_ids, event, severities)
    return [ChannelTarget(row["monitor_id"], row["id"], row["name"], row["kind"]) for row in rows]


# Whoever was told of the opening, and whoever an escalation has told since: whatever else those are bound for. What
# brought the opening still has a say in what follows it; where nothing of that is left, all follows.
CHANNELS_TOLD = f"""
SELECT d.incident_id, d.monitor_id, c.id, c.name, c.kind, coalesce(i.reopened, 0) AS ordinal
FROM deliveries d
LEFT JOIN incidents i ON i.tenant_id = d.tenant_id AND i.id = d.incident_id
JOIN channels c ON c.tenant_id = d.tenant_id AND c.id = d.channel_id
LEFT JOIN monitor_channels b
    ON b.tenant_id = d.tenant_id AND b.monitor_id = d.monitor_id AND b.channel_id = d.channel_id
CROSS JOIN LATERAL (
    SELECT bool_or(r.events IS NULL OR $3 = ANY(r.events)) AS wanted
    FROM route_channels rc
    JOIN routes r ON r.tenant_id = rc.tenant_id AND r.id = rc.route_id
    LEFT JOIN monitors m ON m.tenant_id = d.tenant_id AND m.id = d.monitor_id
    WHERE rc.tenant_id = d.tenant_id AND rc.channel_id = d.channel_id AND r.enabled
      AND (cardinality(r.severities) = 0 OR (d.body::jsonb #>> '{{incident,severity}}') = ANY(r.severities))
      AND {ABOUT}
) routed
WHERE d.tenant_id = $1 AND d.incident_id = ANY($2::uuid[])
  AND (d.notice = 'opened' AND d.ordinal = coalesce(i.reopened, 0)
          AND CASE WHEN b.monitor_id IS NULL THEN coalesce(routed.wanted, true)
              ELSE b.events IS NULL OR $3 = ANY(b.events) OR coalesce(routed.wanted, false) END
       OR d.notice = 'escalated'
          AND (d.ordinal - {ESCALATION_ORDINALS}) / {STEPS_APART} = coalesce(i.reopened, 0)
          AND d.ordinal >= {ESCALATION_ORDINALS})
  AND (d.state IN ('pending', 'delivered') OR d.state = 'dead' AND $4) AND c.enabled
ORDER BY d.monitor_id, d.notice DESC, c.number, d.ordinal
FOR KEY SHARE OF c
"""


async def channels_told(
    conn: Connection, *, tenant_id: UUID, incident_ids: Sequence[UUID], event: str, or_dead: bool = False
) -> list[ChannelTarget]:
    """Channels that were told of the newest opening of these, or soon will be, and that want to hear of this event.

    Those that an escalation has told since are among them; each channel is there once for each incident. `or_dead`:
    those whose opening is dead as well. It may be replayed, and what is owed after it must be known then.
    """
    rows = await conn.fetch(CHANNELS_TOLD, tenant_id, incident_ids, event, or_dead)
    first: dict[tuple[UUID, UUID], ChannelTarget] = {}
    for row in rows:
        target = ChannelTarget(
            row["monitor_id"], row["id"], row["name"], row["kind"], row["ordinal"], row["incident_id"]
        )
        first.setdefault((row["incident_id"], target.channel_id), target)
    return list(first.values())


CHANNELS_OF_STEPS = """
SELECT e.monitor_id, c.id, c.name, c.kind
FROM unnest($2::uuid[], $3::smallint[]) AS due (monitor_id, step)
JOIN monitor_escalations e ON e.tenant_id = $1 AND e.monitor_id = due.monitor_id AND e.step = due.step
JOIN channels c ON c.tenant_id = e.tenant_id AND c.id = e.channel_id
WHERE c.enabled
ORDER BY e.monitor_id, c.number
FOR KEY SHARE OF c
"""


async def channels_of_steps(conn: Connection, *, tenant_id: UUID, steps: Mapping[UUID, int]) -> list[ChannelTarget]:
    """The enabled channels of one step of each monitor's escalation: numbers of steps by monitor."""
    if not steps:
        return []
    rows = await conn.fetch(CHANNELS_OF_STEPS, tenant_id, list(steps), list(steps.values()))
    return [ChannelTarget(row["monitor_id"], row["id"], row["name"], row["kind"]) for row in rows]


PUBLIC_URL = "SELECT nullif(current_setting('farwatch.public_url', true), '')"


async def public_url(conn: Connection) -> str | None:
    """Where people reach this installation, without a slash at the end; None when nobody said."""
    url: str | None = await conn.fetchval(PUBLIC_URL)
    return url
