"""Reusable field grammar: each function takes a decoded JSON value and its JSON Pointer, and returns it or raises.

Types are strict: a boolean, a float or a string of digits is no integer. Text never holds NUL or a lone surrogate,
which PostgreSQL cannot store. Messages say what is wrong, the limit and the remedy, and never repeat a value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn, TypeVar

from control_plane.domain.judging.verdict import Policy
from control_plane.errors import BadRequest, FarwatchError, Refused

T = TypeVar("T")

NAME_LIMIT = 100
MAX_TAGS = 50
TAG_LIMIT = 64
MAX_INTERVAL_S = 7 * 86_400
"""Two cadences in milliseconds have to fit in 32 bits."""
MAX_RENOTIFY_S = 30 * 86_400
MAX_CONFIRMATIONS = 10
MAX_REPEATS = 100

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TAG = re.compile(r"\w(?:[\w .:/@+=#-]*[\w.:/@+=#-])?")
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])")
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_INVISIBLE = frozenset({"Cf", "Zs", "Zl", "Zp", "Mn", "Me", "Cn", "Co"})


class Findings:
    """Collects refusals, so that one answer names every bad field."""

    def __init__(self) -> None:
        self.errors: list[FarwatchError] = []

    def take(self, read: Callable[[object, str], T], value: object, pointer: str) -> T | None:
        """What `read` makes of the value; None after noting that it refused."""
        try:
            return read(value, pointer)
        except FarwatchError as error:
            self.errors.append(error)
            return None

    def add(self, error: FarwatchError) -> None:
        self.errors.append(error)

    def raise_any(self) -> None:
        """Raise the first refusal; the others are in its details, under `also`."""
        if not self.errors:
            return
        first, *others = self.errors
        if others:
            also = [{"field": error.field, "code": error.code, "message": error.message} for error in others]
            first.details = {**(first.details or {}), "also": also}
        raise first


def refuse(code: str, message: str, pointer: str, details: dict[str, Any] | None = None) -> NoReturn:
    """Raise BadRequest."""
    raise refusal(code, message, pointer, details)


def refusal(code: str, message: str, pointer: str, details: dict[str, Any] | None = None) -> BadRequest:
    return BadRequest(message, code=code, field=pointer, details=details)


def child(pointer: str, key: str) -> str:
    """The JSON Pointer of a member (RFC 6901), cut to a length that is safe to send back."""
    printable = key[:100].encode("utf-8", "replace").decode("utf-8")
    return f"{pointer}/{printable.replace('~', '~0').replace('/', '~1')}"


def refuse_unknown(value: Mapping[str, object], *, known: Collection[str], pointer: str, findings: Findings) -> None:
    """Note UNKNOWN_FIELD for each member that is not `known`."""
    for key in value:
        if key not in known:
            message = f"there is no such field here; the fields are {', '.join(sorted(known))}"
            findings.add(BadRequest(message, code="UNKNOWN_FIELD", field=child(pointer, key)))


def text(value: object, pointer: str, *, code: str = "INVALID_STRING", low: int = 0, high: int = 1000) -> str:
    """A string of `low` to `high` characters."""
    if not isinstance(value, str):
        refuse("INVALID_TYPE", "this must be a string", pointer)
    if _UNSTORABLE.search(value):
        refuse("INVALID_STRING", "the string has a NUL or a lone surrogate; remove it", pointer)
    if not low <= len(value) <= high:
        refuse(code, f"the string has {len(value)} characters; {low} to {high} are allowed", pointer)
    return value


def boolean(value: object, pointer: str) -> bool:
    if not isinstance(value, bool):
        refuse("INVALID_TYPE", "this must be true or false", pointer)
    return value


def integer(value: object, pointer: str, *, low: int, high: int, code: str) -> int:
    """An integer from `low` to `high`."""
    if not isinstance(value, int) or isinstance(value, bool):
        refuse("INVALID_TYPE", "this must be an integer, without quotes or a decimal point", pointer)
    if not low <= value <= high:
        refuse(code, f"this must be from {low} to {high}", pointer)
    return value


def choice(value: object, pointer: str, *, allowed: Collection[str], code: str) -> str:
    """One of a few words."""
    if not isinstance(value, str):
        refuse("INVALID_TYPE", "this must be a string", pointer)
    if value not in allowed:
        refuse(code, f"this must be one of {', '.join(allowed)}", pointer)
    return value


def one_line(value: object, pointer: str, *, code: str, high: int) -> str:
    """A visible line of text, trimmed: no control character, line break or change of writing direction.

    Line breaks would inject into logs and mail headers, direction controls disguise one name as another.
    """
    line = text(value, pointer, code=code, high=100 * high).strip()
    if not 1 <= len(line) <= high:
        refuse(code, f"this must have 1 to {high} characters, not counting blanks around them", pointer)
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} or character in _BIDI_CONTROLS for character in line):
        refuse(code, "this must be one line without control or writing-direction characters", pointer)
    if all(unicodedata.category(character) in _INVISIBLE for character in line):
        refuse(code, "this must have a visible character", pointer)
    return line


def name(value: object, pointer: str = "/name", *, code: str = "NAME_INVALID", high: int = NAME_LIMIT) -> str:
    """A name as people see it."""
    return one_line(value, pointer, code=code, high=high)


def tags(value: object, pointer: str = "/tags") -> tuple[str, ...]:
    """Tags in the order given, each once: letters, digits and . : / @ + = # _ - with single words or blanks between."""
    if not isinstance(value, list | tuple):
        refuse("INVALID_TYPE", "tags must be a list of strings", pointer)
    kept = tuple(dict.fromkeys(tag(item, f"{pointer}/{index}") for index, item in enumerate(value[: 4 * MAX_TAGS])))
    if len(kept) > MAX_TAGS or len(value) > 4 * MAX_TAGS:
        refuse("INVALID_TAGS", f"there may be at most {MAX_TAGS} tags", pointer)
    return kept


def tag(value: object, pointer: str) -> str:
    """One tag, of 1 to 64 characters. No comma: lists of tags in queries are separated by one."""
    word = text(value, pointer, code="INVALID_TAGS", low=1, high=TAG_LIMIT)
    if not _TAG.fullmatch(word):
        refuse(
            "INVALID_TAGS",
            "a tag starts with a letter or digit and goes on with letters, digits, blanks and . : / @ + = # _ -",
            pointer,
        )
    return word


def slug(value: object, pointer: str = "/slug", *, code: str = "SLUG_INVALID", high: int = 40) -> str:
    """A part of a URL: 2 to `high` lower-case letters, digits and inner hyphens."""
    word = text(value, pointer, code=code, low=2, high=high)
    if not _SLUG.fullmatch(word):
        refuse(code, "this must be lower-case letters, digits and inner hyphens", pointer)
    return word


def interval(value: object, pointer: str = "/interval") -> int:
    """Seconds between checks, up to 7 days; floors of plan and kind are for `interval_floor`."""
    if isinstance(value, float):
        refuse("INVALID_INTERVAL", "the interval must be a whole number of seconds", pointer)
    return integer(value, pointer, low=1, high=MAX_INTERVAL_S, code="INVALID_INTERVAL")


def interval_floor(interval_s: int, *, floor_s: int, pointer: str = "/interval") -> int:
    """The interval, or Refused MIN_CHECK_INTERVAL when it is under the floor. It is never changed silently."""
    if interval_s < floor_s:
        raise Refused(
            f"the interval must be at least {floor_s} seconds here",
            code="MIN_CHECK_INTERVAL",
            field=pointer,
            details={"minimum": floor_s, "interval": interval_s},
        )
    return interval_s


def confirmations(value: object, pointer: str = "/confirmations") -> int:
    """Consecutive slots that make a vote, 1 to 10."""
    return integer(value, pointer, low=1, high=MAX_CONFIRMATIONS, code="INVALID_ALERT_CONFIG")


def renotify_interval(value: object, pointer: str = "/renotify_interval_secs") -> int:
    """Seconds between reminders: 0 (none), or 60 to 30 days."""
    seconds = integer(value, pointer, low=0, high=MAX_RENOTIFY_S, code="INVALID_ALERT_CONFIG")
    if 0 < seconds < 60:
        refuse("INVALID_ALERT_CONFIG", "this must be 0 (no reminders) or at least 60 seconds", pointer)
    return seconds


def max_repeats(value: object, pointer: str = "/max_repeats") -> int:
    """How many reminders one incident may send, 0 to 100."""
    return integer(value, pointer, low=0, high=MAX_REPEATS, code="INVALID_ALERT_CONFIG")


def region_policy(value: object, pointer: str = "/region_policy", *, regions: int) -> Policy:
    """`any`, `majority`, `all` or {"count": k} with 1 <= k <= `regions`. Raises Refused INVALID_REGION_POLICY."""
    match value:
        case "any" | "majority" | "all":
            return Policy(value)
        case str():
            raise _policy_refused('the policy must be any, majority, all or an object like {"count": 2}', pointer)
        case dict():
            findings = Findings()
            refuse_unknown(value, known=("count",), pointer=pointer, findings=findings)
            findings.raise_any()
            return _count_policy(value.get("count"), pointer=f"{pointer}/count", regions=regions)
        case _:
            raise refusal("INVALID_TYPE", "the policy must be a string or an object", pointer)


def _count_policy(value: object, *, pointer: str, regions: int) -> Policy:
    if not isinstance(value, int) or isinstance(value, bool):
        refuse("INVALID_TYPE", "count must be an integer", pointer)
    if not 1 <= value <= regions:
        raise _policy_refused(f"count must be from 1 to the number of the monitor's regions, {regions}", pointer)
    return Policy("count", value)


def _policy_refused(message: str, pointer: str) -> Refused:
    return Refused(message, code="INVALID_REGION_POLICY", field=pointer)


def severity(value: object, pointer: str = "/severity") -> str:
    return choice(value, pointer, allowed=("minor", "major", "critical"), code="INVALID_SEVERITY")


def alert_on(value: object, pointer: str = "/alert_on") -> str:
    return choice(value, pointer, allowed=("down", "degraded"), code="INVALID_ALERT_CONFIG")


def notes(value: object, pointer: str = "/notes") -> str:
    """Free text of several lines, up to 10 000 characters."""
    return text(value, pointer, code="INVALID_NOTES", high=10_000)
