"""Forget what is older than it is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from control_plane.settings import RetentionSettings
from control_plane.store import partitions, retention
from control_plane.store.pool import Connection, Database

Forget = Callable[[Connection], Awaitable[int]]


async def forget_old_rows(database: Database, *, settings: RetentionSettings, now: datetime) -> int:
    """Rows forgotten, in batches of their own, so that no lock is held for long; partitions are dropped whole."""
    rules: tuple[Forget, ...] = (
        partial(retention.forget_events, older_than=timedelta(days=settings.events_days)),
        partial(retention.forget_deliveries, older_than=timedelta(days=settings.deliveries_days)),
        retention.forget_replies,
        retention.forget_dispatches,
        retention.forget_assignments,
    )
    forgotten = 0
    async with database.owner() as conn:
        await partitions.drop_partitions(conn, before=(now - timedelta(days=settings.results_days)).date())
        for rule in rules:
            forgotten += await _exhaust(conn, rule)
    return forgotten


async def _exhaust(conn: Connection, rule: Forget) -> int:
    forgotten = 0
    while batch := await rule(conn):
        forgotten += batch
    return forgotten
