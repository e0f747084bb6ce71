"""Internationalised labels by the rules of IDNA 2008 (RFC 5891 to 5893), without its mappings.

Nothing is folded: a label that would first have to be mapped (full-width letters, capitals, decomposed accents, circled
digits, invisible characters) is refused. The standard library's codec is IDNA 2003, which folds all of these.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

_LETTER_DIGITS = {"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"}  # RFC 5892 section 2.1; capitals are never stable
_ALWAYS_VALID = frozenset("ßς\u06fd\u06fe\u0f0b〇")  # RFC 5892 section 2.6
_NEVER_VALID = frozenset("\u0640\u07fa\u302e\u302f\u3031\u3032\u3033\u3034\u3035\u303b")
_IGNORABLE: tuple[tuple[int, int], ...] = (
    # Default_Ignorable_Code_Point among letters and marks, then the blocks of RFC 5892 sections 2.4 and 2.9.
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x3164, 0x3164), (0xFE00, 0xFE0F),
    (0xFFA0, 0xFFA0), (0xE0000, 0xE0FFF), (0x20D0, 0x20FF), (0x1D100, 0x1D1FF), (0x1D200, 0x1D24F),
    (0x1100, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF),
)  # fmt: skip
_JOINERS = frozenset("\u200c\u200d")
_ARABIC_INDIC = frozenset(map(chr, range(0x0660, 0x066A)))
_EXTENDED_ARABIC_INDIC = frozenset(map(chr, range(0x06F0, 0x06FA)))


def to_a_label(label: str) -> str | None:
    """The A-label of a lower-case label that is a U-label or an A-label already; None when it is neither.

    Joiners (U+200C, U+200D) are taken only in an A-label, where nobody has to see them.
    """
    if label.isascii():
        try:
            decoded = label.removeprefix("xn--").encode("ascii").decode("punycode")
        except (UnicodeError, ValueError, OverflowError):
            return None
        return label if _is_u_label(decoded, joiners=True) and _encode(decoded) == label else None
    return _encode(label) if _is_u_label(label, joiners=False) else None


def _encode(label: str) -> str:
    return "xn--" + label.encode("punycode").decode("ascii")


def _is_u_label(label: str, *, joiners: bool) -> bool:
    if label.isascii() or label.startswith("-") or label.endswith("-") or label[2:4] == "--":
        return False
    if unicodedata.normalize("NFC", label) != label or unicodedata.category(label[0]).startswith("M"):
        return False
    if not any(unicodedata.category(character).startswith("L") for character in label):
        return False  # digits of another script alone look like a part of an address
    characters = set(label)
    if characters & _ARABIC_INDIC and characters & _EXTENDED_ARABIC_INDIC:
        return False
    return _follows_bidi_rule(label) and all(
        _is_valid(character) or _is_valid_here(label, index) or (joiners and character in _JOINERS and index > 0)
        for index, character in enumerate(label)
    )


def _is_valid(character: str) -> bool:
    """The derived property PVALID of RFC 5892 section 3."""
    if character in _ALWAYS_VALID:
        return True
    if character in _NEVER_VALID or any(low <= ord(character) <= high for low, high in _IGNORABLE):
        return False
    if character.isascii():
        return character.islower() or character.isdigit() or character == "-"
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", character).casefold())
    return folded == character and unicodedata.category(character) in _LETTER_DIGITS


def _is_valid_here(label: str, index: int) -> bool:
    """The contextual rules for the two middle dots (RFC 5892 appendices A.3 and A.7)."""
    if label[index] == "\u00b7":
        return label[index - 1 : index] == "l" and label[index + 1 : index + 2] == "l"
    if label[index] == "\u30fb":
        return any(
            _script(character) in {"HIRAGANA", "KATAKANA", "CJK"} for character in label if character != "\u30fb"
        )
    return False


def _script(character: str) -> str:
    return unicodedata.name(character, "").split(" ", 1)[0]


def _follows_bidi_rule(label: str) -> bool:
    """RFC 5893 section 2, for labels with a right-to-left character; others cannot break it."""
    kinds = [unicodedata.bidirectional(character) for character in label]
    if not {"R", "AL", "AN"} & set(kinds):
        return True
    last = next((kind for kind in reversed(kinds) if kind != "NSM"), "")
    return (
        kinds[0] in {"R", "AL"}
        and _only(kinds, {"R", "AL", "AN", "EN", "ES", "CS", "ET", "ON", "BN", "NSM"})
        and last in {"R", "AL", "EN", "AN"}
        and not {"EN", "AN"} <= set(kinds)
    )


def _only(kinds: Collection[str], allowed: Collection[str]) -> bool:
    return all(kind in allowed for kind in kinds)
