"""Disable every channel of a chat or a phone, because somebody there said so, or the way there is closed."""

from __future__ import annotations

from control_plane.domain.tenants.actor import Actor
from control_plane.store import deliveries, linked_channels
from control_plane.store.acting import acting
from control_plane.store.pool import Database


async def disable_linked(
    database: Database, *, kind: str, address: str, reason: str, named: str, operation: str
) -> int:
    """How many channels were disabled, of whichever tenants. `named` is the other side, for the audit log.

    What is still owed to them is cancelled, so that nothing comes in a heap when one is enabled again.
    """
    actor = Actor(kind="link", id=None, label=named, source="api", operation=operation)
    with acting(actor):
        async with database.app_transaction() as conn:
            found = await linked_channels.lock_linked(conn, kind=kind, address=address)
            for each in found:
                await linked_channels.disable(conn, tenant_id=each.tenant_id, channel_id=each.id, reason=reason)
                await deliveries.cancel_for_channel(
                    conn, tenant_id=each.tenant_id, channel_id=each.id, reason="The channel was disabled"
                )
    return len(found)
