"""How tags and groups are written on the wire, and asked for."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from control_plane.store.tags import WordView
from control_plane.web.paging import PageQuery

Word = Annotated[str, Meta(min_length=1, max_length=200)]
_WORST_FIRST = ("down", "degraded", "unknown", "maintenance", "up", "paused")


class WordsQuery(PageQuery, frozen=True):
    """`q` is looked for in the names. Sorting by state puts those first that have the worst monitor."""

    q: Word | None = None
    sort: Literal["name", "-name", "monitors", "-monitors", "state"] = "name"


class StatesJson(Struct, frozen=True):
    """How many of the monitors are shown as what."""

    up: int
    degraded: int
    down: int
    unknown: int
    maintenance: int
    paused: int


class WordJson(Struct, frozen=True):
    """A tag or a group. `state` is that of its worst monitor: down, degraded, unknown, maintenance, up, paused."""

    name: str
    monitors: int
    state: str
    states: StatesJson


class WordPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Another name, on every monitor at once. Where that name is there already the two become one."""

    name: Annotated[str, Meta(min_length=1, max_length=1000)]


def word_json(view: WordView) -> WordJson:
    states = StatesJson(view.up, view.degraded, view.down, view.unknown, view.maintenance, view.paused)
    worst = next(state for state in _WORST_FIRST if getattr(view, state))
    return WordJson(view.name, view.monitors, worst, states)
