"""Delete a channel: what is still owed to it is cancelled, its bindings go, its log stays."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from control_plane.errors import NotFound
from control_plane.store import channels, deliveries
from control_plane.store.channels import ChannelRow
from control_plane.store.pool import Database
from shared.ids import TenantId


async def delete_channel(
    database: Database, *, tenant_id: TenantId, channel_id: UUID, check_revision: Callable[[int], None]
) -> ChannelRow:
    """The channel that there was. Raises NotFound, or what `check_revision` raises."""
    async with database.tenant_transaction(tenant_id) as conn:
        row = await channels.lock_channel(conn, tenant_id=tenant_id, channel_id=channel_id)
        if row is None:
            raise NotFound("There is no such channel")
        check_revision(row.revision)
        await deliveries.cancel_for_channel(
            conn, tenant_id=tenant_id, channel_id=channel_id, reason="The channel was deleted"
        )
        await channels.delete_channel(conn, tenant_id=tenant_id, channel_id=channel_id)
    return row
