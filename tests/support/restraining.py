"""What restrains incidents, on a stage: windows, upstreams, other monitors' reports, and time that passes in rows."""

from __future__ import annotations

from itertools import count
from typing import Any
from uuid import UUID

from control_plane.services.fleet.ingest_results import ingest_results
from control_plane.services.judging.judge_due import judge_due
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.store.pool import Database
from shared.ids import TenantId
from shared.results import CheckResult, Outcome, Reason
from tests.support import seed
from tests.support.deciding import Stage, now_ms

_INSTANTS = {
    "monitor_states": (
        *("since", "judged_at", "well_since", "due_at", "held_since", "hold_ended_at", "waits_until"),
        "backed_off_at",
    ),
    "incidents": ("started_at", "opened_at", "reopened_at", "resolved_at", "updated_at"),
    "incident_reminders": ("due_at", "reminded_at", "escalated_at"),
    "monitor_periods": ("starts_at", "ends_at"),
    "transitions": ("at",),
    "dispatches": ("expires_at",),
    "heartbeats": ("since", "counted_from", "due_at", "last_ping_at", "first_bad_at"),
}
_SLOTS = {"votes": ("newest_slot", "first_bad_slot", "vote_since"), "dispatches": ("slot",)}


async def pass_time(database: Database, *, seconds: int) -> None:
    """Let everything that judging reads have happened so much earlier. Results stay where they are."""
    async with database.app_transaction() as conn:
        for table, columns in _INSTANTS.items():
            moved = ", ".join(f"{name} = {name} - make_interval(secs => $1)" for name in columns)
            await conn.execute(f"UPDATE {table} SET {moved}", seconds)
        for table, columns in _SLOTS.items():
            moved = ", ".join(f"{name} = {name} - $1::bigint" for name in columns)
            await conn.execute(f"UPDATE {table} SET {moved}", seconds * 1000)


async def look_again(database: Database) -> None:
    """Judge what is to be looked at again within two seconds, without waiting for them."""
    async with database.app_transaction() as conn:
        soon = "due_at < clock_timestamp() + interval '2 seconds'"
        await conn.execute(f"UPDATE monitor_states SET due_at = clock_timestamp() - interval '1 ms' WHERE {soon}")
    await judge_due(database)


async def a_window(stage: Stage, *, ends_in_s: int | None, monitor_id: UUID | None = None) -> None:
    """Maintenance that began a minute ago covers the monitor; judged, as whoever writes such a row does."""
    covered = monitor_id or stage.monitor_id
    async with stage.database.app_transaction() as conn:
        await conn.execute(
            "INSERT INTO monitor_periods (tenant_id, monitor_id, kind, title, starts_at, ends_at)"
            " VALUES ($1, $2, 'maintenance', 'database',"
            " now() - interval '1 minute', now() + make_interval(secs => $3))",
            stage.tenant_id,
            covered,
            ends_in_s,
        )
        await judge_monitors(conn, [covered])


async def another_monitor(stage: Stage, **columns: Any) -> UUID:
    """A monitor of the stage's tenant in all of its regions, up since a minute."""
    regions = [reporter.region_id for reporter in stage.reporters.values()]
    async with stage.database.app_transaction() as conn:
        made = await seed.a_monitor(conn, TenantId(stage.tenant_id), regions, **columns)
    for region in stage.reporters:
        await say(stage, made, region, "up", at=-60)
    return made


async def depends(stage: Stage, monitor_id: UUID, on: UUID) -> None:
    async with stage.database.app_transaction() as conn:
        await conn.execute(
            "INSERT INTO monitor_dependencies (tenant_id, monitor_id, depends_on) VALUES ($1, $2, $3)",
            stage.tenant_id,
            monitor_id,
            on,
        )
        await judge_monitors(conn, [monitor_id])


async def say(stage: Stage, monitor_id: UUID, region: str, *outcomes: str, at: float) -> None:
    """The region reports these outcomes of any monitor, two seconds apart; `at` as in `Stage.slot`.

    Results stay where they are when time passes, so a slot that is taken is moved on by as many ms as it takes.
    """
    reporter = stage.reporters[region]
    rows = await stage.rows(
        "SELECT slot FROM results WHERE monitor_id = $1 AND region_id = $2", monitor_id, reporter.region_id
    )
    taken_slots = {row["slot"] for row in rows}
    first = next(slot for slot in count(stage.slot(at)) if slot not in taken_slots)
    items = [
        CheckResult(
            monitor_id,
            1,
            first + 2_000 * i,
            Outcome(outcome),
            Reason.CONNECT if outcome == "down" else Reason.NONE,
            total=3.0,
        )
        for i, outcome in enumerate(outcomes)
    ]
    taken = await ingest_results(stage.database, reporter, sent_at=now_ms(), items=items)
    assert set(taken.statuses) == {"stored"}, taken.statuses


async def all_say(stage: Stage, monitor_id: UUID, *outcomes: str, at: float) -> None:
    for region in stage.reporters:
        await say(stage, monitor_id, region, *outcomes, at=at)


def soon(stage: Stage, seconds: float = 1) -> float:
    """A slot so long after now, as `at`: results ahead of the clock by less than 30 s vote."""
    return (now_ms() - stage.start) / 1000 + seconds


async def state_of(stage: Stage, monitor_id: UUID) -> dict[str, Any]:
    return (await stage.rows("SELECT * FROM monitor_states WHERE monitor_id = $1", monitor_id))[0]


async def incidents_of(stage: Stage, monitor_id: UUID) -> list[dict[str, Any]]:
    return await stage.rows("SELECT * FROM incidents WHERE monitor_id = $1 ORDER BY number", monitor_id)


async def rechecks_of(stage: Stage, monitor_id: UUID) -> list[dict[str, Any]]:
    """Re-checks that wait to be claimed."""
    return await stage.rows(
        "SELECT d.*, r.slug FROM dispatches d JOIN regions r ON r.id = d.region_id"
        " WHERE d.monitor_id = $1 AND d.kind = 'recheck' AND d.claimed_at IS NULL ORDER BY slug, slot",
        monitor_id,
    )
