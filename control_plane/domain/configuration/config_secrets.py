"""What of a stored document is secret, and how a file stays without it. Pure.

A stored document has `***` where a secret was. A file leaves such members out and lists where they were under
`secrets`, so that whoever applies it elsewhere is told what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from control_plane.domain.checks.secrets_of_check import MASK
from control_plane.domain.configuration.config_yaml import pointer_step


def without_secrets(
    document: Mapping[str, Any], pointer: str, *, only: Collection[str] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The document without its masked members, and the JSON Pointers of those. `only`: members that may have any."""
    kept: dict[str, Any] = {}
    secret: list[str] = []
    for name, value in document.items():
        at = f"{pointer}/{pointer_step(name)}"
        if only is not None and name not in only:
            kept[name] = value
        elif is_masked(value):
            secret.append(at)
        elif isinstance(value, dict):
            kept[name], inner = without_secrets(value, at)
            secret += inner
        else:
            kept[name] = value
    return kept, secret


def is_masked(value: object) -> bool:
    """Whether the value is a mask, or a list with one in it: a pair of user and password."""
    return value == MASK or (isinstance(value, list | tuple) and MASK in value)


def missing_secrets(listed: Sequence[str], there: Collection[str]) -> list[str]:
    """Those secrets that a file says an object has, and that neither the file nor the store holds."""
    return [pointer for pointer in listed if pointer not in there]
