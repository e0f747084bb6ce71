"""Forget what is older than it is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta
from functools import partial

import structlog

from control_plane.errors import FarwatchError
from control_plane.metrics import RETENTION_FAILURES
from control_plane.settings import RetentionSettings
from control_plane.store import page_retention, partitions, retention, rollups, sessions
from control_plane.store.pool import Connection, Database

Forget = Callable[[Connection], Awaitable[int]]

_log = structlog.get_logger(__name__)


async def forget_old_rows(database: Database, *, settings: RetentionSettings, now: datetime) -> int:
    """Rows forgotten, in batches of their own, so that no lock is held for long; partitions are dropped whole.

    A step that cannot be done now, because of a long reader or because the database is away, is logged, counted, and
    left for the next run: it keeps no other from being done.
    """
    forgotten = 0
    for name, step in _steps(settings, now).items():
        try:
            async with database.owner() as conn:
                forgotten += await step(conn)
        except FarwatchError as error:
            _log.warning("retention_step_failed", step=name, error=error.message)
            RETENTION_FAILURES.labels(name).inc()
    return forgotten


def _steps(settings: RetentionSettings, now: datetime) -> Mapping[str, Forget]:
    """Deliveries before incidents: they refer to them."""
    rules: Mapping[str, Forget] = {
        "events": partial(retention.forget_events, older_than=timedelta(days=settings.events_days)),
        "deliveries": partial(retention.forget_deliveries, older_than=timedelta(days=settings.deliveries_days)),
        "mails": partial(retention.forget_mails, older_than=timedelta(days=settings.deliveries_days)),
        "verifications": partial(retention.forget_verifications, older_than=timedelta(days=settings.deliveries_days)),
        "page_notices": partial(page_retention.forget_notices, older_than=timedelta(days=settings.deliveries_days)),
        "page_questions": partial(page_retention.forget_questions, older_than=timedelta(days=settings.deliveries_days)),
        "unconfirmed": page_retention.forget_unconfirmed,
        "incidents": partial(retention.forget_incidents, older_than=timedelta(days=settings.incidents_days)),
        "operator_incidents": partial(
            retention.forget_operator_incidents, older_than=timedelta(days=settings.incidents_days)
        ),
        "transitions": partial(retention.forget_transitions, older_than=timedelta(days=settings.transitions_days)),
        "periods": partial(retention.forget_periods, older_than=timedelta(days=settings.transitions_days)),
        "certificates": partial(retention.forget_certificates, older_than=timedelta(days=settings.certificates_days)),
        "pings": partial(retention.forget_pings, older_than=timedelta(days=settings.pings_days)),
        "runs": partial(retention.forget_runs, older_than=timedelta(days=settings.pings_days)),
        "rollups_fine": partial(rollups.forget_fine, older_than=timedelta(days=settings.fine_rollups_days)),
        "rollups_hourly": partial(rollups.forget_hourly, older_than=timedelta(days=settings.hourly_rollups_days)),
        "windows": partial(retention.forget_windows, older_than=timedelta(days=settings.incidents_days)),
        "occurrences": partial(retention.forget_occurrences, older_than=timedelta(days=settings.incidents_days)),
        "silences": partial(retention.forget_silences, older_than=timedelta(days=settings.incidents_days)),
        "spells": retention.forget_spells,
        "refusals": retention.forget_refusals,
        "audit": partial(retention.forget_audit, older_than=timedelta(days=settings.audit_days)),
        "jobs": retention.forget_jobs,
        "replies": retention.forget_replies,
        "sessions": sessions.forget_sessions,
        "logins": sessions.forget_logins,
        "dispatches": retention.forget_dispatches,
        "assignments": retention.forget_assignments,
    }
    last_day = (now - timedelta(days=settings.results_days)).date()
    return {
        "results": partial(_drop_partitions, before=last_day),
        **{name: partial(_exhaust, rule=rule) for name, rule in rules.items()},
    }


async def _drop_partitions(conn: Connection, *, before: date) -> int:
    await partitions.drop_partitions(conn, before=before)
    return 0


async def _exhaust(conn: Connection, *, rule: Forget) -> int:
    forgotten = 0
    while batch := await rule(conn):
        forgotten += batch
    return forgotten
