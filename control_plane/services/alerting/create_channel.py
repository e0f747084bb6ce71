"""Create a channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from control_plane.domain import field_rules
from control_plane.domain.alerting.message_template import read_templates
from control_plane.domain.alerting.quiet_hours import read_stored
from control_plane.domain.channels import channel_rules
from control_plane.domain.tenants.plan import PlanTerms, require_channel_kind, require_room
from control_plane.sealing import Sealer
from control_plane.services.alerting import channel_config
from control_plane.services.alerting.ask_address import with_consent
from control_plane.services.alerting.channel_config import Prepared, Transports
from control_plane.services.safety.refuse_target import refuse_destination
from control_plane.store import channels, tenants
from control_plane.store.channels import ChannelRow, ChannelWrite
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId


async def create_channel(
    database: Database,
    *,
    sealer: Sealer,
    transports: Transports,
    tenant_id: TenantId,
    channel_id: UUID,
    terms: PlanTerms,
    name: str,
    config: dict[str, Any],
    enabled: bool,
    write_source: str,
    templates: Mapping[str, Any] | None = None,
    quiet_hours: dict[str, Any] | None = None,
) -> tuple[ChannelRow, dict[str, Any]]:
    """The channel, and the secrets made for it, which are never shown again. Raises Refused QUOTA_EXCEEDED,
    Forbidden PLAN_FEATURE.

    The tenant's counters are held from the count on, so two that create at once cannot both take the last place.
    """
    name = field_rules.name(name)
    channel_rules.refuse_mask(config, pointer="/config")
    prepared = channel_config.prepare(config, transports)
    async with database.tenant_transaction(tenant_id) as conn:
        row = await place_channel(
            conn,
            sealer=sealer,
            tenant_id=tenant_id,
            channel_id=channel_id,
            terms=terms,
            name=name,
            prepared=prepared,
            enabled=enabled,
            write_source=write_source,
            templates=templates,
            quiet_hours=quiet_hours,
        )
    return row, prepared.made


async def place_channel(
    conn: Connection,
    *,
    sealer: Sealer,
    tenant_id: TenantId,
    channel_id: UUID,
    terms: PlanTerms,
    name: str,
    prepared: Prepared,
    enabled: bool,
    write_source: str,
    templates: Mapping[str, Any] | None = None,
    quiet_hours: dict[str, Any] | None = None,
) -> ChannelRow:
    """Create it within the caller's transaction, whoever asked: the rules of every new channel."""
    require_channel_kind(terms, prepared.kind)
    write = ChannelWrite(
        name=name,
        config=prepared.shown,
        sealed=channel_config.seal(prepared, sealer, tenant_id=tenant_id, channel_id=channel_id),
        host=prepared.host,
        enabled=enabled,
        write_source=write_source,
        templates=read_templates(templates, pointer="/templates"),
        quiet_hours=read_stored(quiet_hours),
    )
    await tenants.hold_counters(conn, tenant_id=tenant_id)
    require_room(terms, "channels", current=await channels.count_channels(conn, tenant_id=tenant_id))
    await refuse_destination(conn, tenant_id=tenant_id, host=prepared.host, settings=prepared.secrets)
    write = await with_consent(
        conn, write, before=None, kind=prepared.kind, tenant_id=tenant_id, channel_id=channel_id, sealer=sealer
    )
    return await channels.insert_channel(
        conn, tenant_id=tenant_id, channel_id=channel_id, kind=prepared.kind, write=write
    )
