"""The real page with values that are not saved yet, in a frame of its own in which nothing acts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
from aiohttp import web

from control_plane.dashboard.fields import refusals
from control_plane.dashboard.status_pages.colours import NAMES, swatches
from control_plane.dashboard.status_pages.frame import PAGE
from control_plane.dashboard.status_pages.page_form import body_of, text
from control_plane.dashboard.visit import Visit, form_with_file, page
from control_plane.domain.pages.page_rules import PageConfig, read_page
from control_plane.errors import FarwatchError
from control_plane.services.pages.draw_logo import MOST_BYTES
from control_plane.services.pages.page_rows import config_of, unknown_page
from control_plane.services.pages.read_logo import read_logo
from control_plane.services.pages.read_public_page import preview_page
from control_plane.services.uptime.read_availability import Horizon
from control_plane.store import status_pages
from control_plane.web.page_preview import Theme
from control_plane.web.routes import Route

_HEADERS = {
    # Framed by our own pages alone, and of no use to whoever frames it: no script runs and no form is sent in it.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'; sandbox allow-same-origin"
    ),
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}
FORM_BYTES = 3 * MOST_BYTES
"""Of the whole form. A logo that is too large is refused beside its field, as long as it is not far too large."""
_MOST_REPAIRS = 20


async def show_preview(visit: Visit) -> web.StreamResponse:
    return _document(await _drawn(visit, typed={}))


async def take_preview(visit: Visit) -> web.StreamResponse:
    """The page as it is typed; for our script with what is to be said of the colours."""
    drawn = await _drawn(visit, typed=body_of(visit.form))
    if visit.call.request.headers.get("Accept") != "application/json":
        return _document(drawn)
    said = swatches({name: text(visit.form, name) for name in NAMES})
    body = msgspec.json.encode({"page": drawn, "swatches": said})
    return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})


async def _drawn(visit: Visit, *, typed: Mapping[str, Any]) -> str:
    deps, tenant_id, page_id = visit.deps, visit.tenant_id, visit.id("page_id")
    async with deps.database.tenant(tenant_id) as conn:
        row = await status_pages.get_page(conn, tenant_id=tenant_id, page_id=page_id)
    if row is None:
        raise unknown_page()
    horizon = Horizon(deps.now(), timedelta(days=deps.settings.retention.transitions_days))
    config = as_far_as_it_goes(typed, stored=config_of(row))
    found = await preview_page(deps.database, tenant_id=tenant_id, page_id=page_id, horizon=horizon, typed=config)
    if found is None:
        raise unknown_page()
    keeps_logo = row.logo_digest is not None and visit.text("no_logo") != "yes"
    logo = f"/app/status-pages/{page_id}/logo?of={row.logo_digest}" if keeps_logo else ""
    asked = visit.text("theme") or visit.query("theme")
    theme: Theme = "dark" if asked == "dark" else "light" if asked == "light" else ""
    return deps.draw_page(found, logo=logo, theme=theme)


def as_far_as_it_goes(body: Mapping[str, Any], *, stored: PageConfig) -> PageConfig:
    """What is typed, merged onto the page; what could not be saved like this is left as it is stored."""
    left = {name: value for name, value in body.items() if name != "password"}
    for _ in range(_MOST_REPAIRS):
        try:
            return read_page(left, stored=stored)
        except FarwatchError as error:
            left = _without(left, {at for at, _ in refusals(error)})
    return stored


def _without(body: Mapping[str, Any], pointers: set[str]) -> dict[str, Any]:
    named = {pointer.split("/")[1] for pointer in pointers if pointer.count("/") == 1}
    kept = {name: value for name, value in body.items() if name not in named}
    if isinstance(colours := kept.get("branding"), dict):
        wrong = {pointer.rpartition("/")[2] for pointer in pointers if pointer.startswith("/branding/")}
        kept["branding"] = {name: value for name, value in colours.items() if name not in wrong}
    return kept


def _document(text_: str) -> web.Response:
    return web.Response(text=text_, content_type="text/html", charset="utf-8", headers=_HEADERS)


async def show_logo(visit: Visit) -> web.StreamResponse:
    """The picture of a page that may be a draft. Its address changes with it."""
    logo = await read_logo(visit.deps.database, tenant_id=visit.tenant_id, page_id=visit.id("page_id"))
    headers = {"Cache-Control": "private, max-age=3600"}
    return web.Response(body=logo.image, content_type=logo.media_type, headers=headers)


ROUTES: tuple[Route, ...] = (
    page(
        f"{PAGE}/preview",
        show_preview,
        operation="show_status_page_preview",
        summary="The page as its readers would see it",
        scope="status-pages:read",
    ),
    form_with_file(
        f"{PAGE}/preview",
        take_preview,
        operation="preview_status_page",
        summary="The page as it is being typed",
        scope="status-pages:read",
        max_body=FORM_BYTES,
        category="reads",
    ),
    page(
        f"{PAGE}/logo",
        show_logo,
        operation="show_status_page_logo",
        summary="Its logo",
        scope="status-pages:read",
    ),
)
