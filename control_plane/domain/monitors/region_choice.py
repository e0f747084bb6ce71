"""The regions that a monitor or a test may be run from, and reading which of them are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from msgspec import Struct

from control_plane.domain import field_rules
from control_plane.errors import Refused

MAX_REGIONS = 50


class RegionChoice(Struct, frozen=True, kw_only=True):
    """A region that the tenant may choose."""

    id: int
    slug: str
    private: bool
    enabled: bool = True
    selected_by_default: bool = True


def read_regions(value: object, pointer: str, *, choices: Sequence[RegionChoice]) -> tuple[RegionChoice, ...]:
    """The chosen regions in ascending id; None is those selected by default. Raises INVALID_REGIONS (422)."""
    if value is None:
        return _default_regions(choices, pointer)
    if not isinstance(value, list) or not all(isinstance(slug, str) for slug in value):
        field_rules.refuse("INVALID_TYPE", "regions is a list of region ids", pointer)
    known = {choice.slug: choice for choice in choices}
    unknown = [slug for slug in value if slug not in known]
    if unknown:
        names = ", ".join(sorted(known)) or "none"
        _refuse_regions(f"there is no region {unknown[0][:60]!r}; there are: {names}", pointer)
    if not 1 <= len(value) <= MAX_REGIONS or len(set(value)) != len(value):
        _refuse_regions(f"regions names 1 to {MAX_REGIONS} regions, each once", pointer)
    return tuple(sorted((known[slug] for slug in value), key=lambda choice: choice.id))


def _default_regions(choices: Sequence[RegionChoice], pointer: str) -> tuple[RegionChoice, ...]:
    chosen = tuple(choice for choice in choices if choice.selected_by_default and choice.enabled)[:MAX_REGIONS]
    if not chosen:
        _refuse_regions("no region is selected by default: name at least one in regions", pointer)
    return chosen


def _refuse_regions(message: str, pointer: str) -> NoReturn:
    raise Refused(message, code="INVALID_REGIONS", field=pointer)
