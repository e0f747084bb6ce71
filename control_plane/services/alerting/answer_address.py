"""Whoever reads an address says yes to alerts, or no more of them."""

from __future__ import annotations

from msgspec import Struct

from control_plane.domain.alerting.unsubscribe_link import Unsubscribable
from control_plane.domain.channels.verification import UNSUBSCRIBED, verification_digest
from control_plane.store import channels, deliveries, system_mails, verifications
from control_plane.store.channels import ChannelRow
from control_plane.store.pool import Connection, Database
from control_plane.store.verifications import OpenLink
from shared.ids import TenantId


async def find_verification(database: Database, token: str) -> OpenLink | None:
    """What a link is for while it counts."""
    async with database.app() as conn:
        return await verifications.find_open(conn, digest=verification_digest(token))


async def verify_address(database: Database, token: str) -> OpenLink | None:
    """Say yes; None: the link counts no more. Of two that come at once, one says it."""
    digest = verification_digest(token)
    async with database.app_transaction() as conn:
        found = await verifications.find_open(conn, digest=digest)
        if found is None:
            return None
        tenant_id = TenantId(found.tenant_id)
        await channels.lock_channel(conn, tenant_id=tenant_id, channel_id=found.channel_id)
        if await verifications.find_open(conn, digest=digest) is None:
            return None
        await verifications.verify(conn, tenant_id=tenant_id, channel_id=found.channel_id)
    return found


class Subscription(Struct, frozen=True):
    """A channel that mails to an address. `ended`: it does not any more."""

    channel: ChannelRow
    address: str
    ended: bool


async def find_subscription(database: Database, what: Unsubscribable, *, pepper: bytes) -> Subscription | None:
    """What an unsubscribe link is for; None: it is not ours, or the channel sends elsewhere now."""
    async with database.app() as conn:
        row = await channels.channel(conn, tenant_id=TenantId(what.tenant_id), channel_id=what.channel_id)
    return _proven(row, what, pepper)


async def unsubscribe(database: Database, what: Unsubscribable, *, pepper: bytes) -> Subscription | None:
    """Send no more to the address: the channel is disabled, and would have to ask again; its owners hear of it.

    Twice is as once.
    """
    tenant_id = TenantId(what.tenant_id)
    async with database.app_transaction() as conn:
        row = await channels.lock_channel(conn, tenant_id=tenant_id, channel_id=what.channel_id)
        found = _proven(row, what, pepper)
        if found is not None and not found.ended:
            await _end(conn, found.channel)
    return found


async def _end(conn: Connection, channel: ChannelRow) -> None:
    tenant_id = TenantId(channel.tenant_id)
    await verifications.withdraw(conn, tenant_id=tenant_id, channel_id=channel.id, reason=UNSUBSCRIBED)
    await deliveries.cancel_for_channel(
        conn, tenant_id=tenant_id, channel_id=channel.id, reason="The channel was disabled"
    )
    data = {"channel": channel.name, "kind": channel.kind, "well": False, "reason": f"{UNSUBSCRIBED}. It is disabled."}
    await system_mails.owe_owners(conn, tenant_id=tenant_id, kind="channel_unwell", channel_id=channel.id, data=data)


def _proven(row: ChannelRow | None, what: Unsubscribable, pepper: bytes) -> Subscription | None:
    address = "" if row is None or row.kind != "email" else row.config.get("to", "")
    if row is None or not address or not what.is_proven(address, pepper=pepper):
        return None
    return Subscription(row, address, ended=row.verified_at is None)
