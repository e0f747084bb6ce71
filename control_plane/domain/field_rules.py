"""Reusable field grammar: each function takes a decoded JSON value and its JSON Pointer, and returns the value or raises."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal, NoReturn, TypeVar

from msgspec import Struct

from control_plane.errors import FarwatchError

T = TypeVar("T")


class RegionPolicy(Struct, frozen=True):
    """`count` is set only when kind is "count"."""

    kind: Literal["any", "majority", "all", "count"] = "majority"
    count: int | None = None


class Findings:
    """Collects refusals, so that one answer names every bad field.

    `take(read, value, pointer)` runs a reader and returns its value, or None after noting what it raised;
    `raise_any()` raises the first, the others in its details under "also".
    """

    def __init__(self) -> None:
        self.errors: list[FarwatchError] = []

    def take(self, read: Callable[[object, str], T], value: object, pointer: str) -> T | None:
        raise NotImplementedError

    def add(self, error: FarwatchError) -> None:
        raise NotImplementedError

    def raise_any(self) -> None:
        raise NotImplementedError


def refuse(code: str, message: str, pointer: str) -> NoReturn:
    """Raise BadRequest."""
    raise NotImplementedError


def text(value: object, pointer: str, *, code: str = "INVALID_TEXT", low: int = 0, high: int = 1000) -> str: ...
def boolean(value: object, pointer: str) -> bool: ...
def integer(value: object, pointer: str, *, low: int, high: int, code: str) -> int: ...
def choice(value: object, pointer: str, *, allowed: Collection[str], code: str) -> str: ...
def name(value: object, pointer: str = "/name", *, code: str = "NAME_INVALID", high: int = 100) -> str: ...
def tags(value: object, pointer: str = "/tags") -> tuple[str, ...]: ...
def slug(value: object, pointer: str = "/slug", *, code: str = "SLUG_INVALID") -> str: ...
def interval(value: object, pointer: str = "/interval") -> int: ...
def interval_floor(interval_s: int, *, floor_s: int, pointer: str = "/interval") -> int: ...
def confirmations(value: object, pointer: str = "/confirmations") -> int: ...
def renotify_interval(value: object, pointer: str = "/renotify_interval_secs") -> int: ...
def max_repeats(value: object, pointer: str = "/max_repeats") -> int: ...
def region_policy(value: object, pointer: str = "/region_policy", *, regions: int) -> RegionPolicy: ...
def severity(value: object, pointer: str = "/severity") -> str: ...
def alert_on(value: object, pointer: str = "/alert_on") -> str: ...
def notes(value: object, pointer: str = "/notes") -> str: ...
