"""The colours of a status page: only those that can be read.

A pair of text and ground needs a contrast of 4.5 : 1 (WCAG 2.2, 1.4.3). What a tenant leaves open is derived, so that
one colour is enough for the light and for the dark theme.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from control_plane.domain.field_rules import Findings, refusal, refuse_unknown
from control_plane.domain.pages.public_page import PublicBranding

GROUND, GROUND_DARK = "#fafaf9", "#121417"
INK, INK_DARK = "#1b1f24", "#e8eaed"
"""Farwatch's own, from the design system."""

LEAST = 4.5
LEAST_INK = 7.0
"""Grounds carry more than ink: quiet text, and the colours of states."""
FIELDS = ("accent", "accent_dark", "background", "background_dark")

_FORM = re.compile(r"#[0-9a-f]{6}")


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2, "relative luminance"), of #rrggbb."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """1 to 21 (WCAG 2.2, "contrast ratio")."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def read_branding(value: Any, pointer: str, *, stored: Mapping[str, str]) -> dict[str, str]:
    """The colours after a merge patch (RFC 7396). Raises BadRequest INVALID_COLOUR, CONTRAST_TOO_LOW."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refusal("INVALID_TYPE", "branding is an object of colours", pointer)
    findings = Findings()
    refuse_unknown(value, known=FIELDS, pointer=pointer, findings=findings)
    merged = dict(stored)
    for name in FIELDS:
        if name in value and value[name] is None:
            merged.pop(name, None)
        elif name in value:
            merged[name] = findings.take(_colour, value[name], f"{pointer}/{name}") or GROUND
    findings.raise_any()
    for ground, ink, name in (("background", INK, "text"), ("background_dark", INK_DARK, "text")):
        if ground in merged:
            _require(merged[ground], ink, LEAST_INK, f"{pointer}/{ground}", name)
    for accent, ground, own in (("accent", "background", GROUND), ("accent_dark", "background_dark", GROUND_DARK)):
        if accent in merged:
            _require(merged[accent], merged.get(ground, own), LEAST, f"{pointer}/{accent}", "the ground")
    return merged


def branding_of(stored: Mapping[str, str]) -> PublicBranding:
    """What a page is drawn with: the accent of the dark theme is derived from the light one's, and the other way."""
    light, dark = stored.get("accent"), stored.get("accent_dark")
    if light or dark:
        light = light or legible(str(dark), stored.get("background", GROUND))
        dark = dark or legible(light, stored.get("background_dark", GROUND_DARK))
    return PublicBranding(
        accent=light,
        accent_dark=dark,
        background=stored.get("background"),
        background_dark=stored.get("background_dark"),
    )


def legible(colour: str, ground: str) -> str:
    """The colour, or the nearest one towards white or black that can be read on this ground."""
    towards = 255 if luminance(ground) < 0.18 else 0
    channels = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    for step in range(101):
        mixed = "#" + "".join(f"{channel + (towards - channel) * step // 100:02x}" for channel in channels)
        if contrast(mixed, ground) >= LEAST:
            return mixed
    return "#ffffff" if towards else "#000000"


def _require(colour: str, against: str, least: float, pointer: str, what: str) -> None:
    found = contrast(colour, against)
    if found >= least:
        return
    nearest = f"; {legible(colour, against)} is the nearest that does" if least == LEAST else ""
    message = f"{colour} and {what} ({against}) have a contrast of {found:.2f} : 1, and {least} is needed{nearest}"
    raise refusal("CONTRAST_TOO_LOW", message, pointer)


def _colour(value: object, pointer: str) -> str:
    if not isinstance(value, str) or not _FORM.fullmatch(value.lower()):
        raise refusal("INVALID_COLOUR", "a colour is written #rrggbb", pointer)
    return value.lower()


def _linear(channel: float) -> float:
    """Of sRGB."""
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
