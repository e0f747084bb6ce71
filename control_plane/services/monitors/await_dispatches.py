"""Wait for agents to take up work that was ordered, and for what they found. Outside any transaction."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from control_plane.errors import Unavailable
from control_plane.store import dispatch_requests
from control_plane.store.dispatch_requests import DispatchFate
from control_plane.store.pool import Database
from shared.ids import TenantId

CLAIM_WITHIN_S = 5.0
"""Nobody took the work up in this time: no agent of that region is there."""

LOOK_EVERY_S = 0.25
"""How often the rows are looked at when no hint comes."""

Wake = Callable[[float], Awaitable[object]]
"""Waits until something may have happened, at most so many seconds."""


Done = Callable[[Sequence[DispatchFate]], Awaitable[frozenset[UUID]]]
"""Which dispatches are answered, given how far all have come."""


async def await_dispatches(
    database: Database,
    *,
    tenant_id: TenantId,
    ids: Sequence[UUID],
    answer_within_s: float,
    done: Done,
    wake: Wake = asyncio.sleep,
) -> frozenset[UUID]:
    """The dispatches answered in time. Those that nobody takes up within CLAIM_WITHIN_S are withdrawn.

    `answer_within_s` counts from when the work is taken up. Raises Unavailable PROBE_UNAVAILABLE when nobody did.
    """
    begun = time.monotonic()
    waiting = frozenset(ids)
    answered: frozenset[UUID] = frozenset()
    claimed: frozenset[UUID] = frozenset()
    while waiting - answered:
        async with database.tenant(tenant_id) as conn:
            fates = await dispatch_requests.read_fates(conn, tenant_id=tenant_id, ids=ids)
        claimed = frozenset(fate.id for fate in fates if fate.claimed)
        answered = await done(fates)
        passed = time.monotonic() - begun
        if passed >= CLAIM_WITHIN_S and waiting - claimed:
            await _withdraw(database, tenant_id=tenant_id, ids=waiting - claimed)
            waiting = waiting & claimed
        if not waiting - answered or passed >= CLAIM_WITHIN_S + answer_within_s:
            break
        await wake(LOOK_EVERY_S)
    if not claimed and not answered:
        raise Unavailable(
            "No agent took the check up within 5 s: none of these regions has a live agent", code="PROBE_UNAVAILABLE"
        )
    return answered


async def _withdraw(database: Database, *, tenant_id: TenantId, ids: frozenset[UUID]) -> None:
    async with database.tenant_transaction(tenant_id) as conn:
        await dispatch_requests.withdraw(conn, tenant_id=tenant_id, ids=sorted(ids))
