"""Owe the dead deliveries of many tenants again, for the operator: a transaction for each tenant."""

from __future__ import annotations

from collections import defaultdict
from uuid import UUID

from msgspec import Struct

from control_plane.store import dead_letters, deliveries
from control_plane.store.dead_letters import LetterFilter
from control_plane.store.pool import Database
from shared.ids import TenantId


class Replayed(Struct, frozen=True):
    """`replayed` are owed again; `left` of those that were asked for are dead still, to be asked for once more."""

    replayed: int
    left: int


async def replay_dead_letters(database: Database, *, wanted: LetterFilter, most: int) -> Replayed:
    """Replay up to `most`. Those whose channel was deleted stay as they are, and are not counted."""
    async with database.app() as conn:
        found = await dead_letters.revivable(conn, wanted=wanted, most=most)
    by_tenant: dict[UUID, list[UUID]] = defaultdict(list)
    for one in found:
        by_tenant[one.tenant_id].append(one.id)
    done = 0
    for tenant_id, ids in by_tenant.items():
        async with database.tenant_transaction(TenantId(tenant_id)) as conn:
            for delivery_id in ids:
                done += await deliveries.revive(conn, tenant_id=TenantId(tenant_id), delivery_id=delivery_id)
    async with database.app() as conn:
        left = await dead_letters.count_revivable(conn, wanted=wanted)
    return Replayed(done, left)
