"""Subscribe a browser: make its channel, and the route that brings every incident to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from uuid import UUID

from msgspec import Struct

from control_plane.domain import field_rules
from control_plane.domain.channels import channel_link
from control_plane.domain.tenants.plan import PlanTerms
from control_plane.sealing import Sealer
from control_plane.services.alerting import channel_config
from control_plane.services.alerting.channel_config import Transports
from control_plane.services.alerting.create_channel import place_channel
from control_plane.services.installation.identity import new_id
from control_plane.store import channels, deliveries, push_subscriptions, routes, tenants
from control_plane.store.pool import Connection, Database
from control_plane.store.push_subscriptions import Owner, Subscription
from control_plane.store.routes import RouteWrite
from shared.ids import TenantId

KIND = "web_push"


class PushKeys(Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of a PushSubscription, in base64url."""

    p256dh: str
    auth: str


class Wanted(Struct, frozen=True, kw_only=True):
    """A browser. `everything`: tell it of every incident; else it is told of what it is bound or routed to.

    `replaces`: one of the owner's subscriptions, of the same browser, whose place this one takes: it ends, and whether
    it was told of everything holds on. One that is gone already is no error.
    """

    endpoint: str
    keys: PushKeys
    name: str | None = None
    everything: bool = True
    replaces: UUID | None = None


async def subscribe_push(
    database: Database,
    wanted: Wanted,
    *,
    sealer: Sealer,
    transports: Transports,
    tenant_id: TenantId,
    owner: Owner,
    terms: PlanTerms,
    write_source: str,
) -> Subscription:
    """The subscription. A browser that is subscribed already takes the place of what was known of it.

    Raises BadRequest INVALID_CHANNEL_CONFIG, Refused QUOTA_EXCEEDED, Forbidden PLAN_FEATURE, and the operator's rules.
    """
    name = field_rules.name(wanted.name or "Browser")
    given = {"type": KIND, "endpoint": wanted.endpoint, "p256dh": wanted.keys.p256dh, "auth": wanted.keys.auth}
    prepared = channel_config.prepare_as(KIND, given, transports)
    digest = hashlib.sha256(prepared.config.endpoint.encode()).digest()
    channel_id = new_id()
    async with database.tenant_transaction(tenant_id) as conn:
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        before = await _replaced(conn, wanted.replaces, tenant_id=tenant_id, owner=owner)
        everything = wanted.everything if before is None else before.route_id is not None
        await _forget(conn, tenant_id=tenant_id, digest=digest)
        taken = await channels.names(conn, tenant_id=tenant_id)
        await place_channel(
            conn,
            sealer=sealer,
            tenant_id=tenant_id,
            channel_id=channel_id,
            terms=terms,
            name=channel_link.free_name(name, taken),
            prepared=prepared,
            enabled=True,
            write_source=write_source,
        )
        route_id = await _everything(conn, tenant_id, channel_id, write_source) if everything else None
        await push_subscriptions.insert(
            conn, tenant_id=tenant_id, channel_id=channel_id, owner=owner, digest=digest, route_id=route_id
        )
        made = await push_subscriptions.find(conn, tenant_id=tenant_id, owner=owner, channel_id=channel_id)
    assert made is not None
    return made


async def unsubscribe_push(
    database: Database,
    *,
    tenant_id: TenantId,
    owner: Owner,
    channel_id: UUID,
    check_revision: Callable[[int], None],
) -> Subscription | None:
    """Remove one of the owner's; what it was, or None when there is no such. Raises what `check_revision` does."""
    async with database.tenant_transaction(tenant_id) as conn:
        found = await push_subscriptions.find(conn, tenant_id=tenant_id, owner=owner, channel_id=channel_id)
        if found is not None:
            check_revision(found.revision)
            await _remove(conn, tenant_id=tenant_id, channel_id=channel_id, route_id=found.route_id)
    return found


async def _replaced(
    conn: Connection, channel_id: UUID | None, *, tenant_id: TenantId, owner: Owner
) -> Subscription | None:
    """The subscription that another one takes the place of, which is removed; None for none."""
    if channel_id is None:
        return None
    found = await push_subscriptions.find(conn, tenant_id=tenant_id, owner=owner, channel_id=channel_id)
    if found is not None:
        await _remove(conn, tenant_id=tenant_id, channel_id=channel_id, route_id=found.route_id)
    return found


async def _forget(conn: Connection, *, tenant_id: TenantId, digest: bytes) -> None:
    known = await push_subscriptions.find_endpoint(conn, tenant_id=tenant_id, digest=digest)
    if known is None:
        return
    before = await push_subscriptions.find(
        conn, tenant_id=tenant_id, owner=Owner(known.user_id, known.key_id), channel_id=known.channel_id
    )
    route_id = None if before is None else before.route_id
    await _remove(conn, tenant_id=tenant_id, channel_id=known.channel_id, route_id=route_id)


async def _remove(conn: Connection, *, tenant_id: TenantId, channel_id: UUID, route_id: UUID | None) -> None:
    await channels.lock_channel(conn, tenant_id=tenant_id, channel_id=channel_id)
    await deliveries.cancel_for_channel(
        conn, tenant_id=tenant_id, channel_id=channel_id, reason="The channel was deleted"
    )
    await channels.delete_channel(conn, tenant_id=tenant_id, channel_id=channel_id)
    if route_id is not None:
        await routes.delete_route(conn, tenant_id=tenant_id, route_id=route_id)


async def _everything(conn: Connection, tenant_id: TenantId, channel_id: UUID, write_source: str) -> UUID:
    route_id = new_id()
    write = RouteWrite(
        key=None,
        name=f"Push to browser {str(channel_id)[-12:]}",
        enabled=True,
        severities=[],
        tags=[],
        groups=[],
        kinds=[],
        monitor_ids=[],
        events=None,
        write_source=write_source,
        channel_ids=[channel_id],
    )
    await routes.insert_route(conn, tenant_id=tenant_id, route_id=route_id, write=write)
    return route_id
