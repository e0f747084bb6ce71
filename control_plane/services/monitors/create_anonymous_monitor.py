"""Create a monitor for somebody without an account, with the key that alone changes it, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from control_plane.domain.monitors.monitor_rules import read_monitor
from control_plane.domain.tenants.anonymous_rules import read_public, refuse_shared
from control_plane.sealing import Sealer
from control_plane.services.monitors.create_monitor import insert_config
from control_plane.services.monitors.monitor_rows import Caution, read_surroundings
from control_plane.services.safety.refuse_target import refuse_port_scan
from control_plane.services.tenants.issue_manage_key import IssuedManageKey, write_manage_key
from control_plane.services.tenants.take_turn import take_turn
from control_plane.settings import Settings
from control_plane.store import manage_keys, tenants
from control_plane.store.pool import Database
from control_plane.store.tenants import ANONYMOUS
from shared.ids import MonitorId

_TOLD_OF_OTHERS = ("DUPLICATE_URL",)
"""Warnings that name what somebody else created."""


async def create_anonymous_monitor(
    database: Database,
    sealer: Sealer,
    *,
    caller_id: UUID,
    monitor_id: MonitorId,
    body: Mapping[str, Any],
    write_source: str,
    settings: Settings,
) -> tuple[IssuedManageKey, list[Caution]]:
    """`caller_id` stands for the address. Raises TooMany RATE_LIMITED, and what creating a monitor raises.

    The tenant's row is held from the count on, so that creations take turns and none is one too many; what is refused
    counts for nothing.
    """
    is_public, rest = read_public(body)
    refuse_shared(rest)
    async with database.tenant_transaction(ANONYMOUS) as conn:
        await tenants.lock(conn, tenant_id=ANONYMOUS)
        await take_turn(conn, caller_id=caller_id, settings=settings)
        ports = settings.security.tcp_ports
        surroundings = await read_surroundings(conn, tenant_id=ANONYMOUS, body=rest, ports=ports)
        config = read_monitor(rest, stored=None, surroundings=surroundings)
        gate = surroundings.gate
        await refuse_port_scan(conn, gate.settings, tenant_id=ANONYMOUS, check=config.check, regions=config.regions)
        warnings = await insert_config(
            conn,
            sealer,
            tenant_id=ANONYMOUS,
            monitor_id=monitor_id,
            terms=surroundings.terms,
            gate=gate,
            config=config,
            write_source=write_source,
        )
        await manage_keys.set_public(conn, tenant_id=ANONYMOUS, monitor_id=monitor_id, is_public=bool(is_public))
        pepper = settings.security.pepper.encode()
        issued = await write_manage_key(conn, tenant_id=ANONYMOUS, monitor_id=monitor_id, pepper=pepper)
    return issued, [warning for warning in warnings if warning.code not in _TOLD_OF_OTHERS]
