"""Names inside sentences of another direction, for text that no markup stands around (Unicode UAX #9). Pure."""

from __future__ import annotations

import unicodedata

from control_plane.domain.pages.public_page import Language

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
RIGHT_TO_LEFT: frozenset[Language] = frozenset({"ar"})

_CONTROLS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))


def isolated(name: str, language: Language) -> str:
    """The name, set off where its letters could turn the sentence of `language` around it, or be turned by it.

    Controls of its own go: one that closes more than it opened would end ours.
    """
    plain = name.translate(_CONTROLS)
    if language not in RIGHT_TO_LEFT and not any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in plain):
        return plain
    return f"{FIRST_STRONG_ISOLATE}{plain}{POP_ISOLATE}" if plain else plain
