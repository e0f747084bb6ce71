"""Create a monitor, with its assignments and state, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from control_plane.domain.checks.check_rules import rules_of, target_of
from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.checks.regionless import timeout_ms
from control_plane.domain.monitors.monitor_rules import MonitorConfig, read_monitor
from control_plane.domain.safety.safety_gate import Gate
from control_plane.domain.tenants.plan import PlanTerms, require_room
from control_plane.domain.tenants.plan_rules import refuse_beyond_plan
from control_plane.sealing import Sealer
from control_plane.services.heartbeats.keep_heartbeat import make_heartbeat
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.monitors.change_dependencies import hold_named
from control_plane.services.monitors.credentials import monitor_context, seal_check
from control_plane.services.monitors.monitor_rows import Caution, assign, binding_rows, plain_columns, read_surroundings
from control_plane.services.safety.refuse_target import refuse_crowded, refuse_port_scan
from control_plane.store import dependencies, monitors, pauses
from control_plane.store.monitors import MonitorRow
from control_plane.store.pool import Connection, Database
from shared.clock import from_unix_ms
from shared.ids import MonitorId, TenantId
from shared.netpolicy import PortProfile


async def create_monitor(
    database: Database,
    sealer: Sealer,
    *,
    tenant_id: TenantId,
    monitor_id: MonitorId,
    body: Mapping[str, Any],
    write_source: str,
    ports: PortProfile,
) -> list[Caution]:
    """Create the monitor that the body describes; returns what is worth a warning.

    Raises BadRequest, Forbidden and Refused as domain/monitor_rules says, Refused QUOTA_EXCEEDED, Conflict KEY_TAKEN.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        await hold_named(conn, tenant_id=tenant_id, body=body)
        surroundings = await read_surroundings(conn, tenant_id=tenant_id, body=body, ports=ports)
        config = read_monitor(body, stored=None, surroundings=surroundings)
        await refuse_port_scan(
            conn, surroundings.gate.settings, tenant_id=tenant_id, check=config.check, regions=config.regions
        )
        return await insert_config(
            conn,
            sealer,
            tenant_id=tenant_id,
            monitor_id=monitor_id,
            terms=surroundings.terms,
            gate=surroundings.gate,
            config=config,
            write_source=write_source,
        )


async def insert_config(
    conn: Connection,
    sealer: Sealer,
    *,
    tenant_id: TenantId,
    monitor_id: MonitorId,
    terms: PlanTerms,
    gate: Gate,
    config: MonitorConfig,
    write_source: str,
) -> list[Caution]:
    """Write a new monitor of this configuration inside the caller's transaction.

    Taking the number locks the tenant's counters, so two that create at once cannot both take the last place, nor the
    one that an unproven domain has.
    """
    refuse_beyond_plan(terms, config.check, interval_s=config.interval_s, regions=len(config.regions))
    await monitors.lock_states(conn, tenant_id=tenant_id, monitor_ids=config.depends_on)
    number = await monitors.take_number(conn, tenant_id=tenant_id)
    require_room(terms, "max_monitors", current=await monitors.count_monitors(conn, tenant_id=tenant_id))
    await refuse_crowded(conn, gate, tenant_id=tenant_id, check=config.check, interval_s=config.interval_s)
    document, sealed = seal_check(sealer, config.check, context=monitor_context(tenant_id, monitor_id))
    now_ms = await monitors.now_ms(conn)
    row = new_row(
        config,
        tenant_id=tenant_id,
        monitor_id=monitor_id,
        number=number,
        check=document,
        sealed=sealed,
        now_ms=now_ms,
        write_source=write_source,
    )
    target = msgspec.to_builtins(target_of(config.check))
    twin = await monitors.monitor_with_target(conn, tenant_id=tenant_id, target=target, except_id=monitor_id)
    await monitors.insert_monitor(conn, row)
    assigned = len(row.regions) if row.enabled else 0
    if not config.enabled:
        await pauses.begin_pause(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    sole = rules_of(config.check).regionless
    await monitors.insert_state(conn, tenant_id=tenant_id, monitor_id=monitor_id, assigned=assigned, sole=sole)
    await monitors.replace_bindings(conn, tenant_id=tenant_id, monitor_id=monitor_id, bindings=binding_rows(config))
    await dependencies.replace_upstreams(
        conn, tenant_id=tenant_id, monitor_id=monitor_id, depends_on=config.depends_on
    )  # nothing depends on it yet, so that they close no circle
    await assign(conn, row, timeout_ms=timeout_ms(config.check))
    if isinstance(config.check, HeartbeatCheck):
        await make_heartbeat(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    if sole:
        await judge_monitors(conn, [monitor_id])  # what it rests on is there already
    return _warnings(config, twin)


def new_row(
    config: MonitorConfig,
    *,
    tenant_id: TenantId,
    monitor_id: MonitorId,
    number: int,
    check: dict[str, Any],
    sealed: bytes | None,
    now_ms: int,
    write_source: str,
) -> MonitorRow:
    """The row of a monitor that begins at `now_ms`, Unix ms. `check` is masked, its secrets are `sealed`."""
    now = from_unix_ms(now_ms)
    return MonitorRow(
        tenant_id=tenant_id,
        id=monitor_id,
        number=number,
        kind=check["type"],
        check=check,
        sealed=sealed,
        check_version=1,
        first_slot=now_ms,
        write_source=write_source,
        created_at=now,
        updated_at=now,
        revision=1,
        **plain_columns(config),
    )


def _warnings(config: MonitorConfig, twin: str | None) -> list[Caution]:
    found = [
        Caution("REGION_DISABLED", f"Region {region.slug} is disabled: it stays silent until it is enabled")
        for region in config.regions
        if not region.enabled
    ]
    if twin is not None and not rules_of(config.check).regionless:  # others may wait by the same rule
        found.append(Caution("DUPLICATE_URL", f"The monitor “{twin}” watches the same"))
    return found
