"""Owe notices to channels, in the transaction that decided them."""

from __future__ import annotations

from collections.abc import Sequence

from control_plane.services.alerting.restrain_deliveries import restrain
from control_plane.store import deliveries
from control_plane.store.deliveries import DeliveryRow
from control_plane.store.pool import Connection


async def owe_deliveries(conn: Connection, rows: Sequence[DeliveryRow]) -> None:
    """Write what is owed, all of one tenant, as its silences and quiet hours leave it."""
    if rows:
        await deliveries.owe(conn, await restrain(conn, rows))
