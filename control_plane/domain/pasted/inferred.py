"""What a pasted text was taken for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Inferred(Struct, frozen=True, kw_only=True):
    """A kind of check and its parameters as the API takes them, not yet judged by the rules of submission.

    `others`: kinds that the same text may mean as well. `notes`: sentences on what was not taken over; they name
    options, never values, for a pasted command may carry credentials.
    """

    kind: str
    check: Mapping[str, Any]
    name: str = ""
    others: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class NotInferredError(ValueError):
    """A text that says nothing we could watch. The message is for people and holds nothing of the text."""
