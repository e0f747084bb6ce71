"""Reading a tenant's events. Their numbers grow in commit order: what is beyond a number is all that came since."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class EventRow(Struct, frozen=True):
    """`data` is one line of JSON."""

    number: int
    event: str
    monitor_id: UUID | None
    data: str


class Kept(Struct, frozen=True):
    """Numbers of the oldest event kept (newest + 1 when none is) and of the newest ever given."""

    oldest: int
    newest: int


EVENTS_AFTER = """
SELECT number, event, monitor_id, data FROM events WHERE tenant_id = $1 AND number > $2 ORDER BY number LIMIT $3
"""


async def events_after(conn: Connection, *, tenant_id: TenantId, number: int, limit: int) -> list[EventRow]:
    """Events beyond a number, in order."""
    return [EventRow(*row) for row in await conn.fetch(EVENTS_AFTER, tenant_id, number, limit)]


KEPT = """
SELECT coalesce((SELECT min(number) FROM events WHERE tenant_id = $1), c.events + 1), c.events
  FROM tenant_counters c WHERE c.tenant_id = $1
"""


async def kept(conn: Connection, *, tenant_id: TenantId) -> Kept:
    """What can be resumed."""
    row = await conn.fetchrow(KEPT, tenant_id)
    return Kept(1, 0) if row is None else Kept(*row)
