"""Which fields an object inside a body has, for whoever named another one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec
from msgspec import Struct

STEP = re.compile(r"\.(?P<name>[^.\[\]]+)|\[(?P<index>[^\]]*)\]")
"""One step of a path as msgspec writes it: `$.check.headers[...]`."""

_LISTS, _MAPPINGS = (list, tuple, Sequence), (dict, Mapping)


def known_at(kind: Any, path: str) -> list[str]:
    """The fields of the object at a msgspec path in a value of this type; empty where the type does not say."""
    for match in STEP.finditer(path.removeprefix("$")):
        kind = _inner(kind, match["name"])
    of = _struct_of(kind)
    return [] if of is None else sorted(field.encode_name for field in msgspec.structs.fields(of))


def _inner(kind: Any, name: str | None) -> Any:
    of = _struct_of(kind)
    if name is not None and of is not None:
        return next((field.type for field in msgspec.structs.fields(of) if field.encode_name == name), None)
    for part in _parts(kind):
        if get_origin(part) in (*_LISTS, *_MAPPINGS) and get_args(part):
            return get_args(part)[-1 if get_origin(part) in _MAPPINGS else 0]
    return None


def _struct_of(kind: Any) -> type[Struct] | None:
    return next((part for part in _parts(kind) if isinstance(part, type) and issubclass(part, Struct)), None)


def _parts(kind: Any) -> Iterator[Any]:
    """A type without its annotation, and the members of a union."""
    if get_origin(kind) is Annotated:
        yield from _parts(get_args(kind)[0])
    elif get_origin(kind) in (Union, UnionType):
        for part in get_args(kind):
            yield from _parts(part)
    else:
        yield kind
