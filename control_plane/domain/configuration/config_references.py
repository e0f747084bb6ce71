"""References in a configuration file to what it does not hold: `{env: NAME}` and `{file: path}`. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from control_plane.domain.configuration.config_yaml import pointer_step

SOURCES = ("env", "file")
_MAPPINGS_OF_TEXT = ("headers", "expected_headers")
"""Members whose own members are text under names of any kind: a header may be called env."""

Resolve = Callable[[str, str, str], str]
"""Source, what it names, and the JSON Pointer of the reference in; the text out."""


def expand_references(value: Any, resolve: Resolve, *, pointer: str = "") -> Any:
    """The value with text in the place of every reference."""
    match value:
        case dict():
            if (reference := _reference(value, pointer)) is not None:
                return resolve(*reference, pointer)
            return {
                name: expand_references(member, resolve, pointer=f"{pointer}/{pointer_step(name)}")
                for name, member in value.items()
            }
        case list():
            return [expand_references(item, resolve, pointer=f"{pointer}/{i}") for i, item in enumerate(value)]
        case _:
            return value


def first_reference(value: Any, pointer: str = "") -> str | None:
    """The JSON Pointer of the first reference in it; None without one."""
    members: list[tuple[str, Any]] = []
    match value:
        case dict():
            if _reference(value, pointer) is not None:
                return pointer
            members = [(pointer_step(name), member) for name, member in value.items()]
        case list():
            members = [(str(index), item) for index, item in enumerate(value)]
    for step, member in members:
        if isinstance(member, dict | list) and (found := first_reference(member, f"{pointer}/{step}")) is not None:
            return found
    return None


def _reference(value: dict[str, Any], pointer: str) -> tuple[str, str] | None:
    if len(value) != 1 or pointer.endswith(_MAPPINGS_OF_TEXT):
        return None
    ((source, named),) = value.items()
    return (source, named) if source in SOURCES and isinstance(named, str) else None
