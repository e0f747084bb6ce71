"""Record that a message which a vendor had taken did not arrive after all: it must not pass for delivered."""

from __future__ import annotations

from uuid import UUID

from control_plane.errors import Unavailable
from control_plane.store import late_failures
from control_plane.store.pool import Database


async def record_late_failure(
    database: Database, *, kind: str, address: str, vendors_id: str, message_id: UUID | None, reason: str
) -> int:
    """How many deliveries' messages were given up. `address`: whom it was for; `message_id`: ours, where it is told.

    Raises Unavailable when the vendor tells of a message whose sending is not recorded yet: it has to tell again.
    """
    async with database.app() as conn:
        found = await late_failures.linked(conn, kind=kind, address=address)
    given_up = 0
    for channel in found:
        async with database.tenant_transaction(channel.tenant_id) as conn:
            told = await late_failures.find_message(conn, channel, vendors_id=vendors_id, message_id=message_id)
            if told is None:
                continue
            if told.underway:
                raise Unavailable("This message is being recorded: tell again")
            given_up += await late_failures.give_up(conn, channel, message_id=told.message_id, reason=reason)
    return given_up
