"""The sweep: what no result can tell. Every 15 s, in any process."""

from __future__ import annotations

from control_plane.services.judging.count_decisions import count_decisions
from control_plane.services.judging.judge_due import judge_due, judge_followers
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.store import cases
from control_plane.store.pool import Database

SWEEP_BATCH = 500
"""Monitors judged in one transaction."""


async def sweep_verdicts(database: Database) -> int:
    """Judge every monitor whose votes no longer count as they did when it was last judged: expiry, changed policies,
    disabled regions; then what time alone, windows and other monitors' verdicts decide. Returns how many were judged;
    of the first sort none while another process is at it.
    """
    done = await _sweep_counts(database)
    done += await judge_due(database)
    return done + await judge_followers(database)


async def _sweep_counts(database: Database) -> int:
    done = 0
    while True:
        async with database.app_transaction() as conn:
            if not await cases.try_sweep(conn):
                return done
            now_ms = await cases.database_clock_ms(conn)
            stale = await cases.stale_cases(conn, now_ms=now_ms, limit=SWEEP_BATCH)
            decisions = await judge_monitors(conn, stale)
        count_decisions(decisions)
        done += len(stale)
        if len(stale) < SWEEP_BATCH:
            return done
