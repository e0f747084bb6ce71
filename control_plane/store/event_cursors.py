"""How far each tenant's subscribers have been told of its events, and who they are.

A tenant has a cursor as long as a binding or a route asks for events that are no notices of incidents: a trigger makes
it with the first of them (sql/migrations/0027), and whoever finds none left takes it away.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.domain.monitors.binding_rules import OTHER_EVENTS
from control_plane.store.notices import ABOUT
from control_plane.store.pool import Connection


class NewEvent(Struct, frozen=True):
    """A stored event; `data` is one line of JSON."""

    number: int
    at: datetime
    event: str
    monitor_id: UUID | None
    data: str


class Asked(Struct, frozen=True):
    """An event as subscribers are found by: whose it is and, where it is about an incident, which and how grave."""

    number: int
    event: str
    monitor_id: UUID | None
    severity: str | None
    incident_id: UUID | None


class Subscriber(Struct, frozen=True):
    """A channel that is told of the event of this number."""

    number: int
    channel_id: UUID
    name: str
    kind: str


FLEET_TENANTS_BEHIND = """
SELECT e.tenant_id FROM event_cursors e JOIN tenant_counters c ON c.tenant_id = e.tenant_id
WHERE c.events > e.number
ORDER BY e.tenant_id
"""


async def tenants_behind(conn: Connection) -> list[UUID]:
    """The tenants with subscriptions that have new events, in ascending id."""
    return [row["tenant_id"] for row in await conn.fetch(FLEET_TENANTS_BEHIND)]


HOLD_CURSOR = "SELECT number FROM event_cursors WHERE tenant_id = $1 FOR UPDATE SKIP LOCKED"


async def hold_cursor(conn: Connection, *, tenant_id: UUID) -> int | None:
    """The number up to which the tenant's subscribers have been told, held until commit; None: somebody is at it."""
    number: int | None = await conn.fetchval(HOLD_CURSOR, tenant_id)
    return number


NEWEST = "SELECT events FROM tenant_counters WHERE tenant_id = $1"
EVENTS_BEYOND = """
SELECT number, at, event, monitor_id, data FROM events WHERE tenant_id = $1 AND number > $2 ORDER BY number LIMIT $3
"""


async def events_beyond(conn: Connection, *, tenant_id: UUID, number: int, limit: int) -> tuple[list[NewEvent], int]:
    """The next events in order, and the number up to which these are all.

    Numbers grow in commit order, so whatever is up to one that is seen is seen, or is no longer kept.
    """
    newest: int = await conn.fetchval(NEWEST, tenant_id)
    found = [NewEvent(*row) for row in await conn.fetch(EVENTS_BEYOND, tenant_id, number, limit)]
    return found, found[-1].number if found else newest


_LISTED = ", ".join(f"'{event}'" for event in OTHER_EVENTS)
HAS_SUBSCRIBERS = f"""
SELECT EXISTS (SELECT FROM monitor_channels WHERE tenant_id = $1 AND events && ARRAY[{_LISTED}])
    OR EXISTS (SELECT FROM routes WHERE tenant_id = $1 AND events && ARRAY[{_LISTED}])
"""


async def has_subscribers(conn: Connection, *, tenant_id: UUID) -> bool:
    """Whether any binding or route of the tenant asks for events, in force or not."""
    found: bool = await conn.fetchval(HAS_SUBSCRIBERS, tenant_id)
    return found


# The bindings of the monitor, or of all that a declared incident names; and routes. Each channel once.
SUBSCRIBERS = f"""
WITH new AS (
    SELECT * FROM unnest($2::bigint[], $3::text[], $4::uuid[], $5::text[], $6::uuid[])
        AS e (number, event, monitor_id, severity, incident_id)
), heard AS (
    SELECT e.number, b.channel_id
    FROM new e JOIN monitor_channels b ON b.tenant_id = $1 AND b.monitor_id = e.monitor_id
    WHERE e.event = ANY(b.events)
    UNION
    SELECT e.number, b.channel_id
    FROM new e
    JOIN incident_monitors n ON n.tenant_id = $1 AND n.incident_id = e.incident_id
    JOIN monitor_channels b ON b.tenant_id = $1 AND b.monitor_id = n.monitor_id
    WHERE e.event = ANY(b.events)
    UNION
    SELECT e.number, rc.channel_id
    FROM new e
    JOIN routes r ON r.tenant_id = $1 AND r.enabled AND e.event = ANY(r.events)
    JOIN route_channels rc ON rc.tenant_id = r.tenant_id AND rc.route_id = r.id
    LEFT JOIN monitors m ON m.tenant_id = $1 AND m.id = e.monitor_id
    WHERE (cardinality(r.severities) = 0 OR e.severity = ANY(r.severities))
      AND {ABOUT}
)
SELECT h.number, c.id, c.name, c.kind
FROM heard h
JOIN channels c ON c.tenant_id = $1 AND c.id = h.channel_id
WHERE c.enabled
ORDER BY h.number, c.number
FOR KEY SHARE OF c
"""


async def subscribers(conn: Connection, events: Sequence[Asked], *, tenant_id: UUID) -> list[Subscriber]:
    """Who is told of these events, in the order of the events. The channels stay until commit."""
    columns = ([getattr(one, name) for one in events] for name in Asked.__struct_fields__)
    return [Subscriber(*row) for row in await conn.fetch(SUBSCRIBERS, tenant_id, *columns)]


MOVE_CURSOR = "UPDATE event_cursors SET number = $2 WHERE tenant_id = $1"
DROP_CURSOR = "DELETE FROM event_cursors WHERE tenant_id = $1"


async def move_cursor(conn: Connection, *, tenant_id: UUID, number: int) -> None:
    """Everything up to this number is told. The caller holds the cursor."""
    await conn.execute(MOVE_CURSOR, tenant_id, number)


async def drop_cursor(conn: Connection, *, tenant_id: UUID) -> None:
    """Nobody asks any more: whoever does next hears of what comes after that. The caller holds the cursor."""
    await conn.execute(DROP_CURSOR, tenant_id)
