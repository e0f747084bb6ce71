"""The colours of a page as its form shows them: a swatch, and whether they can be read, in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from control_plane.domain.pages.page_colours import (
    GROUND,
    GROUND_DARK,
    INK,
    INK_DARK,
    LEAST,
    LEAST_INK,
    branding_of,
    contrast,
    legible,
)

NAMES = ("accent", "accent_dark", "background", "background_dark")
_FORM = re.compile(r"#[0-9a-f]{6}")
_OWN = {"accent": "#2f5bd0", "accent_dark": "#93b4ff", "background": GROUND, "background_dark": GROUND_DARK}
"""What a page has without a colour of its own: static/status.css of public pages."""
_INKS = {"background": INK, "background_dark": INK_DARK}
_GROUNDS = {"accent": "background", "accent_dark": "background_dark"}


class Swatch(Struct, frozen=True):
    """A colour as it is drawn, and what is to be said of it. `good`: it can be read."""

    name: str
    colour: str
    words: str
    good: bool


def swatches(typed: Mapping[str, str]) -> list[Swatch]:
    """One for each of NAMES. What is no colour yet is drawn as Farwatch's own, and not judged."""
    known = {name: text for name in NAMES if _FORM.fullmatch(text := typed.get(name, "").strip().lower())}
    drawn = branding_of(known)
    colours = {name: getattr(drawn, name) or _OWN[name] for name in NAMES}
    return [_swatch(name, known, colours, typed.get(name, "").strip()) for name in NAMES]


def _swatch(name: str, known: Mapping[str, str], colours: Mapping[str, str], typed: str) -> Swatch:
    colour = colours[name]
    if name not in known:
        return Swatch(name, colour, "Written #rrggbb." if typed else _left_open(name, known, colour), not typed)
    against, least, what = (
        (_INKS[name], LEAST_INK, "text") if name in _INKS else (colours[_GROUNDS[name]], LEAST, "its background")
    )
    ratio = contrast(colour, against)
    if ratio >= least:
        return Swatch(name, colour, f"{_shown(ratio)} : 1 with {what}: easy to read.", good=True)
    remedy = f" {legible(colour, against)} would do." if least == LEAST else ""
    return Swatch(
        name, colour, f"{_shown(ratio)} : 1 with {what} is too little: {least:g} is needed.{remedy}", good=False
    )


def _left_open(name: str, known: Mapping[str, str], colour: str) -> str:
    other = "accent" if name == "accent_dark" else "accent_dark"
    if name in _GROUNDS and other in known:
        return f"Left open: {colour}, made from the other accent."
    return f"Left open: Farwatch\u2019s own, {colour}."


def _shown(ratio: float) -> str:
    """Rounded down: what is just too little is never shown as enough."""
    return f"{int(ratio * 10) / 10:g}"
