"""The subscribers of a status page as its tenant sees them: e-mail addresses whole, of the rest the host alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.pages.subscriber_rules import Kind, Source, State, Target, shown_address, target_digest
from control_plane.errors import NotFound
from control_plane.sealing import Sealer, UnsealError
from control_plane.services.pages.page_rows import unknown_page
from control_plane.store import page_subscribers, status_pages
from control_plane.store.page_subscribers import SubscriberCounts, SubscriberFilter, SubscriberRow
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId

SLICE = 500
UNREADABLE = "(cannot be read: its sealing key is gone)"


class SubscriberView(Struct, frozen=True, kw_only=True):
    """One subscriber. `component_ids` None: all of the page. `note`: how the tenant says it came by the address."""

    id: UUID
    kind: Kind
    address: str
    state: State
    component_ids: list[UUID] | None
    source: Source
    note: str
    created_at: datetime
    confirmed_at: datetime | None
    last_delivered_at: datetime | None
    last_error: str | None


async def list_subscribers(
    database: Database,
    *,
    sealer: Sealer,
    pepper: bytes,
    tenant_id: TenantId,
    page_id: UUID,
    kind: Kind | None = None,
    state: State | None = None,
    email: str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[SubscriberView], int]:
    """A page of them, newest first, and how many there are. `email`: the one of this address.

    Raises NotFound STATUS_PAGE_NOT_FOUND.
    """
    digest = None if email is None else target_digest("email", email, pepper=pepper)
    async with database.tenant(tenant_id) as conn:
        await _require_page(conn, tenant_id=tenant_id, page_id=page_id)
        rows, total = await page_subscribers.list_subscribers(
            conn,
            tenant_id=tenant_id,
            page_id=page_id,
            wanted=SubscriberFilter(kind=kind, state=state, digest=digest),
            limit=limit,
            offset=offset,
        )
    return [subscriber_view(row, sealer=sealer) for row in rows], total


async def every_subscriber(
    database: Database, *, sealer: Sealer, tenant_id: TenantId, page_id: UUID
) -> AsyncIterator[SubscriberView]:
    """All of them, oldest first, in slices. Raises NotFound STATUS_PAGE_NOT_FOUND."""
    after = UUID(int=0)
    while True:
        async with database.tenant(tenant_id) as conn:
            await _require_page(conn, tenant_id=tenant_id, page_id=page_id)
            rows = await page_subscribers.subscribers_after(
                conn, tenant_id=tenant_id, page_id=page_id, after=after, limit=SLICE
            )
        for row in rows:
            yield subscriber_view(row, sealer=sealer)
        if len(rows) < SLICE:
            return
        after = rows[-1].id


async def count_subscribers(database: Database, *, tenant_id: TenantId, page_id: UUID) -> SubscriberCounts:
    """How many there are, and how many have left. Raises NotFound STATUS_PAGE_NOT_FOUND."""
    async with database.tenant(tenant_id) as conn:
        await _require_page(conn, tenant_id=tenant_id, page_id=page_id)
        return await page_subscribers.counts(conn, tenant_id=tenant_id, page_id=page_id)


async def get_subscriber(
    database: Database, *, sealer: Sealer, tenant_id: TenantId, page_id: UUID, subscriber_id: UUID
) -> SubscriberView:
    """One of them. Raises NotFound STATUS_PAGE_NOT_FOUND, SUBSCRIBER_NOT_FOUND."""
    async with database.tenant(tenant_id) as conn:
        await _require_page(conn, tenant_id=tenant_id, page_id=page_id)
        row = await page_subscribers.get_subscriber(conn, tenant_id=tenant_id, subscriber_id=subscriber_id)
    if row is None or row.page_id != page_id:
        raise unknown_subscriber()
    return subscriber_view(row, sealer=sealer)


def subscriber_context(tenant_id: UUID, subscriber_id: UUID) -> str:
    """What a subscriber's sealed target is bound to: it opens for no other row."""
    return f"page_subscriber:{tenant_id}:{subscriber_id}"


def opened_target(row: SubscriberRow, *, sealer: Sealer) -> Target:
    """Where it leads. Raises UnsealError."""
    return open_sealed(row.sealed, row.tenant_id, row.id, sealer=sealer)


def open_sealed(sealed: bytes, tenant_id: UUID, subscriber_id: UUID, *, sealer: Sealer) -> Target:
    """The target in sealed bytes. Raises UnsealError."""
    plain = sealer.open(sealed, context=subscriber_context(tenant_id, subscriber_id))
    return msgspec.json.decode(plain, type=Target)


def subscriber_view(row: SubscriberRow, *, sealer: Sealer) -> SubscriberView:
    try:
        address = shown_address(row.kind, opened_target(row, sealer=sealer).address)
    except UnsealError:
        address = UNREADABLE
    return SubscriberView(
        id=row.id,
        kind=row.kind,
        address=address,
        state="pending" if row.confirmed_at is None else "confirmed",
        component_ids=row.component_ids,
        source=row.source,
        note=row.note,
        created_at=row.created_at,
        confirmed_at=row.confirmed_at,
        last_delivered_at=row.last_delivered_at,
        last_error=row.last_error,
    )


def unknown_subscriber() -> NotFound:
    return NotFound("There is no such subscriber of this page", code="SUBSCRIBER_NOT_FOUND")


async def _require_page(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> None:
    if await status_pages.get_page(conn, tenant_id=tenant_id, page_id=page_id) is None:
        raise unknown_page()
