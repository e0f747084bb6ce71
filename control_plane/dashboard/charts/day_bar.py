"""The last day of a monitor as a bar of half hours: geometry for an inline SVG, with the same in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from control_plane.dashboard.words import lasting
from control_plane.domain.uptime.availability import Span, durations_of
from control_plane.services.uptime.read_glance import Glance

CELLS = 48
_STEP, _BAR, _HEIGHT = 4, 3, 20
WIDTH = CELLS * _STEP - (_STEP - _BAR)

_WORSE: Mapping[str, int] = {"": 0, "paused": 1, "unknown": 2, "maintenance": 3, "up": 4, "degraded": 5, "down": 6}
"""What a half hour in which several were so is shown as: the worst, and what is known before what is not."""

_TALL: Mapping[str, int] = {
    "": 1,
    "paused": 3,
    "unknown": 3,
    "maintenance": 6,
    "up": 12,
    "degraded": 16,
    "down": 20,
}
"""Height tells the state, too: what is wrong stands out."""

_SAID = ("down", "degraded", "unknown", "maintenance", "paused")


class DayBar(Struct, frozen=True):
    """Of WIDTH × 20. `paths`: state, line and how thick it is; its dashes make the half hours. `text` says the same.

    A line for each stretch instead of an outline for each half hour: a page has thousands of these.
    """

    paths: tuple[tuple[str, str, int], ...]
    text: str


def day_bar(glance: Glance) -> DayBar:
    """The bar of the day that a glance is of, the newest half hour at the right end."""
    cells = cells_of(glance.spans, since_ms=glance.since_ms, until_ms=glance.until_ms)
    drawn: dict[str, list[str]] = {}
    start = 0
    for place in range(1, CELLS + 1):
        if place == CELLS or cells[place] != cells[start]:
            drawn.setdefault(cells[start], []).append(_run(cells[start], start, place - start))
            start = place
    paths = tuple((state or "none", "".join(path), _TALL[state]) for state, path in drawn.items())
    return DayBar(paths, in_words(glance.spans))


def cells_of(spans: Sequence[Span], *, since_ms: int, until_ms: int) -> list[str]:
    """The state that each half hour is shown as; empty where the monitor was not there yet."""
    cells, width = [""] * CELLS, (until_ms - since_ms) / CELLS
    for span in spans:
        first = max(0, int((span.start_ms - since_ms) / width))
        last = min(CELLS - 1, int((span.end_ms - 1 - since_ms) / width))
        for place in range(first, last + 1):
            if _WORSE[span.state] > _WORSE[cells[place]]:
                cells[place] = span.state
    return cells


def _run(state: str, start: int, length: int) -> str:
    """Half hours of one state beside one another."""
    return f"M{start * _STEP} {_HEIGHT - _TALL[state] / 2:g}h{length * _STEP - (_STEP - _BAR)}"


def in_words(spans: Sequence[Span]) -> str:
    """What the day was, as far as it was not simply up."""
    if not spans:
        return "Nothing is known of the last 24 hours"
    of = durations_of(spans)
    wrong = [f"{state} for {lasting(getattr(of, state) / 1000)}" for state in _SAID if getattr(of, state)]
    if not wrong:
        return "Up over the last 24 hours" if of.up == of.total else "Last 24 hours"
    return "Last 24 hours: " + ", ".join(wrong)
