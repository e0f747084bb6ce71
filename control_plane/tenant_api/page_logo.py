"""/api/v1/status-pages/{page_id}/logo: the picture at the head of a page."""

from __future__ import annotations

from functools import partial
from hashlib import sha256

from aiohttp import web

from control_plane.services.pages.draw_logo import MEDIA_TYPE, MOST_BYTES
from control_plane.services.pages.keep_logo import delete_logo, put_logo
from control_plane.services.pages.read_logo import read_logo
from control_plane.tenant_api.status_pages import page_answer
from control_plane.web.call import Call, Reply
from control_plane.web.etag import is_known, require_match
from control_plane.web.routes import Door, Route
from control_plane.web.status_page_view import StatusPage

MEDIA = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/svg+xml", "application/octet-stream")
"""SVG is taken only to be refused with the reason."""


async def get_page_logo(call: Call) -> web.Response:
    logo = await read_logo(call.deps.database, tenant_id=call.tenant().tenant_id, page_id=call.uuid("page_id"))
    headers = {"ETag": f'"{sha256(logo.image).hexdigest()[:16]}"'}
    if is_known(call.request, headers["ETag"]):
        return web.Response(status=304, headers=headers)
    return web.Response(body=logo.image, content_type=logo.media_type, headers=headers)


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
    return await page_answer(call, row)


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
        method="GET",
        path="/api/v1/status-pages/{page_id}/logo",
        handler=get_page_logo,
        operation="get_status_page_logo",
        summary="Read the logo of a status page",
        description="The picture as it was drawn anew. A draft's logo is read here only; `logo_url` is the public's.",
        tag="status pages",
        door=Door.TENANT,
        scope="status-pages:read",
        also=(MEDIA_TYPE,),
        errors=("STATUS_PAGE_NOT_FOUND", "LOGO_NOT_FOUND"),
    ),
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
