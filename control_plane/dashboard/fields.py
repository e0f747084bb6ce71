"""A form's fields as a page draws them, and what a refusal says of each. Pure.

A field knows the JSON Pointer by which services and rules name it, so that what they refuse stands below it; what
belongs to no field of the form stands above all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from msgspec import Struct, structs

from control_plane.dashboard.words import sentence
from control_plane.errors import FarwatchError


class Option(Struct, frozen=True):
    """One of a choice."""

    value: str
    word: str
    chosen: bool = False
    hint: str = ""


class Field(Struct, frozen=True, kw_only=True):
    """`type`: one of HTML's, or area, select, checks (several of `options`), tick. `at`: its JSON Pointer."""

    name: str
    label: str
    at: str
    type: str = "text"
    value: str = ""
    hint: str = ""
    problem: str = ""
    required: bool = False
    options: tuple[Option, ...] = ()
    rows: int = 3
    extra: Mapping[str, str] = {}


class Group(Struct, frozen=True):
    """Fields that belong together; with a title they may be folded away, unless one of them says something."""

    fields: tuple[Field, ...]
    title: str = ""
    about: str = ""

    @property
    def open(self) -> bool:
        """Whether something in it says more than an untouched form would; a select always has a choice."""
        return any(
            each.problem or each.value or (each.type == "checks" and any(one.chosen for one in each.options))
            for each in self.fields
        )


def refusals(error: FarwatchError) -> list[tuple[str, str]]:
    """What the refusal says: JSON Pointer (empty for none) and sentence, the first first."""
    also = (error.details or {}).get("also", ())
    rest = [(each["field"] or "", sentence(each["message"])) for each in also]
    return [(error.field or "", sentence(error.message)), *rest]


def told(groups: Sequence[Group], error: FarwatchError | None) -> tuple[list[Group], str]:
    """The groups with their problems, and what is left to be said above them."""
    said = [] if error is None else refusals(error)
    known = [each.at for group in groups for each in group.fields]
    shown = [
        structs.replace(group, fields=tuple(_with_problem(each, said, known) for each in group.fields))
        for group in groups
    ]
    return shown, " ".join(text for at, text in said if _home(at, known) is None)


def _with_problem(field: Field, said: Iterable[tuple[str, str]], known: Collection[str]) -> Field:
    own = dict.fromkeys(text for at, text in said if _home(at, known) == field.at)
    return structs.replace(field, problem=" ".join(own)) if own else field


def _home(at: str, known: Collection[str]) -> str | None:
    """The field below which a refusal stands: its own, or the nearest around it."""
    around = [each for each in known if each and (at == each or at.startswith(f"{each}/"))]
    return max(around, key=len, default=None)


def options(words: Mapping[str, str], chosen: Collection[str]) -> tuple[Option, ...]:
    """A choice: value → word."""
    return tuple(Option(value, word, value in chosen) for value, word in words.items())


def zones() -> list[str]:
    """The names that a time zone may have, for suggestions."""
    return sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")


def zone_of(name: str) -> ZoneInfo:
    """The zone; UTC for a name that the rules will refuse."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def instant(typed: str, zone: ZoneInfo) -> datetime | str | None:
    """What a datetime-local field says, by the clocks of a zone. What is none stays as it is: the rules refuse it."""
    if not typed:
        return None
    try:
        wall = msgspec.convert(typed if typed.count(":") > 1 else f"{typed}:00", datetime)
    except msgspec.ValidationError:
        return typed
    return wall.replace(tzinfo=zone) if wall.tzinfo is None else wall


def local(at: datetime | None, zone: ZoneInfo) -> str:
    """An instant as a datetime-local field takes it."""
    return "" if at is None else f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"


def lines(text: str) -> list[str]:
    """What stands on each line, or between commas, without blanks."""
    return [each.strip() for each in text.replace(",", "\n").splitlines() if each.strip()]
