"""What a heartbeat's page shows besides: where to ping and how, what came last, and the runs that it tells of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from control_plane.dashboard.visit import Visit
from control_plane.dashboard.words import Moment, count, lasting, maybe_moment, moment
from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.heartbeats.ping_snippets import PingSnippet, crontab_line, curl_line, more_snippets
from control_plane.store import heartbeat_reads
from control_plane.store.heartbeat_reads import HeartbeatView, PingView, RunView
from control_plane.store.monitor_reads import MonitorView
from shared.clock import from_unix_ms

_SHOWN = 10
_NEWEST = 2**62

_EVERY: Final = {
    60: "* * * * *",
    300: "*/5 * * * *",
    600: "*/10 * * * *",
    900: "*/15 * * * *",
    1800: "*/30 * * * *",
    3600: "0 * * * *",
    86_400: "0 0 * * *",
    604_800: "0 0 * * 0",
}
"""Periods, in seconds, that a line of a crontab can say."""

SAYS: Final = {"success": "well", "fail": "failed", "start": "started", "log": "note"}
_BECAME: Final = {"success": "well", "fail": "failed"}


class PingLine(Struct, frozen=True, kw_only=True):
    """One ping. `exit_code` and `size` (bytes that came with it) are words, or empty."""

    number: int
    at: Moment
    says: str
    exit_code: str
    source: str
    size: str


class RunLine(Struct, frozen=True, kw_only=True):
    """One run: how it ended, and how long it took if it did."""

    number: int
    started: Moment
    outcome: str
    took: str


class HeartbeatPart(Struct, frozen=True, kw_only=True):
    """`curl`, `crontab` and `more` are lines to copy, empty to whoever may not ping or where there are none."""

    curl: str
    crontab: str
    more: Sequence[PingSnippet]
    pings: str
    last: Moment | None
    last_says: str
    expected: Moment | None
    due: Moment | None
    running: Moment | None
    recent: tuple[PingLine, ...]
    runs: tuple[RunLine, ...]


async def heartbeat_part(visit: Visit, view: MonitorView) -> HeartbeatPart | None:
    """None for a monitor of another kind. Single pings and runs are shown to who may read heartbeats."""
    if view.kind != "heartbeat":
        return None
    whose = {"tenant_id": visit.tenant_id, "monitor_id": view.id}
    pings: list[PingView] = []
    runs: list[RunView] = []
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        found = await heartbeat_reads.get_heartbeats(conn, tenant_id=visit.tenant_id, monitor_ids=[view.id])
        if visit.may("heartbeats:read"):
            pings = await heartbeat_reads.list_pings(conn, **whose, before=_NEWEST, kind=None, limit=_SHOWN)
            runs = await heartbeat_reads.list_runs(conn, **whose, before=_NEWEST, limit=_SHOWN)
    if view.id not in found:
        return None
    may_ping = visit.may("heartbeats:write") or visit.may("monitors:write")
    url = f"{visit.origin}/ping/{found[view.id].ping_id}" if may_ping else ""
    return _part(found[view.id], url, pings, runs, now=visit.deps.now())


def _part(beat: HeartbeatView, url: str, pings: list[PingView], runs: list[RunView], *, now: datetime) -> HeartbeatPart:
    expected, due = next_of(beat, now)
    return HeartbeatPart(
        curl=curl_line(url) if url else "",
        crontab=_crontab(beat, url) if url else "",
        more=more_snippets(url) if url else (),
        pings=count(beat.pings, "ping"),
        last=maybe_moment(beat.last_ping_at, now),
        last_says=SAYS.get(beat.last_kind or "", ""),
        expected=maybe_moment(expected, now),
        due=maybe_moment(due, now),
        running=moment(from_unix_ms(beat.open_runs[0][1]), now) if beat.open_runs else None,
        recent=tuple(_ping_line(ping, now) for ping in pings),
        runs=tuple(_run_line(run, now) for run in runs),
    )


def next_of(beat: HeartbeatView, now: datetime) -> tuple[datetime | None, datetime | None]:
    """When the next ping is expected, and when it counts as missed; None for what is not known, or of a run's end."""
    due = beat.due_at if beat.due_at is not None and beat.due_at > now else None
    if due is None or beat.open_runs:
        return None, due
    return due - timedelta(seconds=msgspec.convert(beat.check, HeartbeatCheck).grace), due


def _ping_line(ping: PingView, now: datetime) -> PingLine:
    size = f"{ping.size:,} B".replace(",", "\N{NARROW NO-BREAK SPACE}") if ping.size else ""
    return PingLine(
        number=ping.number,
        at=moment(ping.at, now),
        says=SAYS[ping.kind],
        exit_code="" if ping.exit_code is None else f"exit {ping.exit_code}",
        source=ping.source,
        size=f"{size}, cut" if ping.cut else size,
    )


def _run_line(run: RunView, now: datetime) -> RunLine:
    return RunLine(
        number=run.number,
        started=moment(run.started_at, now),
        outcome=_BECAME.get(run.outcome, run.outcome),
        took="" if run.duration_ms is None else lasting(run.duration_ms / 1000),
    )


def _crontab(beat: HeartbeatView, url: str) -> str:
    """Empty for a period that no line of a crontab says."""
    check = msgspec.convert(beat.check, HeartbeatCheck)
    schedule = check.cron or _EVERY.get(check.period or 0, "")
    return crontab_line(schedule, url) if schedule else ""
