"""Lock what judging some monitors rests on: their state rows, and along with them those of all that is upstream.

So nothing goes down upstream while something here opens. All of it is one statement in ascending id, and the first
lock of a transaction that will judge: judging locks the same rows again, which then costs nothing and waits for nobody.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from control_plane.store import cases, holds
from control_plane.store.cases import LockedState
from control_plane.store.pool import Connection


async def lock_to_judge(conn: Connection, monitor_ids: Collection[UUID]) -> list[LockedState]:
    """The states of these monitors, locked until commit, in ascending id. Those that are gone are absent."""
    wanted = set(monitor_ids)
    locked = await cases.lock_states(conn, sorted(wanted | await holds.upstream_ids(conn, list(wanted))))
    return [state for state in locked if state.monitor_id in wanted]
