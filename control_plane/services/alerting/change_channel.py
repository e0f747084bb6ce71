"""Change a channel: its name, its configuration by merge patch, whether it is enabled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from control_plane.domain import field_rules
from control_plane.domain.alerting.message_template import read_templates
from control_plane.domain.alerting.quiet_hours import read_stored
from control_plane.domain.channels import channel_rules
from control_plane.errors import Conflict, NotFound
from control_plane.sealing import Sealer
from control_plane.services.alerting import channel_config
from control_plane.services.alerting.ask_address import with_consent
from control_plane.services.alerting.channel_config import Prepared, Transports, UnusableChannelError
from control_plane.services.safety.refuse_target import refuse_destination
from control_plane.store import channels, deliveries
from control_plane.store.channels import ChannelRow, ChannelWrite
from control_plane.store.pool import Database
from shared.ids import TenantId


class ChannelChange(Struct, frozen=True, kw_only=True):
    """Absent keeps. `config` is a merge patch; a secret set to null is replaced by a new one of ours."""

    name: str | UnsetType = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    templates: dict[str, str | None] | UnsetType | None = UNSET
    quiet_hours: dict[str, Any] | UnsetType | None = UNSET


async def change_channel(
    database: Database,
    *,
    sealer: Sealer,
    transports: Transports,
    tenant_id: TenantId,
    channel_id: UUID,
    change: ChannelChange,
    write_source: str,
    check_revision: Callable[[int], None],
) -> tuple[ChannelRow, dict[str, Any]]:
    """The channel as it is now, and the secrets made for it. What is still owed to a disabled channel is cancelled."""
    if change.config is not UNSET:
        channel_rules.refuse_mask(change.config, pointer="/config")
    async with database.tenant_transaction(tenant_id) as conn:
        before = await channels.lock_channel(conn, tenant_id=tenant_id, channel_id=channel_id)
        if before is None:
            raise NotFound("There is no such channel")
        check_revision(before.revision)
        write, prepared = _written(before, change, sealer=sealer, transports=transports, write_source=write_source)
        if prepared is not None:
            await refuse_destination(conn, tenant_id=tenant_id, host=prepared.host, settings=prepared.secrets)
        write = await with_consent(
            conn, write, before=before, kind=before.kind, tenant_id=tenant_id, channel_id=channel_id, sealer=sealer
        )
        after = await channels.update_channel(conn, tenant_id=tenant_id, channel_id=channel_id, write=write)
        if before.enabled and not after.enabled:
            await deliveries.cancel_for_channel(
                conn, tenant_id=tenant_id, channel_id=channel_id, reason="The channel was disabled"
            )
    return after, {} if prepared is None else prepared.made


def _written(
    before: ChannelRow, change: ChannelChange, *, sealer: Sealer, transports: Transports, write_source: str
) -> tuple[ChannelWrite, Prepared | None]:
    config, sealed, host, prepared = before.config, before.sealed, before.host or "", None
    if change.config is not UNSET:
        prepared = _patched(before, change.config, sealer=sealer, transports=transports)
        sealed = channel_config.seal(prepared, sealer, tenant_id=before.tenant_id, channel_id=before.id)
        config, host = prepared.shown, prepared.host
    write = ChannelWrite(
        name=before.name if change.name is UNSET else field_rules.name(change.name),
        config=config,
        sealed=sealed,
        host=host,
        enabled=before.enabled if change.enabled is UNSET else change.enabled,
        write_source=write_source,
        verified_at=before.verified_at,
        templates=_templates(before, change),
        quiet_hours=before.quiet_hours if change.quiet_hours is UNSET else read_stored(change.quiet_hours),
    )
    return write, prepared


def _templates(before: ChannelRow, change: ChannelChange) -> dict[str, str] | None:
    """A merge patch of theirs, too: a part that is null is ours again."""
    if change.templates is UNSET:
        return before.templates
    patched = None if change.templates is None else {**(before.templates or {}), **change.templates}
    return read_templates(patched, pointer="/templates")


def _patched(before: ChannelRow, patch: dict[str, Any], *, sealer: Sealer, transports: Transports) -> Prepared:
    kind = patch.get("type", before.kind)
    if kind != before.kind:
        raise channel_rules.invalid(
            f"This is a {before.kind} channel and stays one: create another channel", field="/config/type"
        )
    try:
        stored = channel_config.unseal(
            kind=before.kind,
            shown=before.config,
            sealed=before.sealed,
            sealer=sealer,
            transports=transports,
            tenant_id=before.tenant_id,
            channel_id=before.id,
        )
    except UnusableChannelError as unusable:
        raise Conflict(str(unusable), code="CHANNEL_UNUSABLE") from None
    merged = channel_rules.patched(msgspec.to_builtins(stored), patch)
    if transports[kind].managed:
        channel_rules.refuse_managed_change(kind, stored=msgspec.to_builtins(stored), merged=merged)
    prepared = channel_config.prepare_as(kind, merged, transports)
    if before.host and prepared.host != before.host:
        kept = transports[before.kind].parts(stored).secrets
        channel_rules.refuse_exfiltration(kept, patch, host=prepared.host)
    return prepared
