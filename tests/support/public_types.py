"""What values the public types can hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct


def literals_of(kind: type[Struct], name: str) -> set[str]:
    """Every value of fields called `name`, anywhere below this type."""
    return {value for field in _fields(kind, set()) if field.name == name for value in _literals(field.type)}


def _fields(kind: type[Struct], seen: set[type]) -> Iterator[msgspec.structs.FieldInfo]:
    seen.add(kind)
    for field in msgspec.structs.fields(kind):
        yield field
        for below in _structs(field.type):
            if below not in seen:
                yield from _fields(below, seen)


def _structs(kind: Any) -> Iterator[type[Struct]]:
    if isinstance(kind, type) and issubclass(kind, Struct):
        yield kind
    for part in get_args(kind):
        yield from _structs(part)


def _literals(kind: Any) -> Iterator[str]:
    parts = get_args(kind)
    if get_origin(kind) is Literal:
        yield from parts
    else:
        for part in parts:
            yield from _literals(part)
