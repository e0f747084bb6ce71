"""Status pages that people without an account created: what differs in creating, changing and showing them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from control_plane.domain.tenants.anonymous_rules import read_public, refuse_shared_of_page
from control_plane.services.pages.change_page import change_page
from control_plane.services.pages.create_anonymous_page import create_anonymous_page
from control_plane.store import page_manage_keys
from control_plane.store.status_pages import PageRow
from control_plane.tenant_api.anonymous_monitors import is_of_the_anonymous
from control_plane.web.call import Call
from control_plane.web.etag import require_match
from control_plane.web.status_page_view import StatusPage


async def create(call: Call) -> tuple[PageRow, str]:
    """The page with its manage key, for a caller without a credential."""
    caller = call.tenant()
    row, issued = await create_anonymous_page(
        call.deps.database,
        caller_id=caller.id,
        page_id=call.deps.new_id(),
        terms=caller.terms,
        body=call.body,
        write_source=caller.write_source,
        settings=call.deps.settings,
    )
    return row, issued.key


async def patch(call: Call) -> PageRow:
    """Merge the body onto the page, without what an anonymous page may not have."""
    caller, page_id = call.tenant(), call.uuid("page_id")
    is_public, rest = read_public(call.body)
    refuse_shared_of_page(rest)
    row = await change_page(
        call.deps.database,
        tenant_id=caller.tenant_id,
        page_id=page_id,
        body=rest,
        write_source=caller.write_source,
        check_revision=partial(require_match, call.request),
    )
    if is_public is not None:
        async with call.deps.database.tenant_transaction(caller.tenant_id) as conn:
            await page_manage_keys.set_public(conn, tenant_id=caller.tenant_id, page_id=page_id, is_public=is_public)
    return row


async def with_public(call: Call, shown: Sequence[StatusPage]) -> list[StatusPage]:
    """Pages of the anonymous tenant with `is_public`; others as they are."""
    if not is_of_the_anonymous(call) or not shown:
        return list(shown)
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await page_manage_keys.public_among(conn, tenant_id=tenant_id, page_ids=[each.id for each in shown])
    return [replace(each, is_public=each.id in found) for each in shown]
