"""The dotted subset of JSONPath that an assertion may use: `$.a.b[0].c`, `$['odd name']`."""

from __future__ import annotations

import re
from typing import Any

import orjson

_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d{1,9})\]|\['([^']*)'\]|\["([^"]*)"\]""")


class PathFailed(Exception):
    """The path leads nowhere; the message says how far it came."""


def find(path: str, body: bytes) -> Any:
    """The value at `path` in a JSON text. Raises PathFailed."""
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise PathFailed("the body is not JSON") from None
    for step in steps(path):
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            raise PathFailed(f"the body has nothing at {path}") from None
    return value


def steps(path: str) -> list[str | int]:
    """The path's members and indexes. Raises PathFailed when it is malformed."""
    rest = path.removeprefix("$")
    if rest and rest[0] not in ".[":
        rest = "." + rest
    found: list[str | int] = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None:
            raise PathFailed(f"{path} is not a path like $.a.b[0]")
        name = next((group for group in (match[1], match[3], match[4]) if group is not None), None)
        found.append(int(match[2]) if name is None else name)
        position = match.end()
    return found


def same(expected: str | float | bool | None, actual: Any) -> bool:
    """Equality of JSON values: true is not 1, 1 is 1.0, and "1" is not 1."""
    if isinstance(expected, bool) or isinstance(actual, bool) or expected is None or actual is None:
        return expected is actual
    if isinstance(expected, str) or isinstance(actual, str):
        return isinstance(expected, str) and isinstance(actual, str) and expected == actual
    return isinstance(actual, int | float) and expected == actual
