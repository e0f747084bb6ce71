"""The components of a status page as their page draws them: headings, lines, and what may be added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from control_plane.dashboard.fields import Field, Group, told
from control_plane.dashboard.status_pages.arrange import (
    headings,
)
from control_plane.dashboard.status_pages.frame import VERDICTS, Opened, opened, shown
from control_plane.dashboard.visit import Visit
from control_plane.dashboard.words import sentence
from control_plane.domain.pages.public_state import component_state
from control_plane.errors import FarwatchError, PreconditionFailed
from control_plane.store import page_editing
from control_plane.store.page_components import ComponentRow
from control_plane.store.page_editing import Candidate

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


async def draw_components(visit: Visit, wrong: Wrong | None = None) -> web.StreamResponse:
    """The page, with the form that was refused as it was sent."""
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
