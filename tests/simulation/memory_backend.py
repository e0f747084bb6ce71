"""The memory store as the world uses it: set up from a plan, told the time, asked what only the world wants to know."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar
from uuid import UUID

from shared.clock import from_unix_ms
from tests.simulation import memory_changes, memory_holds, memory_ingest, memory_judging, memory_work, memory_writing
from tests.simulation.memory_store import Committed, SimDatabase, StoreFault, run
from tests.simulation.memory_tables import AgentRow, Assignment, Tables
from tests.simulation.plan import Plan, PlannedMonitor

__all__ = ["MemoryBackend", "memory_changes", "memory_holds", "memory_ingest", "memory_work", "memory_writing"]

T = TypeVar("T")


class MemoryBackend:
    """`database` is what services are given."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.database = SimDatabase(self.tables)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return run(work)

    def on_commit(self, call: Callable[[Committed], None]) -> None:
        self.database.on_commit = call

    def fail_next(self, fault: StoreFault | None) -> None:
        self.database.fault = fault

    def set_clock(self, now_ms: int) -> None:
        self.tables.now_ms = now_ms

    def may_be_stale(self, now_ms: int) -> bool:
        tables = self.tables
        is_stale = memory_judging.may_be_stale(tables, now_ms) or memory_holds.due(tables, now_ms)
        return bool(is_stale or memory_holds.wrongly_held(tables, now_ms))

    def may_hand_out(self, region_id: int) -> bool:
        tables = self.tables
        return any(tables.dispatches[each].expires_ms > tables.now_ms for each in tables.in_region.get(region_id, ()))

    def cadences(self, region_id: int) -> dict[UUID, int]:
        rows = self.tables.assignments[region_id].items()
        return {monitor_id: row.cadence_s for monitor_id, row in rows if row.cadence_s is not None}

    def set_agent(self, agent_id: UUID, *, lease_until: int | None = None, healthy: bool | None = None) -> None:
        row = self.tables.agents[agent_id]
        if lease_until is not None:
            row.lease_until = lease_until
        if healthy is not None:
            row.healthy = healthy

    def live_agents(self, region_id: int) -> list[UUID]:
        now = self.tables.now_ms
        rows = self.tables.agents.values()
        return [r.id for r in rows if r.region_id == region_id and r.enabled and r.healthy and r.lease_until > now]

    def outcomes(self) -> dict[tuple[UUID, int, int], int]:
        return {key: row.outcome for key, row in self.tables.results.items()}

    def notices_missing(self) -> list[tuple[str, str]]:
        tables = self.tables
        missing = []
        for row in tables.incidents.values():
            notices = ["opened"] + (["resolved"] if row["resolution"] == "recovered" else [])
            for channel_id in tables.bindings[row["monitor_id"]]:
                missing += [
                    (notice, f"incident {row['number']}")
                    for notice in notices
                    if (row["id"], channel_id, notice, 0) not in tables.deliveries
                ]
        return missing

    def purge(self, now_ms: int) -> None:
        tables = self.tables
        for row in [row for row in tables.dispatches.values() if row.expires_ms < now_ms - 600_000]:
            tables.waiting[row.monitor_id].discard(row.id)
            tables.in_region[row.region_id].discard(row.id)
            tables.underway[row.region_id, row.monitor_id].discard(row.id)
            del tables.dispatches[row.id]

    def install(self, plan: Plan) -> None:
        tables = self.tables
        tables.now_ms = plan.start
        tables.regions.update(plan.regions)
        for tenant_id in plan.tenants:
            tables.counters[tenant_id] = {"events": 0, "incidents": 0, "deliveries": 0}
            tables.channels[tenant_id] = {"name": "ops"}  # its id need not differ from the tenant's
        for agent in plan.agents:
            tables.agents[agent.id] = AgentRow(id=agent.id, region_id=agent.region_id, number=agent.number)
        for monitor in plan.monitors:
            self._install(plan, monitor)

    def _install(self, plan: Plan, monitor: PlannedMonitor) -> None:
        tables = self.tables
        tables.monitors[monitor.id] = {
            "tenant_id": monitor.tenant_id,
            "id": monitor.id,
            "number": monitor.number,
            "key": None,
            "name": monitor.name,
            "kind": "http",
            "tags": [],
            "group": None,
            "sealed": None,
            "first_slot": monitor.first_slot,
            "regions": list(monitor.regions),
            "renotify_interval_s": 3600,
            "max_repeats": 0,
            "owner": None,
            "notes": None,
            "write_source": "api",
            "created_at": from_unix_ms(plan.start),
            "updated_at": from_unix_ms(plan.start),
            "revision": 1,
            "sla_target": None,
            "sla_period_days": None,
            "quiet_hours": None,
            "check": {"type": "http", "url": monitor.url, "timeout": monitor.timeout},
            "timeout_ms": monitor.timeout,
            "backoff_when_down": monitor.backs_off,
            "check_version": 1,
            "interval_s": monitor.interval_s,
            "enabled": True,
            "region_policy": monitor.policy.name,
            "region_policy_count": monitor.policy.k,
            "confirmations": monitor.confirmations,
            "severity": "major",
            "alert_on": monitor.alert_on,
            "notify_recovery": True,
        }
        for region_id in sorted(monitor.regions, key=plan.regions.__getitem__):
            phase = monitor.phase(region_id)
            row = Assignment(region_id, monitor.tenant_id, 1, monitor.window_ms, phase)
            tables.assignments[region_id][monitor.id] = row
            tables.regions_of[monitor.id][region_id] = row
        epoch = from_unix_ms(plan.start)
        tables.states[monitor.id] = {
            "tenant_id": monitor.tenant_id,
            "monitor_id": monitor.id,
            "verdict": "unknown",
            "reason": "",
            "since": epoch,
            "judged_at": epoch,
            "hushed": False,
            "assigned": len(monitor.regions),
            "fresh_up": 0,
            "fresh_down": 0,
            "fresh_degraded": 0,
            "last_down": 0,
            "well_since": None,
            "due_at": None,
            "held_since": None,
            "held_by": None,
            "hold_ended_at": None,
            "waits_until": None,
            "backed_off_at": None,
        }
        if monitor.depends_on:
            tables.upstreams[monitor.id] = set(monitor.depends_on)
        tables.bindings[monitor.id].append(monitor.tenant_id)
