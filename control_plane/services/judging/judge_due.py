"""What time alone decides, soon after it does: deadlines, calm after flapping, ended holds, and what rests on others.

Deadlines are data: `due_at` of a state row. Followers (composites, and what depends on another monitor) are found by
comparing what they were judged by with what is so now; a hint after each change of verdict makes that quick, and the
sweep does without one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from control_plane.services.judging.count_decisions import count_decisions
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.judging.sole_votes import STALE
from control_plane.store import cases, holds
from control_plane.store.pool import Connection, Database

BATCH = 500
"""Monitors judged in one transaction."""

Question = Callable[[Connection, int, int], Awaitable[Sequence[UUID]]]
"""The instant (Unix ms) and a limit in, monitors out that are to be judged."""


async def judge_due(database: Database) -> int:
    """Judge every monitor whose `due_at` has come. Returns how many judgements were made."""
    return await judge_all(database, _due)


async def judge_followers(database: Database) -> int:
    """Judge whatever rests on other monitors' verdicts, or on windows, that have changed since. Returns how many.

    A chain (a composite of composites) settles from one round to the next, at most as many as there are kinds of link.
    """
    done = 0
    for question in (_stale_holds, *STALE.values()):
        done += await judge_all(database, question)
    return done


async def judge_all(database: Database, question: Question) -> int:
    """Judge what the question finds, batch by batch, until a batch is not full or brings nothing new."""
    done: set[UUID] = set()
    while True:
        async with database.app_transaction() as conn:
            now_ms = await cases.database_clock_ms(conn)
            found = await question(conn, now_ms, BATCH)
            decisions = await judge_monitors(conn, found) if found else []
        count_decisions(decisions)
        full = len(found) == BATCH and not done.issuperset(found)
        done.update(found)
        if not full:
            return len(done)


async def _due(conn: Connection, now_ms: int, limit: int) -> Sequence[UUID]:
    return await cases.due_cases(conn, now_ms=now_ms, limit=limit)


async def _stale_holds(conn: Connection, now_ms: int, limit: int) -> Sequence[UUID]:
    return await holds.stale_holds(conn, now_ms=now_ms, limit=limit)
