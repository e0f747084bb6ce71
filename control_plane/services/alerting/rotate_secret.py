"""Give a webhook a new signing secret, beside which the former signs for a day."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.errors import Conflict, NotFound, Refused
from control_plane.notify.signing import make_secret
from control_plane.notify.webhook import Webhook, rotated
from control_plane.sealing import Sealer
from control_plane.services.alerting import channel_config
from control_plane.services.alerting.channel_config import Prepared, Transports, UnusableChannelError
from control_plane.store import channels
from control_plane.store.channels import ChannelRow, ChannelWrite
from control_plane.store.pool import Database
from shared.ids import TenantId


class RotatedSecret(Struct, frozen=True, kw_only=True):
    """The new signing secret, shown this once. `former_until`: until when the one before it signs as well."""

    channel_id: UUID
    secret: str
    former_until: datetime | None


async def rotate_secret(
    database: Database,
    *,
    sealer: Sealer,
    transports: Transports,
    tenant_id: TenantId,
    channel_id: UUID,
    now: datetime,
    write_source: str,
    check_revision: Callable[[int], None],
) -> tuple[RotatedSecret, int]:
    """The new secret and the channel's revision. Raises Refused CHANNEL_NOT_SIGNED, Conflict CHANNEL_UNUSABLE.

    Rotated twice within a day, a webhook is signed by the two newest secrets alone.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        before = await channels.lock_channel(conn, tenant_id=tenant_id, channel_id=channel_id)
        if before is None:
            raise NotFound("There is no such channel")
        check_revision(before.revision)
        config = rotated(_opened(before, sealer, transports), secret=make_secret(secrets.token_bytes(32)), now=now)
        write = _written(before, config, sealer=sealer, transports=transports, write_source=write_source)
        after = await channels.update_channel(conn, tenant_id=tenant_id, channel_id=channel_id, write=write)
    former_until = None if config.former is None else config.former.until
    return RotatedSecret(channel_id=channel_id, secret=config.secret or "", former_until=former_until), after.revision


def _opened(row: ChannelRow, sealer: Sealer, transports: Transports) -> Webhook:
    if row.kind != "webhook":
        raise Refused(
            f"A {row.kind} channel has no signing secret: only webhooks are signed", code="CHANNEL_NOT_SIGNED"
        )
    try:
        config: Webhook = channel_config.unseal(
            kind=row.kind,
            shown=row.config,
            sealed=row.sealed,
            sealer=sealer,
            transports=transports,
            tenant_id=row.tenant_id,
            channel_id=row.id,
        )
    except UnusableChannelError as unusable:
        raise Conflict(str(unusable), code="CHANNEL_UNUSABLE") from None
    return config


def _written(
    before: ChannelRow, config: Webhook, *, sealer: Sealer, transports: Transports, write_source: str
) -> ChannelWrite:
    """What was, but for the secrets. Nothing else is looked at again, so that no rule keeps a leaked secret in use."""
    parts = transports[before.kind].parts(config)
    prepared = Prepared(
        kind=before.kind, config=config, shown=parts.shown, secrets=parts.secrets, made={}, host=parts.host
    )
    sealed = channel_config.seal(prepared, sealer, tenant_id=before.tenant_id, channel_id=before.id)
    kept: dict[str, Any] = {name: getattr(before, name) for name in ChannelWrite.__struct_fields__}
    return ChannelWrite(**kept | {"config": parts.shown, "sealed": sealed, "write_source": write_source})
