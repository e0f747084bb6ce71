"""Hold every monitor against the rules after they changed: in slices, set-based, resumable, never on an agent's poll.

A monitor that is blocked leaves its agents with their next poll, its votes are none, its verdict is unknown, and an
open incident is resolved with that reason and without notice. One that is no longer blocked begins with a new check
version. Whoever creates or changes a monitor meanwhile passed the rules as they were: so a look at all of them counts
only when everybody who wrote before the change has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from control_plane.domain.safety.safety import Denial, Rules, target_of
from control_plane.domain.safety.safety_gate import unproven, unverified_denial
from control_plane.domain.safety.safety_settings import UNVERIFIED_INTERVAL_S, SafetySettings, settings_of
from control_plane.services.incidents.close_incident import resolve_quietly
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.judging.lock_to_judge import lock_to_judge
from control_plane.services.safety.read_gate import compiled_rules
from control_plane.store import cases, safety
from control_plane.store.pool import Database
from control_plane.store.safety import TargetRow

SLICE = 2_000
WRITTEN_AT_ONCE = 200
"""Monitors that are blocked in one transaction: each is judged there."""

_BEFORE_ALL = UUID(int=0)


class _InForce(Struct, frozen=True):
    rules: Rules
    settings: SafetySettings


async def apply_rules(database: Database, *, again: bool = False) -> int:
    """Block and unblock what the rules as they are ask for; how many monitors that were.

    Nothing is looked at while the rules are those of the last time, or while another process is at it. `again`: where
    domains have to be verified, look nevertheless, because time ends a verification, too.
    """
    async with database.app() as conn:
        if not await safety.try_apply(conn):
            return 0
        try:
            state = await safety.rules_state(conn)
            settings = settings_of(await safety.read_settings(conn))
            if state.version == state.applied and not (again and settings.require_domain_verification):
                return 0
            in_force = _InForce(await compiled_rules(conn, state.version), settings)
            done = await _walk(database, in_force)
            if state.settled and state.version != state.applied:
                await safety.note_applied(conn, state.version)
        finally:
            await safety.end_apply(conn)
    return done


async def _walk(database: Database, in_force: _InForce) -> int:
    done, tenant, number = 0, _BEFORE_ALL, -1
    first: set[tuple[UUID, str]] = set()
    while True:
        async with database.app() as conn:
            rows = await safety.targets_after(conn, tenant_id=tenant, number=number, limit=SLICE)
            verified = await safety.verified_of(conn, sorted({row.tenant_id for row in rows}))
        found = {row.id: _denied(row, in_force, verified.get(row.tenant_id, frozenset()), first) for row in rows}
        changed = [row for row in rows if _stored(row) != found[row.id]]
        for begin in range(0, len(changed), WRITTEN_AT_ONCE):
            part = changed[begin : begin + WRITTEN_AT_ONCE]
            done += await _write(database, part, {row.id: found[row.id] for row in part})
        if len(rows) < SLICE:
            return done
        tenant, number = rows[-1].tenant_id, rows[-1].number


def _denied(
    row: TargetRow, in_force: _InForce, verified: frozenset[str], first: set[tuple[UUID, str]]
) -> Denial | None:
    """What forbids the monitor. Of an unproven domain the tenant's first monitor is let be, if it is slow enough."""
    target = target_of({**structs.asdict(row), "type": row.kind})
    denial = in_force.rules.find(target)
    if denial is not None or not in_force.settings.require_domain_verification:
        return denial
    domain = unproven(target, verified)
    if domain is None:
        return None
    key = (row.tenant_id, domain)
    if key in first or row.interval_s < UNVERIFIED_INTERVAL_S:
        return unverified_denial(domain)
    first.add(key)
    return None


def _stored(row: TargetRow) -> Denial | None:
    return None if row.blocked_by is None else msgspec.convert(row.blocked_by, Denial)


async def _write(database: Database, seen: Sequence[TargetRow], found: dict[UUID, Denial | None]) -> int:
    """Under the lock of their states: what has another target by now is left to the one who changed it."""
    before = {row.id: row for row in seen}
    async with database.app_transaction() as conn:
        states = await lock_to_judge(conn, list(before))
        now = await safety.targets_of(conn, [state.monitor_id for state in states])
        rows = [row for row in now if row == before[row.id]]
        if not rows:
            return 0
        words = {id_: None if denial is None else structs.asdict(denial) for id_, denial in found.items()}
        await safety.write_blocks(conn, [(row.tenant_id, row.id, words[row.id]) for row in rows])
        blocked = {row.id for row in rows if found[row.id] is not None}
        for incident in (await cases.open_incidents(conn, states)).values():
            if incident.monitor_id in blocked:
                await resolve_quietly(
                    conn, tenant_id=incident.tenant_id, monitor_id=incident.monitor_id, resolution="blocked"
                )
        await judge_monitors(conn, [row.id for row in rows])
    return len(rows)
