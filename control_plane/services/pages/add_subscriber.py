"""Put an address on a page's list for its tenant: whoever reads it is asked, as if they had come by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from control_plane.domain.pages.subscriber_rules import Target
from control_plane.domain.tenants.people import read_email
from control_plane.errors import Conflict, Refused
from control_plane.sealing import Sealer
from control_plane.services.pages.ask_subscriber import Asking, ask_subscriber
from control_plane.services.pages.page_rows import unknown_page
from control_plane.services.pages.read_subscribers import SubscriberView, get_subscriber
from control_plane.services.pages.subscription_target import Transports, require_kind
from control_plane.store import status_pages
from control_plane.store.pool import Database
from shared.ids import TenantId


async def add_subscriber(
    database: Database,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    email: str,
    component_ids: Sequence[UUID] | None,
    note: str,
    most: int,
    sealer: Sealer,
    pepper: bytes,
    transports: Transports,
) -> SubscriberView:
    """The subscriber, who has yet to say yes. `note`: how the tenant came by the address.

    Raises NotFound STATUS_PAGE_NOT_FOUND, Refused PAGE_NOT_OPEN, CHANNEL_KIND_UNAVAILABLE, SUBSCRIBERS_FULL,
    SUBSCRIBER_ASK_LIMIT, Conflict ALREADY_SUBSCRIBED, BadRequest INVALID_EMAIL, INVALID_COMPONENTS.
    """
    target = Target(address=read_email(email))
    async with database.tenant(tenant_id) as conn:
        page = await status_pages.get_page(conn, tenant_id=tenant_id, page_id=page_id)
    if page is None:
        raise unknown_page()
    if page.state != "published" or page.password_digest is not None:
        raise Refused("Nobody can be told of a draft, or of a page with a password", code="PAGE_NOT_OPEN")
    require_kind("email", transports=transports)
    asking = Asking(
        kind="email", target=target, component_ids=component_ids, source="tenant", note=note.strip(), most=most
    )
    asked = await ask_subscriber(database, asking, tenant_id=tenant_id, page_id=page_id, sealer=sealer, pepper=pepper)
    if asked.subscriber_id is None:
        raise Conflict("This address is subscribed already", code="ALREADY_SUBSCRIBED", field="/email")
    if not asked.sent:
        raise Refused(
            "This address was asked too often within a day: wait, or let them come by themselves",
            code="SUBSCRIBER_ASK_LIMIT",
        )
    return await get_subscriber(
        database, sealer=sealer, tenant_id=tenant_id, page_id=page_id, subscriber_id=asked.subscriber_id
    )
