"""Ask whoever reads an address whether alerts may be sent to it: a link of its own, and a mail that brings it.

An address that has said yes to one channel of a tenant is not asked for another of the same tenant.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from control_plane.domain.channels.verification import (
    A_DAY,
    MAILS_PER_CHANNEL,
    MAILS_PER_TENANT,
    VERIFY_WITHIN,
    verification_digest,
)
from control_plane.errors import Conflict, NotFound, Refused
from control_plane.sealing import Sealer
from control_plane.services.alerting.owe_mails import owe_link_mail
from control_plane.services.installation.identity import new_id
from control_plane.store import channels, system_mails, tenants, verifications
from control_plane.store.channels import ChannelRow, ChannelWrite
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId

EMAIL = "email"
MAIL = "channel_verification"


async def with_consent(
    conn: Connection,
    write: ChannelWrite,
    *,
    before: ChannelRow | None,
    kind: str,
    tenant_id: TenantId,
    channel_id: UUID,
    sealer: Sealer,
) -> ChannelWrite:
    """The write with what its address has said: nothing yet, for a new one, which is asked in this transaction.

    Where the tenant has asked too many today nothing is sent, and the link is to be asked for another day: a file with
    forty addresses shall not be refused. A channel that is there already is locked by the caller.
    """
    address = write.config.get("to", "")
    if kind != EMAIL or (before is not None and before.config.get("to") == address):
        return write
    await system_mails.cancel_of_channel(conn, tenant_id=tenant_id, channel_id=channel_id, kind=MAIL)
    known = await verifications.verified_at(conn, tenant_id=tenant_id, address=address)
    if known is not None:
        return replace(write, verified_at=known)
    await tenants.hold_counters(conn, tenant_id=tenant_id)
    recent = await verifications.count_recent(conn, tenant_id=tenant_id, channel_id=channel_id, within=A_DAY)
    if recent.of_tenant >= MAILS_PER_TENANT or recent.of_channel >= MAILS_PER_CHANNEL:
        return replace(write, verified_at=None)
    asked = await _ask(
        conn, sealer=sealer, tenant_id=tenant_id, channel_id=channel_id, name=write.name, address=address
    )
    return replace(write, verified_at=None, verification_sent_at=asked)


async def resend_verification(
    database: Database, *, sealer: Sealer, tenant_id: TenantId, channel_id: UUID, available: bool
) -> ChannelRow:
    """Mail another link. `available`: this installation sends e-mail.

    Raises NotFound, Refused CHANNEL_NOT_VERIFIABLE, CHANNEL_VERIFICATION_LIMIT or CHANNEL_KIND_UNAVAILABLE, Conflict
    CHANNEL_VERIFIED.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        channel = await channels.lock_channel(conn, tenant_id=tenant_id, channel_id=channel_id)
        if channel is None:
            raise NotFound("There is no such channel")
        _refuse_needless(channel, available=available)
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        recent = await verifications.count_recent(conn, tenant_id=tenant_id, channel_id=channel_id, within=A_DAY)
        if recent.of_channel >= MAILS_PER_CHANNEL:
            raise _too_many("this channel", MAILS_PER_CHANNEL)
        if recent.of_tenant >= MAILS_PER_TENANT:
            raise _too_many("this tenant", MAILS_PER_TENANT)
        await system_mails.cancel_of_channel(conn, tenant_id=tenant_id, channel_id=channel_id, kind=MAIL)
        address = channel.config["to"]
        at = await _ask(
            conn, sealer=sealer, tenant_id=tenant_id, channel_id=channel_id, name=channel.name, address=address
        )
        await verifications.note_asked(conn, tenant_id=tenant_id, channel_id=channel_id, at=at)
        after = await channels.channel(conn, tenant_id=tenant_id, channel_id=channel_id)
    assert after is not None
    return after


async def _ask(
    conn: Connection, *, sealer: Sealer, tenant_id: TenantId, channel_id: UUID, name: str, address: str
) -> datetime:
    token = secrets.token_urlsafe(32)
    at = await verifications.insert(
        conn,
        tenant_id=tenant_id,
        verification_id=new_id(),
        channel_id=channel_id,
        address=address,
        digest=verification_digest(token),
        lasts=VERIFY_WITHIN,
    )
    await owe_link_mail(
        conn,
        sealer=sealer,
        tenant_id=tenant_id,
        kind="channel_verification",
        to=address,
        token=token,
        data={"channel": name},
        channel_id=channel_id,
    )
    return at


def _refuse_needless(channel: ChannelRow, *, available: bool) -> None:
    if channel.kind != EMAIL:
        raise Refused("Only the addresses of e-mail channels are verified", code="CHANNEL_NOT_VERIFIABLE")
    if not available:
        raise Refused(
            "This installation sends no e-mail now; its operator can mend that", code="CHANNEL_KIND_UNAVAILABLE"
        )
    if channel.verified_at is not None:
        raise Conflict("This address is verified already", code="CHANNEL_VERIFIED")


def _too_many(whose: str, limit: int) -> Refused:
    return Refused(
        f"{limit} links were mailed for {whose} within 24 hours, which is the limit: use one of them, or wait",
        code="CHANNEL_VERIFICATION_LIMIT",
        details={"limit": limit},
    )
