"""The days of a component as bars: pure geometry for an inline SVG, and the same in words.

Neighbouring days of one status are one line that a dash pattern cuts into bars, so that ninety quiet days cost a few
bytes. Height tells the status as well as colour does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
"""Newest days with trouble or maintenance that are named in words; the API tells all of them."""
NOTE = 6
"""How tall the mark of maintenance is that a day had besides; it lies at the top, over what the day was."""
MARKED_DAYS = 15
"""Newest days with trouble or maintenance that tell a pointer what was."""


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
    marks = tuple((at * STEP, told_day(days[at], words)) for at in _told(days, MARKED_DAYS))
    width = max(len(days) * STEP - (STEP - BAR), 1)
    return Bars(width, HEIGHT, (*runs, *_notes(days)), marks, in_words(days, words))


def _notes(days: Sequence[PublicDay]) -> Iterator[Run]:
    """A mark over the days that had maintenance besides; they stay what they were."""
    runs = groupby(enumerate(days), key=lambda each: _had_maintenance(each[1]))
    noted = [[at for at, _ in run] for had, run in runs if had]
    if noted:
        path = "".join(f"M{run[0] * STEP} {NOTE // 2}h{len(run) * STEP - (STEP - BAR)}" for run in noted)
        yield Run("maintenance", path, NOTE)


def _line(place: int, count: int, tall: int) -> str:
    return f"M{place * STEP} {HEIGHT - tall // 2}h{count * STEP - (STEP - BAR)}"


def _is_trouble(day: PublicDay) -> bool:
    return day.state not in ("operational", "no_data")


def _had_maintenance(day: PublicDay) -> bool:
    return bool(day.maintenance_s) and day.state != "maintenance"


def _told(days: Sequence[PublicDay], most: int) -> list[int]:
    """The newest days of which there is something to tell: trouble first, then maintenance, which nobody suffered."""
    trouble = [at for at, day in enumerate(days) if _is_trouble(day)][-most:]
    besides = [at for at, day in enumerate(days) if _had_maintenance(day) and not _is_trouble(day)]
    return sorted([*trouble, *besides[len(besides) - min(most - len(trouble), len(besides)) :]])


def told_day(day: PublicDay, words: Language) -> str:
    """What went wrong on a day, and the maintenance that it had besides."""
    said = _said(day, words)
    if not day.maintenance_s or not (day.down_s or day.degraded_s):
        return said
    return words.say("day_and", told=said, duration=words.lasting(timedelta(seconds=day.maintenance_s)))


def _said(day: PublicDay, words: Language) -> str:
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
    noted = sum(_is_trouble(day) or _had_maintenance(day) for day in days)
    if not noted:
        return f"{begin} {words.say('bar_clear')}"
    told = [told_day(days[at], words) for at in _told(days, TOLD_DAYS)]
    rest = noted - len(told)
    if rest:
        told.append(words.say("more_days", days=words.count("days", rest)))
    return f"{begin} {'; '.join(told)}."
