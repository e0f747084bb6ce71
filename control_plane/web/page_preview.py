"""How a page of settings has a status page drawn. Doors do not know one another: app.py says who draws."""

from __future__ import annotations

from typing import Literal, Protocol

from control_plane.domain.pages.public_page import PublicPage
from control_plane.errors import NotFound

Theme = Literal["", "light", "dark"]
"""Empty: as the reader's browser has it."""


class DrawPage(Protocol):
    """The document of a page, with nothing in it that acts: no script, no link that leads away, no form that sends."""

    def __call__(self, page: PublicPage, *, logo: str, theme: Theme) -> str:
        """`logo`: the address of its picture; empty for none."""
        ...


def draws_nothing(page: PublicPage, *, logo: str, theme: Theme) -> str:  # noqa: ARG001
    """Where there is no public site."""
    raise NotFound(f"Nothing here draws the page {page.slug}")
