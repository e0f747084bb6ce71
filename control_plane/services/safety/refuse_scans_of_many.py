"""The rule of port scans for many monitors in one transaction: each is refused, or counted, as if it came alone."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

from control_plane.domain.monitors.monitor_rules import MonitorConfig
from control_plane.domain.safety.safety_scan import Touch, touch_of
from control_plane.domain.safety.safety_settings import SafetySettings
from control_plane.errors import FarwatchError, Refused
from control_plane.services.safety.refuse_target import refuse_scans
from control_plane.store.pool import Connection
from shared.ids import TenantId

Place = TypeVar("Place", bound=Hashable)


async def scans_among(
    conn: Connection, settings: SafetySettings, *, tenant_id: TenantId, configs: Mapping[Place, MonitorConfig]
) -> dict[Place, FarwatchError]:
    """Note the ports that these checks name, in their order; the refusals of those that are one too many in an hour.

    What a refused one would have counted is taken back.
    """
    touches = {place: touch for place, config in configs.items() if (touch := _counted(config)) is not None}
    if await _refusal(conn, settings, tenant_id=tenant_id, touches=[*set(touches.values())]) is None:
        return {}
    refused: dict[Place, FarwatchError] = {}
    for place, touch in touches.items():
        refusal = await _refusal(conn, settings, tenant_id=tenant_id, touches=[touch])
        if refusal is not None:
            refused[place] = refusal
    return refused


def _counted(config: MonitorConfig) -> Touch | None:
    """As services/refuse_target.refuse_port_scan has it: not what runs from private regions alone."""
    if not config.regions or all(region.private for region in config.regions):
        return None
    return touch_of(config.check)


async def _refusal(
    conn: Connection, settings: SafetySettings, *, tenant_id: TenantId, touches: list[Touch]
) -> FarwatchError | None:
    if not touches:
        return None
    try:
        async with conn.transaction():
            await refuse_scans(conn, settings, tenant_id=tenant_id, touches=touches)
    except Refused as refusal:
        return refusal
    return None
