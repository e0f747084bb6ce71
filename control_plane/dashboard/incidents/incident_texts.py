"""What people write about incidents in forms: one line or several, empty for none, with the limits of the rules."""

from __future__ import annotations

from control_plane.domain import field_rules
from control_plane.domain.judging.incident_rules import DESCRIPTION_LIMIT, NOTE_LIMIT, TITLE_LIMIT, UPDATE_LIMIT

_LIMITS = {
    "/message": ("INVALID_NOTE", NOTE_LIMIT),
    "/note": ("INVALID_NOTE", NOTE_LIMIT),
    "/text": ("INVALID_NOTE", NOTE_LIMIT),
    "/public_text": ("INVALID_UPDATE", UPDATE_LIMIT),
    "/public_description": ("INVALID_DESCRIPTION", DESCRIPTION_LIMIT),
}


def line(value: object, pointer: str) -> str:
    """A title. Raises BadRequest INVALID_TITLE."""
    return field_rules.one_line(value, pointer, code="INVALID_TITLE", high=TITLE_LIMIT)


def line_or_none(value: object, pointer: str) -> str | None:
    """The same; None for an empty field."""
    return line(value, pointer) if value else None


def text(value: object, pointer: str) -> str:
    """Some text. A browser sends each line break as two characters; they are one. Raises BadRequest."""
    code, high = _LIMITS[pointer]
    return field_rules.text(str(value).replace("\r\n", "\n"), pointer, code=code, low=1, high=high)


def text_or_none(value: object, pointer: str) -> str | None:
    """The same; None for an empty field."""
    return text(value, pointer) if value else None
