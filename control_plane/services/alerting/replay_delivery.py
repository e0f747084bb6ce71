"""Owe a dead delivery again, under the same id and with the same bytes."""

from __future__ import annotations

from uuid import UUID

from control_plane.errors import Conflict, NotFound
from control_plane.store import deliveries
from control_plane.store.deliveries import DeliveryView
from control_plane.store.pool import Database
from shared.ids import TenantId


async def replay_delivery(database: Database, *, tenant_id: TenantId, delivery_id: UUID) -> DeliveryView:
    """The delivery, pending again. Raises NotFound, and Conflict when it is not dead or its channel is gone."""
    async with database.tenant_transaction(tenant_id) as conn:
        revived = await deliveries.revive(conn, tenant_id=tenant_id, delivery_id=delivery_id)
        found = await deliveries.delivery(conn, tenant_id=tenant_id, delivery_id=delivery_id)
    if found is None:
        raise NotFound("There is no such delivery")
    view, _ = found
    if not revived and view.channel_id is None:
        raise Conflict("The channel of this delivery was deleted, so there is nowhere to send it", code="CHANNEL_GONE")
    if not revived:
        raise Conflict(f"Only a dead delivery can be replayed; this one is {view.state}", code="DELIVERY_NOT_DEAD")
    return view
