"""/api/v1/status-pages/{page_id}/logo: the picture at the head of a page."""

from __future__ import annotations

from functools import partial

from control_plane.services.pages.draw_logo import MOST_BYTES
from control_plane.services.pages.keep_logo import delete_logo, put_logo
from control_plane.tenant_api.status_pages import page_answer
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.routes import Door, Route
from control_plane.web.status_page_view import StatusPage

MEDIA = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/svg+xml", "application/octet-stream")
"""SVG is taken only to be refused with the reason."""


async def put_page_logo(call: Call) -> Reply:
    caller = call.tenant()
    row = await put_logo(
        call.deps.database,
        tenant_id=caller.tenant_id,
        page_id=call.uuid("page_id"),
        picture=call.body,
        write_source=caller.write_source,
        check_revision=partial(require_match, call.request),
    )
    return page_answer(call, row)


async def remove_page_logo(call: Call) -> Reply:
    caller = call.tenant()
    await delete_logo(
        call.deps.database,
        tenant_id=caller.tenant_id,
        page_id=call.uuid("page_id"),
        write_source=caller.write_source,
        check_revision=partial(require_match, call.request),
    )
    return Reply()


ROUTES: tuple[Route, ...] = (
    Route(
        method="PUT",
        path="/api/v1/status-pages/{page_id}/logo",
        handler=put_page_logo,
        operation="put_status_page_logo",
        summary="Upload the logo of a status page",
        description=(
            "The body is the picture: PNG, JPEG, WebP or GIF of up to 2 MiB and 16,000,000 pixels. It is drawn anew "
            "as a PNG of at most 512 × 512, so nothing but its pixels is kept. SVG is refused."
        ),
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:write",
        body=bytes,
        media=MEDIA,
        reply=StatusPage,
        errors=("STATUS_PAGE_NOT_FOUND", "PRECONDITION_FAILED", "INVALID_IMAGE"),
        max_body=MOST_BYTES,
    ),
    Route(
        method="DELETE",
        path="/api/v1/status-pages/{page_id}/logo",
        handler=remove_page_logo,
        operation="delete_status_page_logo",
        summary="Remove the logo of a status page",
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:write",
        status=204,
        errors=("STATUS_PAGE_NOT_FOUND", "PRECONDITION_FAILED"),
    ),
)
