"""The demo's heartbeats: the pings and runs that came, and those that did not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.services.demo.story import Spell
from control_plane.services.installation.identity import new_id
from control_plane.store import demo_history
from control_plane.store.demo_history import DemoMonitor, Row
from control_plane.store.pool import Connection


class Job(Struct, frozen=True):
    """A job that pings: every `period`, `lasts_s` long; `grace` as its monitor says. `kept` runs are written."""

    period: timedelta
    lasts_s: int
    grace: timedelta
    kept: int
    at_three: bool = False


JOBS: Mapping[str, Job] = {
    "backup": Job(timedelta(days=1), 372, timedelta(hours=1), 88, at_three=True),
    "invoices": Job(timedelta(hours=1), 48, timedelta(minutes=15), 120),
    "seats": Job(timedelta(minutes=1), 3, timedelta(minutes=2), 90),
}
"""By the monitor's key."""

_PING = (
    *("tenant_id", "monitor_id", "number", "at", "kind", "exit_code", "rid", "method", "source", "user_agent"),
    *("body", "cut"),
)
_RUN = (
    *("tenant_id", "monitor_id", "number", "rid", "started_at", "finished_at", "duration_ms", "exit_code"),
    "outcome",
)


async def write_heartbeats(
    conn: Connection,
    monitors: Mapping[str, DemoMonitor],
    spells: Mapping[str, Sequence[Spell]],
    *,
    tenant_id: UUID,
    now: datetime,
) -> None:
    """Pings and runs of all jobs, and where each heartbeat stands."""
    pings: list[Row] = []
    runs: list[Row] = []
    states: list[Row] = []
    for key, job in JOBS.items():
        ids = (tenant_id, monitors[key].id)
        number, last = 0, now
        for at in _starts(job, now):
            exit_code = _exit_code(spells[key], at, now)
            if exit_code is None:
                continue
            rid, lasts = new_id(), timedelta(seconds=job.lasts_s + at.minute % 7)
            start, last = number + 1, at + lasts
            number += 2
            code = exit_code or None
            body = b"" if code is None else b"rows copied: 0\nthe target has no room left\n"
            came = ("POST", "127.0.0.1", "curl/8.5.0")
            pings.append((*ids, start, at, "start", None, rid, *came, b"", False))
            pings.append((*ids, number, last, "fail" if code else "success", exit_code, rid, *came, body, False))
            outcome = (round(lasts.total_seconds() * 1000), exit_code, "fail" if code else "success")
            runs.append((*ids, start, rid, at, last, *outcome))
        due = _following(job, last, now) + job.grace
        states.append((*ids, last, last, due, number))
    await demo_history.copy_rows(conn, "heartbeat_pings", _PING, pings)
    await demo_history.copy_rows(conn, "heartbeat_runs", _RUN, runs)
    await demo_history.set_heartbeats(conn, states)


def _starts(job: Job, now: datetime) -> Iterator[datetime]:
    if job.at_three:
        last = now.replace(hour=3, minute=0, second=2)
        last = last if last + timedelta(seconds=600) < now else last - timedelta(days=1)
    else:
        last = now - timedelta(seconds=job.lasts_s + 10)
    for back in range(job.kept - 1, -1, -1):
        yield last - back * job.period


def _exit_code(spells: Sequence[Spell], at: datetime, now: datetime) -> int | None:
    """Of the run that starts then; None where none started."""
    for spell in spells:
        since = spell.begins(now)
        if "exit code" in spell.message and since - timedelta(minutes=10) <= at < spell.ends(now) - timedelta(
            minutes=5
        ):
            return int(spell.message.rpartition(" ")[2])
        if "No ping" in spell.message and since - timedelta(hours=1, minutes=5) <= at < spell.ends(now):
            return None
    return 0


def _following(job: Job, last: datetime, now: datetime) -> datetime:
    """When the next ping is expected."""
    if not job.at_three:
        return last + job.period
    three = now.replace(hour=3, minute=0, second=0)
    return three if three > now else three + timedelta(days=1)
