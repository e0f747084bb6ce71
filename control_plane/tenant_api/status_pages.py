"""/api/v1/status-pages: what a tenant shows to the public."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import UNSET, Meta
from msgspec.structs import replace

from control_plane.domain.pages.page_rules import State
from control_plane.services.pages.change_page import change_page, delete_page
from control_plane.services.pages.create_page import create_page
from control_plane.services.pages.page_rows import unknown_page
from control_plane.store import status_pages
from control_plane.store.status_pages import PageFilter, PageRow
from control_plane.tenant_api import anonymous_pages
from control_plane.tenant_api.anonymous_monitors import is_of_the_anonymous
from control_plane.tenant_api.anonymous_pages import with_public
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route
from control_plane.web.status_page_view import IsPublic, NewStatusPage, StatusPage, StatusPagePatch, page_view

WRITE_ERRORS = (
    *("INVALID_SLUG", "SLUG_RESERVED", "SLUG_TAKEN", "INVALID_TITLE", "INVALID_DESCRIPTION", "INVALID_TEXT"),
    *("INVALID_STATE", "INVALID_LANGUAGE", "INVALID_PASSWORD", "REDACTION_SENTINEL", "INVALID_COLOUR"),
    *("CONTRAST_TOO_LOW", "INVALID_DOMAIN", "DOMAIN_UNVERIFIED", "CUSTOM_DOMAIN_TAKEN", "INVALID_HISTORY_DAYS"),
    *("INVALID_KEY", "KEY_TAKEN"),
)
EXAMPLE = {"slug": "acme", "title": "Acme status", "state": "published", "branding": {"accent": "#1d5fd1"}}


class StatusPagesQuery(PageQuery, frozen=True, kw_only=True):
    """Filters of the list; `q` is looked for in title and slug."""

    q: Annotated[str, Meta(max_length=100)] | None = None
    state: State | None = None
    number: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None


class NewPageBody(NewStatusPage, frozen=True, kw_only=True):
    """A new status page."""

    is_public: IsPublic = UNSET


class OnePagePatch(StatusPagePatch, frozen=True, kw_only=True):
    """Changes of a status page."""

    is_public: IsPublic = UNSET


def origin_of(call: Call) -> str:
    """Where the installation is reached, without a slash at its end."""
    return call.deps.settings.server.public_url.rstrip("/") or str(call.request.url.origin())


async def page_answer(call: Call, row: PageRow, *, is_new: bool = False, manage_key: str | None = None) -> Reply:
    """The page with its ETag; of a new one with its address, and its manage key if it has one."""
    headers = {"Location": f"/api/v1/status-pages/{row.id}"} if is_new else {}
    (shown,) = await with_public(call, [page_view(row, origin=origin_of(call))])
    if manage_key is not None:
        shown = replace(shown, manage_key=manage_key)
    return Reply(shown, headers=headers, etag=row.revision)


async def list_status_pages(call: Call) -> Reply:
    tenant_id, query = call.tenant().tenant_id, call.query
    wanted = PageFilter(q=query.q, state=query.state, number=query.number)
    async with call.deps.database.tenant(tenant_id) as conn:
        rows, total = await status_pages.list_pages(
            conn, tenant_id=tenant_id, wanted=wanted, limit=capped(query.limit), offset=query.offset
        )
    shown = [page_view(row, origin=origin_of(call)) for row in rows]
    return page_reply(call, await with_public(call, shown), total=total)


async def get_status_page(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        row = await status_pages.get_page(conn, tenant_id=tenant_id, page_id=call.uuid("page_id"))
    if row is None:
        raise unknown_page()
    return await page_answer(call, row)


async def post_status_page(call: Call) -> Reply:
    caller = call.tenant()
    if caller.anonymous:
        made, manage_key = await anonymous_pages.create(call)
        return await page_answer(call, made, is_new=True, manage_key=manage_key)
    row = await create_page(
        call.deps.database,
        tenant_id=caller.tenant_id,
        page_id=call.deps.new_id(),
        terms=caller.terms,
        body=call.body,
        write_source=caller.write_source,
    )
    return await page_answer(call, row, is_new=True)


async def patch_status_page(call: Call) -> Reply:
    caller = call.tenant()
    if is_of_the_anonymous(call):
        return await page_answer(call, await anonymous_pages.patch(call))
    row = await change_page(
        call.deps.database,
        tenant_id=caller.tenant_id,
        page_id=call.uuid("page_id"),
        body=call.body,
        write_source=caller.write_source,
        check_revision=partial(require_match, call.request),
    )
    return await page_answer(call, row)


async def remove_status_page(call: Call) -> Reply:
    await delete_page(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        page_id=call.uuid("page_id"),
        check_revision=partial(require_match, call.request),
    )
    return Reply()


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/status-pages",
        handler=list_status_pages,
        operation="list_status_pages",
        summary="List status pages, oldest first",
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:read",
        query=StatusPagesQuery,
        reply=Page[StatusPage],
    ),
    Route(
        method="POST",
        path="/api/v1/status-pages",
        handler=post_status_page,
        operation="create_status_page",
        summary="Create a status page",
        description="Its slug is part of its address, and nobody else's in this installation.",
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:write",
        body=dict,
        schema=NewPageBody,
        reply=StatusPage,
        status=201,
        anonymous=True,
        errors=("QUOTA_EXCEEDED", "NOT_FOR_MANAGE_KEYS", "INVALID_TYPE", *WRITE_ERRORS),
        example=EXAMPLE,
    ),
    Route(
        method="GET",
        path="/api/v1/status-pages/{page_id}",
        handler=get_status_page,
        operation="get_status_page",
        summary="Read a status page",
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:read",
        reply=StatusPage,
        errors=("STATUS_PAGE_NOT_FOUND",),
    ),
    Route(
        method="PATCH",
        path="/api/v1/status-pages/{page_id}",
        handler=patch_status_page,
        operation="change_status_page",
        summary="Change a status page by JSON merge patch",
        description="Who changes the password signs out everybody who has read the page with the old one.",
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:write",
        body=dict,
        schema=OnePagePatch,
        reply=StatusPage,
        errors=("STATUS_PAGE_NOT_FOUND", "PRECONDITION_FAILED", "NOT_FOR_MANAGE_KEYS", "INVALID_TYPE", *WRITE_ERRORS),
        example={"footer_text": "Questions? Write to help@acme.example.", "listed": False},
    ),
    Route(
        method="DELETE",
        path="/api/v1/status-pages/{page_id}",
        handler=remove_status_page,
        operation="delete_status_page",
        summary="Delete a status page with its components; their monitors stay",
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:write",
        status=204,
        errors=("STATUS_PAGE_NOT_FOUND", "PRECONDITION_FAILED"),
    ),
)
