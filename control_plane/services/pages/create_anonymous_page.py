"""Create a status page for somebody without an account, with the key that alone changes it, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from control_plane.domain.tenants.anonymous_rules import read_public, refuse_shared_of_page
from control_plane.domain.tenants.plan import PlanTerms
from control_plane.services.pages.create_page import insert_page, page_write
from control_plane.services.pages.keep_page_manage_key import IssuedPageKey, write_page_key
from control_plane.services.tenants.take_turn import take_turn
from control_plane.settings import Settings
from control_plane.store import page_manage_keys, tenants
from control_plane.store.pool import Database
from control_plane.store.status_pages import PageRow
from control_plane.store.tenants import ANONYMOUS


async def create_anonymous_page(
    database: Database,
    *,
    caller_id: UUID,
    page_id: UUID,
    terms: PlanTerms,
    body: Mapping[str, Any],
    write_source: str,
    settings: Settings,
) -> tuple[PageRow, IssuedPageKey]:
    """`caller_id` stands for the address. Raises TooMany RATE_LIMITED, and what creating a page raises.

    Monitors and pages count together, and take turns; what is refused counts for nothing.
    """
    is_public, rest = read_public(body)
    refuse_shared_of_page(rest)
    write = await page_write(rest, write_source=write_source)
    async with database.tenant_transaction(ANONYMOUS) as conn:
        await tenants.lock(conn, tenant_id=ANONYMOUS)
        await take_turn(conn, caller_id=caller_id, settings=settings)
        row = await insert_page(conn, write, tenant_id=ANONYMOUS, page_id=page_id, terms=terms)
        await page_manage_keys.set_public(conn, tenant_id=ANONYMOUS, page_id=page_id, is_public=bool(is_public))
        pepper = settings.security.pepper.encode()
        return row, await write_page_key(conn, tenant_id=ANONYMOUS, page_id=page_id, pepper=pepper)
