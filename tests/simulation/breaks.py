"""Broken rules."""

from __future__ import annotations

from msgspec import Struct


class Break(Struct, frozen=True):
    """A rule that was broken, and when (virtual Unix ms)."""

    at: int
    rule: str
    what: str


class RuleBrokenError(Exception):
    """Raised at the first broken rule where that ends the world."""
