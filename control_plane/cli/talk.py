"""Talk goes to stderr, data to stdout. No colour when the other side is not a terminal, or NO_COLOR is set."""

from __future__ import annotations

from rich.console import Console

_talk = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str, *, style: str | None = None) -> None:
    """One line for the person at the terminal."""
    _talk.print(text, style=style, markup=False)
