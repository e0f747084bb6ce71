"""What msgspec says of a value, in words for whoever sent it: they end a sentence that begins with the field's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal, get_args, get_origin

_NOUNS = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "bool": "true or false",
    "null": "null",
    "array": "an array, in [ ]",
    "object": "an object, in { }",
    "datetime": "a time such as 2026-05-12T00:00:00Z",
    "date": "a date such as 2026-05-12",
    "uuid": "a UUID such as 0197a2f0-0000-7000-8000-000000000000",
}
_FIXED = {
    "Invalid UUID": f"must be {_NOUNS['uuid']}",
    "Invalid RFC3339 encoded datetime": f"must be {_NOUNS['datetime']}",
    "Invalid RFC3339 encoded date": f"must be {_NOUNS['date']}",
    "Expected `datetime` with a timezone component": f"must name its time zone: {_NOUNS['datetime']}",
}
_TYPE = re.compile(r"Expected `(?P<wanted>[^`]+)`(?:, got `(?P<got>[^`]+)`)?")
_BOUND = re.compile(r"Expected `(?:int|float)` (?P<sign>[<>]=?) (?P<bound>\S+)")
_LENGTH = re.compile(r"Expected `(?P<kind>str|array|object)` of length (?P<sign>[<>]=) (?P<bound>\d+)")
_CHOICE = re.compile(r"Invalid (?:enum )?value (?P<given>.*)", re.DOTALL)
_SIGNS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_COUNTED = {"str": ("characters", "character"), "array": ("items", "item"), "object": ("entries", "entry")}


def words_of(what: str, kind: Any = None) -> str:
    """What a msgspec.ValidationError says without its path, as "must be …". `kind` is the type that was expected, where
    it is known: its choices are listed."""
    if fixed := _FIXED.get(what):
        return fixed
    if match := _LENGTH.fullmatch(what):
        counted = _COUNTED[match["kind"]][match["bound"] == "1"]
        return f"must have {_SIGNS[match['sign']]} {match['bound']} {counted}"
    if match := _BOUND.fullmatch(what):
        return f"must be {_SIGNS[match['sign']]} {match['bound']}"
    if match := _TYPE.fullmatch(what):
        got = f", not {_noun(match['got'])}" if match["got"] else ""
        return f"must be {' or '.join(_noun(word) for word in match['wanted'].split(' | '))}{got}"
    if match := _CHOICE.fullmatch(what):
        return _choice(match["given"], kind)
    return f"is refused: {what}"


def _noun(word: str) -> str:
    return _NOUNS.get(word, word)


def _choice(given: str, kind: Any) -> str:
    choices = list(dict.fromkeys(_choices(kind)))  # an empty one is the same as leaving the field out
    return f"must be one of {', '.join(choices)}, not {given}" if choices else f"cannot be {given}"


def _choices(kind: Any) -> Iterator[str]:
    if isinstance(kind, type) and issubclass(kind, Enum):
        yield from (str(member.value) for member in kind)
        return
    if get_origin(kind) is Literal:
        yield from (str(value) for value in get_args(kind) if value != "")
        return
    for part in get_args(kind):
        yield from _choices(part)
