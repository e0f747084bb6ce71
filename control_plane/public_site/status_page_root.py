"""A page under a domain of its own, and where a slash too many leads; its logo."""

from __future__ import annotations

from functools import partial
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from aiohttp import web

from control_plane.errors import NotFound, Unavailable
from control_plane.public_site.everybody import front_door, is_on_the_way_in, show_everybody
from control_plane.public_site.rendering import FOR_EVER
from control_plane.public_site.status_page import in_words, page_answer, refused, route
from control_plane.public_site.status_page_door import PRIVATE_READ, admitted, base_of, find, horizon, host_of, opened
from control_plane.store import page_reads
from control_plane.store.page_reads import Logo, PageFace
from control_plane.web.call import Call, Reply
from control_plane.web.dispatch import PUBLIC_READ
from control_plane.web.routes import Door, Handler, Route


def at_root(front: Handler) -> Handler:
    """`/` of a host that is a page's own is that page; of every other host what the operator has set, or `front`."""
    return partial(_root, front)


async def _root(front: Handler, call: Call) -> Reply | web.StreamResponse:
    domain = host_of(call)
    if _is_ours(call, domain):
        return await _chosen(front, call)
    try:
        slug = await call.deps.pages.slug_of_domain(call.deps.database, domain)
    except Unavailable as error:
        return refused(call, error)
    if slug is None:
        return await _chosen(front, call)
    return await in_words(_shown, _as_page(call, slug))


async def _chosen(front: Handler, call: Call) -> Reply | web.StreamResponse:
    """What the operator wants strangers to see: shown in this place, so that nothing leads in a circle."""
    if is_on_the_way_in(call):
        return await front(call)
    door = await front_door(call)
    if door.front == "everybody" and call.deps.settings.anonymous.enabled:
        return await in_words(show_everybody, call)
    if door.front == "page" and await _is_there(call, door.page):
        return await in_words(_shown, _as_page(call, door.page))
    return await front(call)


async def _is_there(call: Call, slug: str) -> bool:
    """A page that is a draft, or gone, leaves `/` to Farwatch's own."""
    try:
        return await call.deps.pages.get(call.deps.database, slug, horizon=horizon(call.deps)) is not None
    except Unavailable:
        return False


async def _shown(call: Call) -> web.Response:
    return page_answer(call, await opened(call), home="/")


def _as_page(call: Call, slug: str) -> Call:
    return Call(call.request, call.deps, call.caller, call.body, call.query, {"slug": slug})


def _is_ours(call: Call, domain: str) -> bool:
    """Whether no look-up is needed: our own address, and what is no public name at all."""
    if not domain or "." not in domain or domain == urlsplit(call.deps.settings.server.public_url).hostname:
        return True
    try:
        ip_address(domain.strip("[]"))
    except ValueError:
        return False
    return True


async def lead_to_page(call: Call) -> web.Response:
    """Whether there is such a page is told there."""
    query = call.request.rel_url.raw_query_string
    there = base_of(quote(call.path["slug"], safe="")) + (f"?{query}" if query else "")
    return web.Response(status=301, headers={"Location": there, "Cache-Control": PUBLIC_READ})


async def show_logo(call: Call) -> web.StreamResponse:
    """The picture as it was encoded here. Its digest is in the path, so it may be kept for ever."""
    copy = await find(call, call.path["slug"])
    digest = call.path["digest"]
    if copy.page.logo != digest or not admitted(call, copy.face):
        raise NotFound("There is no such logo")
    logo: Logo | None
    logo, _ = await call.deps.pages.part(copy, ("logo", digest), partial(_logo, call, copy.face))
    if logo is None:
        raise NotFound("There is no such logo")
    kept = PRIVATE_READ if copy.page.protected else FOR_EVER
    return web.Response(body=logo.image, content_type=logo.media_type, headers={"Cache-Control": kept})


async def _logo(call: Call, face: PageFace) -> Logo | None:
    async with call.deps.database.tenant(face.tenant_id) as conn:
        return await page_reads.logo_of_face(
            conn, tenant_id=face.tenant_id, page_id=face.id, digest=call.path["digest"]
        )


ROUTES: tuple[Route, ...] = (
    route("/status/{slug}/", lead_to_page, operation="lead_to_status_page", summary="The same without the slash"),
    Route(
        method="GET",
        path="/status/{slug}/logo/{digest}",
        handler=show_logo,
        operation="get_page_logo",
        summary="The logo of a status page",
        tag="Public",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
)
