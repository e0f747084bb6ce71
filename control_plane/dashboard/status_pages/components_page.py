"""/app/status-pages/{id}/components: what the public sees, under what names and headings, and in what order."""

from __future__ import annotations

from functools import partial
from typing import Any, cast, get_args
from uuid import UUID

from aiohttp import web

from control_plane.dashboard.status_pages.arrange import (
    Way,
    headings,
    with_component_before,
    with_component_moved,
    with_heading_moved,
)
from control_plane.dashboard.status_pages.components_view import Wrong, draw_components
from control_plane.dashboard.status_pages.frame import PAGE, REFUSALS, Opened, accepted, opened
from control_plane.dashboard.visit import Visit, form, page, see_other
from control_plane.errors import NotFound
from control_plane.services.installation.require_revision import require_revision
from control_plane.services.pages.keep_components import change_component, remove_component, reorder_components
from control_plane.services.pages.place_monitors import Chosen, place_monitors, rename_heading
from control_plane.store.page_components import ComponentRow
from control_plane.web.routes import Route


async def show_components(visit: Visit) -> web.StreamResponse:
    return await draw_components(visit)


async def add(visit: Visit) -> web.StreamResponse:
    page_id = visit.id("page_id")
    monitors = [one for each in visit.form.get("monitors", ()) if (one := _uuid(each)) is not None]
    group = visit.text("group")
    try:
        put = await place_monitors(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            page_id=page_id,
            chosen=Chosen(monitor_ids=monitors, own_groups=visit.text("own_groups") == "yes", group=group or None),
            new_id=visit.deps.new_id,
            terms=visit.caller.terms,
            write_source=visit.caller.write_source,
        )
    except REFUSALS as error:
        return await draw_components(visit, Wrong(error))
    return see_other(f"{_here(visit)}?said={'added' if put else 'nothing'}")


async def change(visit: Visit) -> web.StreamResponse:
    component_id = visit.id("component_id")
    try:
        await change_component(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            page_id=visit.id("page_id"),
            component_id=component_id,
            body=_body(visit),
            write_source=visit.caller.write_source,
            check_revision=partial(require_revision, accepted=accepted(visit)),
        )
    except REFUSALS as error:
        return await draw_components(visit, Wrong(error, component_id=component_id))
    return see_other(f"{_here(visit)}?said=changed#c-{component_id}")


def _body(visit: Visit) -> dict[str, Any]:
    return {
        "name": visit.text("name"),
        "group": visit.text("group") or None,
        "description": visit.text("description").replace("\r\n", "\n"),
        "show_uptime": visit.text("show_uptime") == "yes",
        "show_latency": visit.text("show_latency") == "yes",
    }


async def remove(visit: Visit) -> web.StreamResponse:
    await remove_component(
        visit.deps.database,
        tenant_id=visit.tenant_id,
        page_id=visit.id("page_id"),
        component_id=visit.id("component_id"),
        check_revision=lambda _revision: None,
    )
    return see_other(f"{_here(visit)}?said=removed")


async def move(visit: Visit) -> web.StreamResponse:
    """One place up or down by a button; by the pointer in front of another, perhaps under its heading."""
    component_id, way = visit.id("component_id"), visit.text("way")
    page = await opened(visit)
    own = next((row for row in page.components if row.id == component_id), None)
    if own is None:
        raise NotFound("There is no such component on this page", code="COMPONENT_NOT_FOUND")
    if way in get_args(Way):
        ids = with_component_moved(page.components, component_id, cast("Way", way))
    else:
        heading, before = visit.text("heading") or None, _uuid(visit.text("before"))
        ids = with_component_before(page.components, component_id, heading=heading, before=before)
        await _under(visit, own, heading)
    await _reorder(visit, ids)
    under = next(part.rows for part in headings(_ordered(page, ids)) if own in part.rows)
    button = _button(way, at=list(under).index(own), of=len(under), thing=str(component_id))
    return see_other(f"{_here(visit)}?said=moved#{button or f'c-{component_id}'}")


def _button(way: str, *, at: int, of: int, thing: str) -> str:
    """The button that was pressed, where its thing stands now; where that is gone the other one. It gets the focus."""
    there = [each for each, can in (("up", at > 0), ("down", at < of - 1)) if can]
    if way not in get_args(Way) or not there:
        return ""
    return f"{way if way in there else there[0]}-{thing}"


async def _under(visit: Visit, own: ComponentRow, heading: str | None) -> None:
    if own.group == heading:
        return
    await change_component(
        visit.deps.database,
        tenant_id=visit.tenant_id,
        page_id=own.page_id,
        component_id=own.id,
        body={"group": heading},
        write_source=visit.caller.write_source,
        check_revision=lambda _revision: None,
    )


async def change_heading(visit: Visit) -> web.StreamResponse:
    """Its name, or its place among the others."""
    old, way = visit.text("old") or visit.query("old"), visit.text("way")
    if way in get_args(Way):
        page = await opened(visit)
        ids = with_heading_moved(page.components, old or None, cast("Way", way))
        await _reorder(visit, ids)
        names = [each.name or "" for each in headings(_ordered(page, ids))]
        at = names.index(old) if old in names else 0
        button = _button(way, at=at, of=len(names), thing=f"h-{at + 1}")
        return see_other(f"{_here(visit)}?said=moved#{button or f'h-{at + 1}'}")
    try:
        await rename_heading(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            page_id=visit.id("page_id"),
            old=old,
            new=visit.text("new"),
            write_source=visit.caller.write_source,
        )
    except REFUSALS as error:
        return await draw_components(visit, Wrong(error, heading=old))
    return see_other(f"{_here(visit)}?said=changed")


def _ordered(page: Opened, ids: list[UUID]) -> list[ComponentRow]:
    return sorted(page.components, key=lambda row: ids.index(row.id))


async def _reorder(visit: Visit, ids: list[UUID]) -> None:
    await reorder_components(
        visit.deps.database,
        tenant_id=visit.tenant_id,
        page_id=visit.id("page_id"),
        order=[str(each) for each in ids],
        write_source=visit.caller.write_source,
        check_revision=lambda _revision: None,
    )


def _here(visit: Visit) -> str:
    return f"/app/status-pages/{visit.id('page_id')}/components"


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


_HERE = f"{PAGE}/components"
_writes = partial(form, scope="status-pages:write")

ROUTES: tuple[Route, ...] = (
    page(
        _HERE,
        show_components,
        operation="show_status_page_components",
        summary="What a page shows",
        scope="status-pages:read",
    ),
    _writes(_HERE, add, operation="add_status_page_components", summary="Put monitors on a page"),
    _writes(
        f"{_HERE}/heading",
        change_heading,
        operation="change_status_page_heading",
        summary="Rename a heading, or move it",
    ),
    _writes(
        f"{_HERE}/{{component_id}}",
        change,
        operation="save_status_page_component",
        summary="Change how it is shown",
    ),
    _writes(
        f"{_HERE}/{{component_id}}/move",
        move,
        operation="move_status_page_component",
        summary="Move it on its page",
    ),
    _writes(
        f"{_HERE}/{{component_id}}/remove",
        remove,
        operation="remove_status_page_component",
        summary="Take it off the page",
    ),
)
