"""Badges as SVG and as the JSON that shields.io takes. Pure: a label and a message in, text out.

The picture is two flat fields with white text on them, every pair of which has a contrast of 4.5 or more (WCAG 2.2,
1.4.3). It says in words what it shows (role img, title, desc), has no script and fetches nothing. Widths are counted
from the metrics below, and `textLength` makes the text keep to them in whatever font a reader has.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

import msgspec
from msgspec import Struct

Style = Literal["flat", "flat-square", "plastic"]
Tone = Literal["good", "fair", "warn", "bad", "info", "quiet"]

LABEL_LIMIT = 60
MESSAGE_LIMIT = 60
"""Characters; what is longer is cut off and ends in an ellipsis."""

COLOURS: Mapping[Tone, str] = {
    "good": "#1a7f37",
    "fair": "#4d6b00",
    "warn": "#8f5f00",
    "bad": "#c4281c",
    "info": "#0a62c9",
    "quiet": "#59636e",
}
LABEL_COLOUR = "#32383f"
TEXT_COLOUR = "#ffffff"

_SIZE = 11
_PAD = 6
_HEIGHT = 20
_FONT = "Verdana,Geneva,DejaVu Sans,sans-serif"

# Advance widths of DejaVu Sans, in thousandths of the font's size, of U+0020 to U+007E.
_ADVANCES = (
    *(318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337, 636, 636, 636, 636),
    *(636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 698, 770, 632, 575, 775),
    *(752, 295, 295, 656, 557, 863, 748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390),
    *(337, 390, 838, 500, 500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612),
    *(635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838),
)
_OTHER, _WIDE = 640, 1000

# Controls, what turns the direction of text around, and what XML 1.0 cannot hold (section 2.2).
_UNSHOWN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufffe\uffff]+"
)
_UNSAID = re.compile(_UNSHOWN.pattern.replace(r"\u2069", r"\u2067"))
"""The same but for the two that set a name apart (text_direction.py): a description is a sentence around one."""


class Badge(Struct, frozen=True):
    """What a badge says, and how it is meant. `said` is a sentence for those who do not see the picture."""

    label: str
    message: str
    tone: Tone
    said: str


class Shield(Struct, frozen=True):
    """The endpoint badge of shields.io (https://shields.io/badges/endpoint-badge), so the names are theirs."""

    schemaVersion: int  # noqa: N815
    label: str
    message: str
    color: str


def of_then(badge: Badge, since: str) -> Badge:
    """What the badge said at an instant in words, for when nothing newer is known."""
    message = f"{clean(badge.message, limit=MESSAGE_LIMIT - len(since) - 3)} · {since}"
    return msgspec.structs.replace(badge, message=message, said=f"{badge.said} ({since})")


def clean(text: str, *, limit: int = LABEL_LIMIT) -> str:
    """One line of text that may be shown, at most `limit` characters of it."""
    return _line(_UNSHOWN.sub(" ", text), limit=limit)


def _line(text: str, *, limit: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "…"


def shield(badge: Badge) -> Shield:
    """The badge for shields.io to draw."""
    return Shield(1, clean(badge.label), clean(badge.message, limit=MESSAGE_LIMIT), COLOURS[badge.tone])


def width_of(text: str) -> float:
    """Pixels that the text takes."""
    return sum(_advance(letter) for letter in text) * _SIZE / 1000


def _advance(letter: str) -> int:
    place = ord(letter) - 0x20
    if 0 <= place < len(_ADVANCES):
        return _ADVANCES[place]
    if unicodedata.combining(letter):
        return 0
    return _WIDE if unicodedata.east_asian_width(letter) in "WF" or ord(letter) > 0xFFFF else _OTHER


def svg(badge: Badge, *, style: Style = "flat") -> str:
    """The picture. An empty label leaves its field out."""
    label, message = clean(badge.label), clean(badge.message, limit=MESSAGE_LIMIT)
    left = round(width_of(label)) + 2 * _PAD if label else 0
    right = round(width_of(message)) + 2 * _PAD
    width = left + right
    title = f"{label}: {message}" if label else message
    radius = {"flat": 3, "flat-square": 0, "plastic": 4}[style]
    said = _line(_UNSAID.sub(" ", badge.said), limit=300)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" viewBox="0 0 {width} {_HEIGHT}"'
        f' role="img" aria-labelledby="t d"><title id="t">{escape(title)}</title>'
        f'<desc id="d">{escape(said)}</desc>'
    )
    fields = (
        f'<clipPath id="r"><rect width="{width}" height="{_HEIGHT}" rx="{radius}"/></clipPath><g clip-path="url(#r)">'
        f'<path fill="{LABEL_COLOUR}" d="M0 0h{left}v{_HEIGHT}H0z"/>'
        f'<path fill="{COLOURS[badge.tone]}" d="M{left} 0h{right}v{_HEIGHT}H{left}z"/>{_edge(style, width)}</g>'
    )
    font = f'fill="{TEXT_COLOUR}" font-family={quoteattr(_FONT)} font-size="{_SIZE}"'
    words = (_text(label, at=_PAD) if label else "") + _text(message, at=left + _PAD)
    return f'{head}{fields}<g {font} aria-hidden="true">{words}</g></svg>'


def _edge(style: Style, width: int) -> str:
    """Of plastic: a line below, darker than both fields, so that no text loses contrast."""
    return f'<path fill-opacity=".25" d="M0 {_HEIGHT - 2}h{width}v2H0z"/>' if style == "plastic" else ""


def _text(text: str, *, at: int) -> str:
    length = round(width_of(text))
    return f'<text x="{at}" y="14" textLength="{length}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
