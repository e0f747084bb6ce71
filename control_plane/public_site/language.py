"""What status pages say: keyed texts of a language, its plurals, its dates and figures.

A language is a file in translations/. Plural categories are those of Unicode CLDR
(https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html). Times are in UTC and say so.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Literal, cast

import msgspec
from msgspec import Struct

from control_plane.domain.pages.public_page import Language as PageLanguage
from control_plane.domain.pages.text_direction import isolated

LANGUAGES = ("en", "de", "ar")
"""Every language of status pages; the first is where nothing else is known."""

_WEIGHT = re.compile(r"[01](?:\.\d{0,3})?")

Plural = Literal["zero", "one", "two", "few", "many", "other"]


class Language(Struct, frozen=True, forbid_unknown_fields=True):
    """One translation, as its file has it."""

    language: str
    dir: Literal["ltr", "rtl"]
    decimal: str
    percent: str
    list_comma: str
    day_month_year: str
    day_month: str
    moment: str
    month_year: str
    months: tuple[str, ...]
    texts: Mapping[str, str]
    plurals: Mapping[str, Mapping[Plural, str]]
    code: str = "en"

    def say(self, key: str, **values: str) -> str:
        """The text of a key with its placeholders filled. Raises KeyError where either is missing."""
        return self.texts[key].format(**values)

    def count(self, key: str, n: int, **values: str) -> str:
        """The text of a key for `n` of something."""
        return self.plurals[key][_CATEGORY[self.code](n)].format(n=n, **values)

    def per_cent(self, value: float) -> str:
        """A share in per cent, rounded down to two decimals: 99.999 is never shown as 100."""
        hundredths = round(value * 1000) // 10
        whole, rest = divmod(hundredths, 100)
        shown = f"{whole}{self.decimal}{rest:02d}" if rest else str(whole)
        return self.percent.format(number=shown)

    def on(self, day: date) -> str:
        return self.day_month_year.format(day=day.day, month=self.months[day.month - 1], year=day.year)

    def in_year(self, day: date) -> str:
        return self.day_month.format(day=day.day, month=self.months[day.month - 1])

    def month(self, day: date) -> str:
        return self.month_year.format(month=self.months[day.month - 1], year=day.year)

    def at(self, moment: datetime) -> str:
        """An instant, to the minute, in UTC."""
        instant = moment.astimezone(UTC)
        return self.moment.format(date=self.on(instant.date()), time=f"{instant:%H:%M}")

    def lasting(self, span: timedelta) -> str:
        """A duration in its two largest units; at least a second."""
        seconds = max(int(span.total_seconds()), 1)
        if seconds < 60:
            return self.count("seconds", seconds)
        minutes = seconds // 60
        hours, days = minutes // 60, minutes // 1440
        parts = (("days", days), ("hours", hours % 24)) if days else (("hours", hours), ("minutes", minutes % 60))
        said = [self.count(key, n) for key, n in parts if n]
        return said[0] if len(said) == 1 else self.say("duration", a=said[0], b=said[1])

    def apart(self, name: str) -> str:
        """A name for a sentence that no markup stands in."""
        return isolated(name, cast("PageLanguage", self.code))

    def listed(self, words: list[str]) -> str:
        """Names in a row, for a sentence that no markup stands in."""
        return self.list_comma.join(map(self.apart, words))


def _two_forms(n: int) -> Plural:
    return "one" if n == 1 else "other"


_SMALL: tuple[Plural, ...] = ("zero", "one", "two")


def _arabic(n: int) -> Plural:
    if n <= 2:
        return _SMALL[n]
    if 3 <= n % 100 <= 10:
        return "few"
    return "many" if n % 100 >= 11 else "other"


_CATEGORY: Mapping[str, Callable[[int], Plural]] = {"en": _two_forms, "de": _two_forms, "ar": _arabic}


@cache
def language(code: str) -> Language:
    """The language of a code; one that there is not is the first of LANGUAGES."""
    known = code if code in LANGUAGES else LANGUAGES[0]
    text = (files(__package__) / "translations" / f"{known}.toml").read_text("utf-8")
    return msgspec.convert({**tomllib.loads(text), "code": known}, Language)


def preferred_of(accepted: str) -> Language:
    """The language of an Accept-Language that its sender likes best of ours (RFC 9110, 12.5.4), where no page says."""
    wanted = [(_liking(part), part.strip()[:2].lower()) for part in accepted[:500].split(",")]
    known = [(liking, code) for liking, code in wanted if liking > 0 and code in LANGUAGES]
    return language(max(known, key=lambda each: each[0])[1] if known else LANGUAGES[0])


def _liking(part: str) -> float:
    """The weight of one language; of what is no weight, none."""
    _, given, weight = part.replace(" ", "").partition(";q=")
    return (float(weight) if _WEIGHT.fullmatch(weight) else 0) if given else 1
