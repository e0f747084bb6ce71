"""Create a channel of the operator's: one like any tenant's, of the tenant that is the operator itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from control_plane.domain.tenants.plan import NO_LIMITS
from control_plane.sealing import Sealer
from control_plane.services.alerting.channel_config import Transports
from control_plane.services.alerting.create_channel import create_channel
from control_plane.store import tenants
from control_plane.store.channels import ChannelRow
from control_plane.store.pool import Database
from control_plane.store.tenants import OPERATOR


async def create_operator_channel(
    database: Database,
    *,
    sealer: Sealer,
    transports: Transports,
    channel_id: UUID,
    name: str,
    config: dict[str, Any],
    enabled: bool,
    templates: Mapping[str, Any] | None = None,
    quiet_hours: dict[str, Any] | None = None,
) -> tuple[ChannelRow, dict[str, Any]]:
    """As create_channel, without a quota."""
    async with database.app_transaction() as conn:
        await tenants.ensure_operator(conn)
    return await create_channel(
        database,
        sealer=sealer,
        transports=transports,
        tenant_id=OPERATOR,
        channel_id=channel_id,
        terms=NO_LIMITS,
        name=name,
        config=config,
        enabled=enabled,
        write_source="api",
        templates=templates,
        quiet_hours=quiet_hours,
    )
