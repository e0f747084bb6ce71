"""/app/status-pages/{id}/components: what the public sees, under what names and headings, and in what order."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, cast, get_args
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from control_plane.dashboard.fields import Field, Group, told
from control_plane.dashboard.status_pages.arrange import (
    Way,
    headings,
    with_component_before,
    with_component_moved,
    with_heading_moved,
)
from control_plane.dashboard.status_pages.frame import PAGE, REFUSALS, VERDICTS, Opened, accepted, opened, shown
from control_plane.dashboard.visit import Visit, form, page, see_other
from control_plane.dashboard.words import sentence
from control_plane.domain.pages.public_state import component_state
from control_plane.errors import FarwatchError, NotFound, PreconditionFailed
from control_plane.services.installation.require_revision import require_revision
from control_plane.services.pages.keep_components import change_component, remove_component, reorder_components
from control_plane.services.pages.place_monitors import Chosen, place_monitors, rename_heading
from control_plane.store import page_editing
from control_plane.store.page_components import ComponentRow
from control_plane.store.page_editing import Candidate
from control_plane.web.routes import Route

_OFFERED = 100
_MEANWHILE = "Somebody else changed this line after you had opened it: save again to put yours in the place of theirs"
_SAID = {
    "added": "Added, at the end of its heading.",
    "removed": "Taken off the page. Its monitor goes on.",
    "changed": "Saved.",
    "moved": "Moved.",
}


class Line(Struct, frozen=True, kw_only=True):
    """A component as it is edited. `up` and `down`: it can move there."""

    id: UUID
    name: str
    inside: str
    monitor: str
    about: str
    state: tuple[str, str]
    fields: tuple[Group, ...]
    problem: str
    open: bool
    revision: int
    up: bool
    down: bool


class Part(Struct, frozen=True, kw_only=True):
    """A heading with its lines. `at`: its number on the page, from 1."""

    at: int
    name: str
    lines: tuple[Line, ...]
    up: bool
    down: bool


class Wrong(Struct, frozen=True):
    """A form of the page that was refused: of a line, of a heading, or (neither) the one that adds."""

    error: FarwatchError
    component_id: UUID | None = None
    heading: str | None = None


async def show_components(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


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
        return await _page(visit, Wrong(error))
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
        return await _page(visit, Wrong(error, component_id=component_id))
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
        return await _page(visit, Wrong(error, heading=old))
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


async def _page(visit: Visit, wrong: Wrong | None = None) -> web.StreamResponse:
    page = await opened(visit)
    q = (visit.query("q") or visit.text("q")).replace("\x00", "")
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        offer, total = await page_editing.candidates(
            conn, tenant_id=visit.tenant_id, page_id=page.row.id, q=q, limit=_OFFERED
        )
        states = await page_editing.shown_on_pages(conn, tenant_id=visit.tenant_id, page_ids=[page.row.id])
    shown_as = {each.component_id: component_state(shown=each.shown, regions_up=each.regions_up) for each in states}
    words = {row.id: VERDICTS[shown_as[row.id]] for row in page.components}
    adding = wrong is not None and wrong.component_id is None and wrong.heading is None
    context = {
        "parts": _parts(visit, page, words, wrong),
        "names": [each.name for each in headings(page.components) if each.name],
        "offer": [_option(visit, each) for each in offer],
        "total": total,
        "q": q,
        "group": visit.text("group") if adding else "",
        "own_groups": not adding or visit.text("own_groups") == "yes",
        "add_problem": _words(wrong.error) if wrong is not None and adding else "",
        "heading_problem": _words(wrong.error) if wrong is not None and wrong.heading is not None else "",
        "said": _SAID.get(visit.query("said"), ""),
    }
    status = 200 if wrong is None else wrong.error.status
    return shown(visit, page, "status_page_components.html", context, status=status)


def _words(error: FarwatchError) -> str:
    details = error.details or {}
    if error.code == "QUOTA_EXCEEDED" and details.get("quota") == "public_components":
        return (
            f"Your plan, {details['plan']}, shows {details['limit']} monitors on status pages, and this would be more. "
            "Nothing was added: take some off a page first, or ask for a larger plan."
        )
    return sentence(error.message)


def _option(visit: Visit, each: Candidate) -> dict[str, Any]:
    about = ", ".join([f"#{each.number}", *([each.group] if each.group else []), *each.tags[:5]])
    chosen = str(each.id) in visit.form.get("monitors", ())
    return {"value": each.id, "word": each.name, "hint": about, "chosen": chosen}


def _parts(visit: Visit, page: Opened, words: Mapping[UUID, tuple[str, str]], wrong: Wrong | None) -> list[Part]:
    found = headings(page.components)
    parts = []
    for at, each in enumerate(found, 1):
        last = len(each.rows) - 1
        part = Part(
            at=at,
            name=each.name or "",
            lines=tuple(
                _line(visit, row, words[row.id], wrong, up=place > 0, down=place < last)
                for place, row in enumerate(each.rows)
            ),
            up=at > 1,
            down=at < len(found),
        )
        parts.append(part)
    return parts


def _line(
    visit: Visit, row: ComponentRow, state: tuple[str, str], wrong: Wrong | None, *, up: bool, down: bool
) -> Line:
    mine = wrong is not None and wrong.component_id == row.id
    is_open = visit.may("status-pages:write") and (mine or visit.query("change") == str(row.id))
    error = wrong.error if wrong is not None and mine else None
    fields, problem = _fields(visit, row, error) if is_open else ((), "")
    hidden = [word for word, is_shown in (("uptime", row.show_uptime), ("latency", row.show_latency)) if not is_shown]
    return Line(
        id=row.id,
        name=row.name,
        inside=row.monitor_name if row.monitor_name != row.name else "",
        monitor=f"/app/monitors/{row.monitor_id}",
        about=" · ".join([*([row.description] if row.description else []), *(f"without {word}" for word in hidden)]),
        state=state,
        fields=fields,
        problem=problem,
        open=is_open,
        revision=row.revision,
        up=up,
        down=down,
    )


def _fields(visit: Visit, row: ComponentRow, error: FarwatchError | None) -> tuple[tuple[Group, ...], str]:
    """Ids are the row's: a page has many of these forms."""

    def value(name: str) -> str:
        return visit.text(name) if error is not None else str(getattr(row, name) or "")

    def ticked(name: str) -> str:
        on = visit.text(name) == "yes" if error is not None else getattr(row, name)
        return "yes" if on else ""

    limit = {"maxlength": "100", "dir": "auto"}
    fields = (
        Field(name="name", label="Name for the public", at="/name", value=value("name"), required=True, extra=limit),
        Field(
            name="group",
            label="Heading",
            at="/group",
            value=value("group"),
            hint="Empty: under none.",
            extra={**limit, "list": "headings"},
        ),
        Field(
            name="description",
            label="What it is",
            at="/description",
            type="area",
            value=value("description"),
            rows=2,
            extra={"maxlength": "2000", "dir": "auto"},
        ),
        Field(name="show_uptime", label="Show its uptime", at="/show_uptime", type="tick", value=ticked("show_uptime")),
        Field(
            name="show_latency",
            label="Show how fast it answers, where the page does",
            at="/show_latency",
            type="tick",
            value=ticked("show_latency"),
        ),
    )
    if isinstance(error, PreconditionFailed):
        return (Group(fields),), f"{_MEANWHILE}."
    groups, problem = told([Group(fields)], error)
    return tuple(groups), problem


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
