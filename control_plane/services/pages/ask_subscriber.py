"""Ask whether somebody wants to be told of what a status page says. Until they say yes, nothing else is sent.

What whoever asks gets to see is the same for an address that is subscribed already, that was asked before, and that is
asked too often: only the address itself hears the difference.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.pages.subscriber_rules import (
    A_DAY,
    ASKS_PER_ADDRESS,
    ASKS_PER_PAGE,
    CONFIRM_WITHIN,
    MOST_CHOSEN,
    Kind,
    Source,
    Target,
    target_digest,
)
from control_plane.errors import BadRequest, Refused
from control_plane.notify.page_message import ALREADY, CONFIRM
from control_plane.sealing import Sealer
from control_plane.services.installation.identity import new_id
from control_plane.services.pages.read_subscribers import subscriber_context
from control_plane.store import page_components, page_deliveries, page_subscribers
from control_plane.store.page_subscribers import NewSubscriber, SubscriberRow
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId


class Asking(Struct, frozen=True, kw_only=True):
    """What is asked for, by whom. `most`: subscribers that a page may have."""

    kind: Kind
    target: Target
    component_ids: Sequence[UUID] | None
    source: Source
    note: str = ""
    most: int


class Asked(Struct, frozen=True):
    """What came of it. `subscriber_id` None: the address is subscribed, and was told so if it may be told anything."""

    subscriber_id: UUID | None
    sent: bool


async def ask_subscriber(
    database: Database, asking: Asking, *, tenant_id: TenantId, page_id: UUID, sealer: Sealer, pepper: bytes
) -> Asked:
    """Raises BadRequest INVALID_COMPONENTS, Refused SUBSCRIBERS_FULL."""
    digest = target_digest(asking.kind, asking.target.address, pepper=pepper)
    async with database.app_transaction() as conn:
        chosen = await chosen_components(conn, asking.component_ids, tenant_id=tenant_id, page_id=page_id)
        await page_subscribers.hold_list(conn, tenant_id=tenant_id, page_id=page_id)
        known = await page_subscribers.known(conn, tenant_id=tenant_id, page_id=page_id, digest=digest)
        there = known.pending or known.confirmed
        asked = await page_subscribers.count_asked(conn, digest=digest, within=A_DAY)
        may = asked < ASKS_PER_ADDRESS and (there is None or there.asked < ASKS_PER_PAGE)
        if known.pending is None and known.confirmed is not None and asking.kind == "email":
            await _remind(conn, known.confirmed, may=may)
            return Asked(None, may)
        if known.pending is not None:
            if may:
                await _renew(conn, known.pending, asking, chosen, sealer=sealer)
            return Asked(known.pending.id, may)
        await _require_room(conn, tenant_id=tenant_id, page_id=page_id, most=asking.most)
        new = _new(asking, chosen, tenant_id=tenant_id, page_id=page_id, digest=digest, sealer=sealer)
        await page_subscribers.insert_subscriber(conn, new, within=CONFIRM_WITHIN)
        if may:
            await _owe(conn, tenant_id=tenant_id, page_id=page_id, subscriber_id=new.id, event=CONFIRM)
        return Asked(new.id, may)


async def chosen_components(
    conn: Connection, ids: Sequence[UUID] | None, *, tenant_id: TenantId, page_id: UUID
) -> Sequence[UUID] | None:
    """The ids, each once; None, or all that there are, is all. Raises BadRequest INVALID_COMPONENTS."""
    if ids is None:
        return None
    rows = await page_components.list_components(conn, tenant_id=tenant_id, page_id=page_id)
    known = {row.id for row in rows}
    wanted = list(dict.fromkeys(ids))
    if not wanted or len(wanted) > MOST_CHOSEN or not known.issuperset(wanted):
        raise BadRequest(
            "component_ids names components of this page, at least one; leave it out for all of them",
            code="INVALID_COMPONENTS",
            field="/component_ids",
        )
    return wanted


async def _remind(conn: Connection, row: SubscriberRow, *, may: bool) -> None:
    if may:
        await _owe(conn, tenant_id=row.tenant_id, page_id=row.page_id, subscriber_id=row.id, event=ALREADY)


async def _renew(
    conn: Connection, row: SubscriberRow, asking: Asking, chosen: Sequence[UUID] | None, *, sealer: Sealer
) -> None:
    sealed = _sealed(asking.target, sealer, tenant_id=row.tenant_id, subscriber_id=row.id)
    await page_subscribers.renew_subscriber(
        conn, row, sealed=sealed, component_ids=chosen, nonce=_nonce(), within=CONFIRM_WITHIN
    )
    await _owe(conn, tenant_id=row.tenant_id, page_id=row.page_id, subscriber_id=row.id, event=CONFIRM)


async def _owe(conn: Connection, *, tenant_id: UUID, page_id: UUID, subscriber_id: UUID, event: str) -> None:
    await page_subscribers.note_asked(conn, tenant_id=tenant_id, subscriber_id=subscriber_id)
    await page_deliveries.owe_question(
        conn, tenant_id=tenant_id, delivery_id=new_id(), page_id=page_id, subscriber_id=subscriber_id, event=event
    )


async def _require_room(conn: Connection, *, tenant_id: UUID, page_id: UUID, most: int) -> None:
    count = await page_subscribers.count_of_page(conn, tenant_id=tenant_id, page_id=page_id)
    if count >= most:
        raise Refused(
            "This page has as many subscribers as it may have: use its feed instead",
            code="SUBSCRIBERS_FULL",
            details={"limit": most},
        )


def _new(
    asking: Asking,
    chosen: Sequence[UUID] | None,
    *,
    tenant_id: UUID,
    page_id: UUID,
    digest: bytes,
    sealer: Sealer,
) -> NewSubscriber:
    subscriber_id = new_id()
    return NewSubscriber(
        tenant_id=tenant_id,
        id=subscriber_id,
        page_id=page_id,
        kind=asking.kind,
        digest=digest,
        sealed=_sealed(asking.target, sealer, tenant_id=tenant_id, subscriber_id=subscriber_id),
        component_ids=chosen,
        source=asking.source,
        note=asking.note,
        nonce=_nonce(),
    )


def _sealed(target: Target, sealer: Sealer, *, tenant_id: UUID, subscriber_id: UUID) -> bytes:
    return sealer.seal(msgspec.json.encode(target), context=subscriber_context(tenant_id, subscriber_id))


def _nonce() -> bytes:
    return secrets.token_bytes(16)
