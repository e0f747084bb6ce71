"""Clone a monitor: the same configuration and credentials under a new name, without its history and its key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from control_plane.domain.monitors.monitor_rules import read_monitor
from control_plane.sealing import Sealer
from control_plane.services.monitors.change_dependencies import hold_named
from control_plane.services.monitors.change_monitor import lock
from control_plane.services.monitors.create_monitor import insert_config
from control_plane.services.monitors.monitor_rows import Caution, opened_check, read_surroundings, stored_config
from control_plane.services.safety.refuse_target import refuse_port_scan
from control_plane.store import dependencies, monitors
from control_plane.store.pool import Database
from shared.ids import MonitorId, TenantId
from shared.netpolicy import PortProfile

NAME_LIMIT = 100
_COPY = " (copy)"


async def clone_monitor(
    database: Database,
    sealer: Sealer,
    *,
    tenant_id: TenantId,
    source_id: MonitorId,
    monitor_id: MonitorId,
    body: Mapping[str, Any],
    write_source: str,
    ports: PortProfile,
) -> list[Caution]:
    """Create `monitor_id` as `source_id` with the body merged onto it; without a name it is called "… (copy)".

    Raises NotFound MONITOR_NOT_FOUND, and what creating raises.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        await dependencies.hold_graph(conn, tenant_id=tenant_id)  # the copy depends on what the source depends on
        along = await hold_named(conn, tenant_id=tenant_id, body=body)
        row = await lock(conn, tenant_id=tenant_id, monitor_id=source_id, along=along)
        bindings = await monitors.read_bindings(conn, tenant_id=tenant_id, monitor_id=source_id)
        surroundings = await read_surroundings(conn, tenant_id=tenant_id, body=body, ports=ports)
        check = opened_check(sealer, row)
        upstreams = await dependencies.read_upstreams(conn, tenant_id=tenant_id, monitor_id=source_id)
        source = stored_config(row, check=check, bindings=bindings, regions=surroundings.regions, depends_on=upstreams)
        copy = structs.replace(source, name=source.name[: NAME_LIMIT - len(_COPY)] + _COPY, key=None)
        config = read_monitor(body, stored=copy, surroundings=surroundings)
        gate = surroundings.gate
        gate.refuse(config.check, "/check")  # the source was stored before the rule that forbids its target
        gate.refuse_unverified(config.check, interval_s=config.interval_s, new=True)
        await refuse_port_scan(conn, gate.settings, tenant_id=tenant_id, check=config.check, regions=config.regions)
        return await insert_config(
            conn,
            sealer,
            tenant_id=tenant_id,
            monitor_id=monitor_id,
            terms=surroundings.terms,
            gate=gate,
            config=config,
            write_source=write_source,
        )
