"""The one vote of kinds without regions, by kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from uuid import UUID

from control_plane.domain.judging.sole_vote import SoleVote
from control_plane.store import composites, heartbeats
from control_plane.store.cases import JudgedMonitor, LockedState
from control_plane.store.pool import Connection

Reader = Callable[[Connection, Sequence[LockedState], int], Awaitable[Mapping[UUID, SoleVote]]]
"""Locked states and the instant (Unix ms) in, votes by monitor out."""

Stale = Callable[[Connection, int, int], Awaitable[Sequence[UUID]]]
"""The instant (Unix ms) and a limit in, monitors out whose vote is no longer what they were judged by."""

READERS: dict[str, Reader] = {"heartbeat": heartbeats.sole_votes, "composite": composites.sole_votes}
STALE: dict[str, Stale] = {"heartbeat": heartbeats.stale, "composite": composites.stale}


async def read_sole_votes(
    conn: Connection, states: Sequence[LockedState], monitors: Mapping[UUID, JudgedMonitor], *, now_ms: int
) -> dict[UUID, SoleVote]:
    """The votes of those of the locked monitors that have no regions; a paused one has none."""
    votes: dict[UUID, SoleVote] = {}
    running = [(s, monitors[s.monitor_id].kind) for s in states if s.monitor_id in monitors]
    running = [(s, kind) for s, kind in running if monitors[s.monitor_id].enabled]
    for kind in sorted({kind for _, kind in running} & READERS.keys()):
        votes.update(await READERS[kind](conn, [s for s, of in running if of == kind], now_ms))
    return votes
