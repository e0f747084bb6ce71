"""Whoever reads an address says yes to a page's messages, chooses what they are about, or wants no more of them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.domain.pages.subscriber_rules import Kind, shown_address
from control_plane.domain.pages.subscription_link import SubscriptionToken, read_subscription_token
from control_plane.sealing import Sealer, UnsealError
from control_plane.services.pages.ask_subscriber import chosen_components
from control_plane.services.pages.read_subscribers import opened_target
from control_plane.store import page_subscribers
from control_plane.store.page_subscribers import SubscriberRow
from control_plane.store.pool import Database
from shared.ids import TenantId


class Found(Struct, frozen=True, kw_only=True):
    """What a link is for. `address`: as it is shown to whoever has the link; `ended`: it was, and is no more."""

    tenant_id: TenantId
    id: UUID
    page_id: UUID | None = None
    kind: Kind = "email"
    address: str = ""
    component_ids: Sequence[UUID] | None = None
    ended: bool = False


async def find_question(database: Database, token: str, *, sealer: Sealer, pepper: bytes) -> Found | None:
    """Who asks to be subscribed by this link, while it counts."""
    read = read_subscription_token(token)
    if read is None:
        return None
    async with database.tenant(TenantId(read.tenant_id)) as conn:
        row = await page_subscribers.get_subscriber(conn, tenant_id=read.tenant_id, subscriber_id=read.subscriber_id)
    return _found(row, sealer) if row is not None and _counts(row, read, pepper) else None


async def confirm_subscription(database: Database, token: str, *, sealer: Sealer, pepper: bytes) -> Found | None:
    """Say yes; None: the link counts no more. Of two that come at once, one says it."""
    asked = await find_question(database, token, sealer=sealer, pepper=pepper)
    read = read_subscription_token(token)
    if asked is None or asked.page_id is None or read is None:
        return None
    async with database.tenant_transaction(asked.tenant_id) as conn:
        await page_subscribers.hold_list(conn, tenant_id=asked.tenant_id, page_id=asked.page_id)
        row = await page_subscribers.hold_subscriber(conn, tenant_id=asked.tenant_id, subscriber_id=asked.id)
        if row is None or not _counts(row, read, pepper):
            return None
        await page_subscribers.confirm(conn, row)
    return asked


async def find_subscription(database: Database, token: str, *, sealer: Sealer, pepper: bytes) -> Found | None:
    """The subscription that this link manages; None: the link is not ours."""
    read = _proven(token, pepper=pepper)
    if read is None:
        return None
    async with database.tenant(TenantId(read.tenant_id)) as conn:
        row = await page_subscribers.get_subscriber(conn, tenant_id=read.tenant_id, subscriber_id=read.subscriber_id)
    return _gone(read) if row is None else _found(row, sealer)


async def choose_components(
    database: Database, found: Found, *, component_ids: Sequence[UUID] | None
) -> Sequence[UUID] | None:
    """Be told of these components alone from now on; None: of all. Raises BadRequest INVALID_COMPONENTS."""
    assert found.page_id is not None
    async with database.tenant_transaction(found.tenant_id) as conn:
        chosen = await chosen_components(conn, component_ids, tenant_id=found.tenant_id, page_id=found.page_id)
        await page_subscribers.choose(conn, tenant_id=found.tenant_id, subscriber_id=found.id, component_ids=chosen)
    return chosen


async def end_subscription(database: Database, token: str, *, sealer: Sealer, pepper: bytes) -> Found | None:
    """Send no more, and keep nothing but a count. Twice is as once. None: the link is not ours."""
    found = await find_subscription(database, token, sealer=sealer, pepper=pepper)
    if found is None or found.page_id is None:
        return found
    async with database.tenant_transaction(found.tenant_id) as conn:
        await page_subscribers.hold_list(conn, tenant_id=found.tenant_id, page_id=found.page_id)
        await page_subscribers.end_subscriber(conn, tenant_id=found.tenant_id, subscriber_id=found.id)
    return found


def _counts(row: SubscriberRow, token: SubscriptionToken, pepper: bytes) -> bool:
    """Whether a link to confirm is the newest of a row that waits for it."""
    waits = row.confirmed_at is None and not row.is_over
    return waits and token.is_proven("confirm", pepper=pepper, nonce=row.nonce)


def _proven(text: str, *, pepper: bytes) -> SubscriptionToken | None:
    token = read_subscription_token(text)
    return token if token is not None and token.is_proven("manage", pepper=pepper) else None


def _gone(token: SubscriptionToken) -> Found:
    return Found(tenant_id=TenantId(token.tenant_id), id=token.subscriber_id, ended=True)


def _found(row: SubscriberRow, sealer: Sealer) -> Found:
    try:
        address = shown_address(row.kind, opened_target(row, sealer=sealer).address)
    except UnsealError:
        address = ""
    return Found(
        tenant_id=TenantId(row.tenant_id),
        id=row.id,
        page_id=row.page_id,
        kind=row.kind,
        address=address,
        component_ids=row.component_ids,
    )
