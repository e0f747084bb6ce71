"""The registry of errors: every stable code, its status, what it means and what helps (error_codes.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code. A few have two statuses: the rule is the same, what the caller may know differs."""

    code: str
    statuses: tuple[int, ...]
    meaning: str
    remedy: str

    @property
    def anchor(self) -> str:
        """Its name in a URL: the end of the problem's `type` urn, and the anchor on /docs/errors."""
        return self.code.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Chapter:
    """Codes that belong together."""

    title: str
    codes: tuple[ErrorCode, ...]


@cache
def _text() -> str:
    return (files(__package__) / "error_codes.toml").read_text("utf-8")


@cache
def error_codes() -> Mapping[str, ErrorCode]:
    """Every code by its name, in the order of the reference."""
    return {code: _entry(code, values) for code, values in tomllib.loads(_text()).items()}


def _entry(code: str, values: list[Any]) -> ErrorCode:
    """One status or several, then what it means and what helps."""
    *statuses, meaning, remedy = values
    return ErrorCode(code, tuple(statuses), meaning, remedy)


@cache
def chapters() -> tuple[Chapter, ...]:
    """The reference by its headings: a comment line stands above what belongs to it."""
    known = error_codes()
    titles: dict[str, list[ErrorCode]] = {}
    title = ""
    for line in _text().splitlines():
        if line.startswith("# "):
            title = line.removeprefix("# ")
        elif line:
            titles.setdefault(title, []).append(known[line.partition(" ")[0]])
    return tuple(Chapter(title, tuple(codes)) for title, codes in titles.items())
