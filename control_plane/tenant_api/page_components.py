"""/api/v1/status-pages/{page_id}/components: which monitors the public sees, and under what names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from msgspec import Struct

from control_plane.errors import NotFound
from control_plane.services.pages.keep_components import (
    add_component,
    change_component,
    remove_component,
    reorder_components,
)
from control_plane.services.pages.page_rows import unknown_page
from control_plane.store import page_components, status_pages
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route
from control_plane.web.status_page_view import NewPageComponent, PageComponent, PageComponentPatch, component_view

COMPONENTS = "/api/v1/status-pages/{page_id}/components"
COMPONENT = f"{COMPONENTS}/{{component_id}}"
NOT_FOUND = ("STATUS_PAGE_NOT_FOUND", "COMPONENT_NOT_FOUND")
WRITE_ERRORS = ("NAME_INVALID", "INVALID_DESCRIPTION", "INVALID_GROUP")


class Order(Struct, frozen=True, kw_only=True):
    """Each component of the page once, in the order that they shall have."""

    component_ids: list[UUID]


class Components(Struct, frozen=True):
    """The components of a page, in its order."""

    items: Sequence[PageComponent]


async def list_page_components(call: Call) -> Reply:
    tenant_id, query, page_id = call.tenant().tenant_id, call.query, call.uuid("page_id")
    async with call.deps.database.tenant(tenant_id) as conn:
        if await status_pages.get_page(conn, tenant_id=tenant_id, page_id=page_id) is None:
            raise unknown_page()
        rows = await page_components.list_components(
            conn, tenant_id=tenant_id, page_id=page_id, limit=capped(query.limit), offset=query.offset
        )
        total = await page_components.count_components(conn, tenant_id=tenant_id, page_id=page_id)
    return page_reply(call, [component_view(row) for row in rows], total=total)


async def get_page_component(call: Call) -> Reply:
    tenant_id, page_id = call.tenant().tenant_id, call.uuid("page_id")
    component_id = call.uuid("component_id")
    async with call.deps.database.tenant(tenant_id) as conn:
        row = await page_components.get_component(conn, tenant_id=tenant_id, page_id=page_id, component_id=component_id)
        if row is None and await status_pages.get_page(conn, tenant_id=tenant_id, page_id=page_id) is None:
            raise unknown_page()
    if row is None:
        raise NotFound("There is no such component on this page", code="COMPONENT_NOT_FOUND")
    return Reply(component_view(row), etag=row.revision)


async def post_page_component(call: Call) -> Reply:
    caller, page_id = call.tenant(), call.uuid("page_id")
    row = await add_component(
        call.deps.database,
        tenant_id=caller.tenant_id,
        page_id=page_id,
        component_id=call.deps.new_id(),
        terms=caller.terms,
        body=call.body,
        write_source=caller.write_source,
    )
    headers = {"Location": f"/api/v1/status-pages/{page_id}/components/{row.id}"}
    return Reply(component_view(row), headers=headers, etag=row.revision)


async def patch_page_component(call: Call) -> Reply:
    caller = call.tenant()
    row = await change_component(
        call.deps.database,
        tenant_id=caller.tenant_id,
        page_id=call.uuid("page_id"),
        component_id=call.uuid("component_id"),
        body=call.body,
        write_source=caller.write_source,
        check_revision=partial(require_match, call.request),
    )
    return Reply(component_view(row), etag=row.revision)


async def remove_page_component(call: Call) -> Reply:
    await remove_component(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        page_id=call.uuid("page_id"),
        component_id=call.uuid("component_id"),
        check_revision=partial(require_match, call.request),
    )
    return Reply()


async def post_order(call: Call) -> Reply:
    caller = call.tenant()
    page, rows = await reorder_components(
        call.deps.database,
        tenant_id=caller.tenant_id,
        page_id=call.uuid("page_id"),
        order=[str(one) for one in call.body.component_ids],
        write_source=caller.write_source,
        check_revision=partial(require_match, call.request),
    )
    return Reply(Components([component_view(row) for row in rows]), etag=page.revision)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=COMPONENTS,
        handler=list_page_components,
        operation="list_status_page_components",
        summary="List the components of a status page, in its order",
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:read",
        query=PageQuery,
        reply=Page[PageComponent],
        errors=("STATUS_PAGE_NOT_FOUND",),
    ),
    Route(
        method="POST",
        path=COMPONENTS,
        handler=post_page_component,
        operation="create_status_page_component",
        summary="Put a monitor on a status page",
        description="Last on the page. One monitor is on a page once; it may be on several pages, and counts once.",
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:write",
        body=dict,
        schema=NewPageComponent,
        reply=PageComponent,
        status=201,
        errors=(
            *("STATUS_PAGE_NOT_FOUND", "INVALID_MONITOR", "COMPONENT_ON_PAGE", "PAGE_FULL", "QUOTA_EXCEEDED"),
            *WRITE_ERRORS,
        ),
        example={"monitor_id": "0197a2f0-0000-7000-8000-000000000000", "name": "Checkout", "group": "Shop"},
    ),
    Route(
        method="GET",
        path=COMPONENT,
        handler=get_page_component,
        operation="get_status_page_component",
        summary="Read a component of a status page",
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:read",
        reply=PageComponent,
        errors=NOT_FOUND,
    ),
    Route(
        method="PATCH",
        path=COMPONENT,
        handler=patch_page_component,
        operation="change_status_page_component",
        summary="Change a component of a status page by JSON merge patch",
        description="Its monitor is fixed: take it off the page, and put the other one on.",
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:write",
        body=dict,
        schema=PageComponentPatch,
        reply=PageComponent,
        errors=(*NOT_FOUND, "PRECONDITION_FAILED", *WRITE_ERRORS),
        example={"name": "Checkout", "description": "Paying in the shop"},
    ),
    Route(
        method="DELETE",
        path=COMPONENT,
        handler=remove_page_component,
        operation="delete_status_page_component",
        summary="Take a component off a status page; its monitor stays",
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:write",
        status=204,
        errors=(*NOT_FOUND, "PRECONDITION_FAILED"),
    ),
    Route(
        method="POST",
        path="/api/v1/status-pages/{page_id}/reorder",
        handler=post_order,
        operation="reorder_status_page",
        summary="Put the components of a status page into another order",
        description="`If-Match` is held against the page's ETag. Headings stand in the order of their first component.",
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:write",
        body=Order,
        reply=Components,
        errors=("STATUS_PAGE_NOT_FOUND", "PRECONDITION_FAILED", "INVALID_ORDER"),
        example={"component_ids": ["0197a2f0-0000-7000-8000-000000000000"]},
    ),
)
