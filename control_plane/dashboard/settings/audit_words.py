"""Entries of the audit log in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

ACTORS = {
    "member": "Members",
    "key": "API keys",
    "manage_key": "Manage keys",
    "operator": "The operator",
    "link": "Links",
}
"""Kinds of actors, as the filter offers them."""

KINDS = (
    *("monitor", "heartbeat", "incident", "maintenance", "channel", "channel_link", "route", "silence", "delivery"),
    *("region", "agent", "key", "manage_key", "member", "invitation", "domain", "tenant", "job", "push_subscription"),
)
"""Kinds of objects, as the filter offers them; another may be asked for by its address."""

_SOURCES = {"ui": "in the dashboard", "api": "through the API", "cli": "from the command line", "file": "from a file"}
_VERBS = {"note": "wrote a note to", "public_update": "wrote a public update to"}
_LONGEST = 120
_MOST = 12


class Change(Struct, frozen=True):
    """One field that changed, in words."""

    name: str
    words: str


def deed(action: str, object_kind: str, object_name: str | None) -> str:
    """What was done: "changed the monitor “API”"."""
    verb = {"created": "made", "updated": "changed", "deleted": "removed"}.get(action) or _VERBS.get(action, action)
    named = f" “{_cut(object_name)}”" if object_name else ""
    return f"{verb} the {object_kind.replace('_', ' ')}{named}"


def way(source: str, address: str | None) -> str:
    """By which door, and from where."""
    words = _SOURCES.get(source, f"by {source}")
    return f"{words} from {address}" if address else words


def changes_of(changes: Mapping[str, Any]) -> list[Change]:
    """Every field that changed. What is secret is only said to have changed."""
    found = [Change(_field(name), _change(pair)) for name, pair in sorted(changes.items())]
    left = len(found) - _MOST
    return found if left <= 0 else [*found[:_MOST], Change(f"{left} more fields", "changed as well")]


def _field(name: str) -> str:
    """A column as it is called; its unit in brackets."""
    head, _, unit = name.rpartition("_")
    return f"{head.replace('_', ' ')} ({unit})" if head and unit in ("s", "ms", "days") else name.replace("_", " ")


def _change(pair: Any) -> str:
    if not isinstance(pair, list) or len(pair) != 2:
        return "changed; it is secret"
    before, after = pair
    if before is None or before in ("", [], {}):
        return f"set to {value(after)}"
    if after is None or after in ("", [], {}):
        return f"cleared, was {value(before)}"
    return f"{value(before)} → {value(after)}"


def value(given: Any) -> str:
    """A value of a column as people read it."""
    match given:
        case None:
            return "nothing"
        case bool():
            return "yes" if given else "no"
        case str():
            return _cut(given) or "nothing"
        case _ if given in ([], {}):
            return "nothing"
        case [*parts] if all(isinstance(part, str | int) for part in parts):
            return _cut(", ".join(str(part) for part in parts))
        case _:
            return _cut(msgspec.json.encode(given).decode())


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
