"""A tenant's own texts for messages: words with {placeholders}, and nothing else. Pure.

A placeholder is replaced once, by a value that is never read again, so what a monitor is called cannot bring in another
one; there are no expressions, no attributes, no loops. `{{` and `}}` are braces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from control_plane.errors import BadRequest

PARTS = ("title", "text", "resolved_title", "resolved_text")
"""What may be replaced: the title and the text of openings, reminders and changes, and those of recoveries."""

PLACEHOLDERS = (
    *("title", "text", "event", "reason"),
    *("monitor.name", "monitor.number", "monitor.kind", "monitor.group", "monitor.tags"),
    *("incident.number", "incident.type", "incident.severity", "incident.cause", "incident.started_at"),
    *("incident.duration", "incident.regions_down", "incident.regions_up", "incident.url"),
    "acknowledge_url",
)
"""What may stand in braces. `title` and `text` are our own words, so that a template can add to them."""

LIMITS: Mapping[str, int] = {"title": 200, "text": 2000, "resolved_title": 200, "resolved_text": 2000}
"""Characters of each part."""

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def read_templates(value: object, *, pointer: str) -> dict[str, str] | None:
    """The templates of a channel; None: our own words. Raises BadRequest INVALID_TEMPLATE naming the part."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise _refused("templates is an object of texts: " + ", ".join(PARTS), pointer)
    made = {str(part): _read_part(str(part), text, f"{pointer}/{part}") for part, text in value.items()}
    return {part: text for part, text in made.items() if text} or None


def _read_part(part: str, text: Any, pointer: str) -> str:
    if part not in PARTS:
        raise _refused(f"{part} is no part of a message: {', '.join(PARTS)}", pointer)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise _refused(f"{part} is a text", pointer)
    if len(text) > LIMITS[part]:
        raise _refused(f"{part} has at most {LIMITS[part]} characters, this one {len(text)}", pointer)
    for token in _TOKEN.finditer(text):
        _check(token, pointer)
    return text


def _check(token: re.Match[str], pointer: str) -> None:
    if token[0] in ("{{", "}}"):
        return
    name = token[1]
    if name is None:
        raise _refused(
            f"a lone {token[0]} stands at character {token.start() + 1}: write it twice for a brace", pointer
        )
    if name not in PLACEHOLDERS:
        near = get_close_matches(name, PLACEHOLDERS, n=1)
        hint = f"did you mean {{{near[0]}}}?" if near else f"there are {', '.join(PLACEHOLDERS)}"
        raise _refused(f"{{{name[:50]}}} is not known; {hint}", pointer)


def fill(template: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders replaced. One without a value is left out."""

    def replace(token: re.Match[str]) -> str:
        if token[0] in ("{{", "}}"):
            return token[0][0]
        return values.get(token[1] or "", "")

    return _TOKEN.sub(replace, template)


def _refused(message: str, pointer: str) -> BadRequest:
    return BadRequest(message[0].upper() + message[1:], code="INVALID_TEMPLATE", field=pointer)
