"""The days of a component as bars: pure geometry for an inline SVG, and the same in words.

Neighbouring days of one status are one line that a dash pattern cuts into bars, so that ninety quiet days cost a few
bytes. Height tells the status as well as colour does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby

from msgspec import Struct

from control_plane.domain.pages.public_page import PublicDay
from control_plane.public_site.language import Language

STEP, BAR, HEIGHT = 4, 3, 32
_TALL: Mapping[str, int] = {
    "no_data": 4,
    "maintenance": 12,
    "operational": 20,
    "degraded": 26,
    "partial_outage": 32,
    "major_outage": 32,
}
TOLD_DAYS = 6
"""Newest days with trouble that are named in words; the API tells all of them."""
MARKED_DAYS = 15
"""Newest days with trouble that tell a pointer what was."""


class Run(Struct, frozen=True):
    """A line of dashes: `tall` is its stroke's width."""

    status: str
    path: str
    tall: int


class Bars(Struct, frozen=True):
    """What a component's SVG draws, and what stands for it in words."""

    width: int
    height: int
    runs: tuple[Run, ...]
    marks: tuple[tuple[int, str], ...]
    """Days with trouble: x, and the words that a pointer is shown."""
    text: str


def bars(days: Sequence[PublicDay], words: Language) -> Bars:
    """The bars of these days, oldest first."""
    drawn: dict[str, list[str]] = {}
    place = 0
    for status, group in groupby(days, key=lambda day: day.state):
        count = len(list(group))
        drawn.setdefault(status, []).append(_line(place, count, _TALL[status]))
        place += count
    runs = tuple(Run(status, "".join(lines), _TALL[status]) for status, lines in drawn.items())
    troubled = [(at, day) for at, day in enumerate(days) if _is_trouble(day)]
    marks = tuple((at * STEP, told_day(day, words)) for at, day in troubled[-MARKED_DAYS:])
    return Bars(max(len(days) * STEP - (STEP - BAR), 1), HEIGHT, runs, marks, in_words(days, words))


def _line(place: int, count: int, tall: int) -> str:
    return f"M{place * STEP} {HEIGHT - tall // 2}h{count * STEP - (STEP - BAR)}"


def _is_trouble(day: PublicDay) -> bool:
    return day.state not in ("operational", "no_data")


def told_day(day: PublicDay, words: Language) -> str:
    """What went wrong on a day."""
    date = words.in_year(day.day)
    for key, seconds in (("down", day.down_s), ("degraded", day.degraded_s), ("maintenance", day.maintenance_s)):
        if seconds:
            return words.say(f"day_{key}", date=date, duration=words.lasting(timedelta(seconds=seconds)))
    return words.say("day_status", date=date, status=words.say(f"status_{day.state}"))


def in_words(days: Sequence[PublicDay], words: Language) -> str:
    """The bars for those who do not see them."""
    begin = words.say("bar_says", days=words.count("days", len(days)))
    if all(day.state == "no_data" for day in days):
        return f"{begin} {words.say('bar_unknown')}"
    troubled = [day for day in days if _is_trouble(day)]
    if not troubled:
        return f"{begin} {words.say('bar_clear')}"
    told = [told_day(day, words) for day in troubled[-TOLD_DAYS:]]
    rest = len(troubled) - len(told)
    if rest:
        told.append(words.say("more_days", days=words.count("days", rest)))
    return f"{begin} {'; '.join(told)}."
