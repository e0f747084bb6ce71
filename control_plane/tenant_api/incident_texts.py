"""The texts that people write about incidents: their limits, and what is refused."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, UnsetType

from control_plane.domain import field_rules
from control_plane.domain.judging.incident_rules import DESCRIPTION_LIMIT, NOTE_LIMIT, TITLE_LIMIT, UPDATE_LIMIT
from control_plane.errors import BadRequest

NoteText = Annotated[str, Meta(max_length=NOTE_LIMIT)]
Title = Annotated[str, Meta(max_length=4 * TITLE_LIMIT, description=f"One line, 1 to {TITLE_LIMIT} characters")]
Description = Annotated[str, Meta(max_length=DESCRIPTION_LIMIT)]
PublicText = Annotated[str, Meta(max_length=UPDATE_LIMIT, description=f"1 to {UPDATE_LIMIT} characters, not blank")]


_LIMITS = {"INVALID_NOTE": NOTE_LIMIT, "INVALID_UPDATE": UPDATE_LIMIT, "INVALID_DESCRIPTION": DESCRIPTION_LIMIT}


def text_of(text: str, pointer: str, code: str) -> str:
    """The text without blanks around it. Raises BadRequest with the code when nothing is left."""
    if not text.strip():
        raise BadRequest("this needs some text", code=code, field=pointer)
    return field_rules.text(text.strip(), pointer, code=code, low=1, high=_LIMITS[code])


def text_or_none(text: str | None, pointer: str, code: str) -> str | None:
    """The same; None where none was given."""
    return None if text is None else text_of(text, pointer, code)


def line_of(text: str, pointer: str) -> str:
    """A title: one line. Raises BadRequest INVALID_TITLE."""
    return field_rules.one_line(text, pointer, code="INVALID_TITLE", high=TITLE_LIMIT)


def patched_line(text: str | UnsetType | None, pointer: str) -> str | UnsetType | None:
    """A title in a merge patch."""
    return line_of(text, pointer) if isinstance(text, str) else text
