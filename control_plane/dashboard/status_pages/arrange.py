"""The order of a page's components: by heading, and what a move makes of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from msgspec import Struct

from control_plane.store.page_components import ComponentRow

Way = Literal["up", "down"]


class Heading(Struct, frozen=True):
    """Components under one heading, in the page's order; None is what stands under no heading."""

    name: str | None
    rows: Sequence[ComponentRow]


def headings(rows: Sequence[ComponentRow]) -> list[Heading]:
    """As the public reads them: headings in the order of their first component."""
    found: dict[str | None, list[ComponentRow]] = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)
    return [Heading(name, under) for name, under in found.items()]


def with_component_moved(rows: Sequence[ComponentRow], component_id: UUID, way: Way) -> list[UUID]:
    """One place up or down under its heading; at the end of it nothing moves."""
    parts = [list(each.rows) for each in headings(rows)]
    for under in parts:
        at = next((at for at, row in enumerate(under) if row.id == component_id), None)
        if at is not None:
            _swap(under, at, way)
    return [row.id for under in parts for row in under]


def with_heading_moved(rows: Sequence[ComponentRow], name: str | None, way: Way) -> list[UUID]:
    """All that stands under it, one heading up or down."""
    parts = headings(rows)
    at = next((at for at, each in enumerate(parts) if each.name == name), None)
    if at is not None:
        _swap(parts, at, way)
    return [row.id for each in parts for row in each.rows]


def with_component_before(
    rows: Sequence[ComponentRow], component_id: UUID, *, heading: str | None, before: UUID | None
) -> list[UUID]:
    """Under this heading, in front of another there; of none: last. Other headings stay where they are."""
    parts = {each.name: [row.id for row in each.rows if row.id != component_id] for each in headings(rows)}
    under = parts.setdefault(heading, [])
    at = under.index(before) if before in under else len(under)
    under.insert(at, component_id)
    return [each for ids in parts.values() for each in ids]


def _swap(things: list, at: int, way: Way) -> None:  # type: ignore[type-arg]
    to = at - 1 if way == "up" else at + 1
    if 0 <= to < len(things):
        things[at], things[to] = things[to], things[at]
