"""How many parts a text message has, and how a text is cut to few of them. Pure.

3GPP TS 23.038 section 6.2.1: a message whose characters are all of the GSM 7-bit default alphabet has septets, those of
the extension table two each; any other character makes it UCS-2, in units of UTF-16. TS 23.040 section 9.2.3.24.1: one
part holds 160 septets or 70 units; of several each holds 153 or 67, and no character is torn between two parts.
"""

from __future__ import annotations

from collections.abc import Iterable

MOST_PARTS = 3
"""Each part is paid for."""

MARK = "..."
"""Where a text was cut. The one-character ellipsis would make UCS-2 of it."""

_WORD_REACH = 40
"""Characters that are given up to end at a word; beyond, the text has no words to end at."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_SEPTETS, _UNITS = (160, 153), (70, 67)


def is_gsm(text: str) -> bool:
    """Whether every character is of the GSM alphabet or its extension table."""
    return all(character in _BASIC or character in _EXTENSION for character in text)


def parts(text: str) -> int:
    """How many parts the text is sent in; an empty one is one."""
    if is_gsm(text):
        return _filled((2 if character in _EXTENSION else 1 for character in text), *_SEPTETS)
    return _filled((2 if ord(character) > 0xFFFF else 1 for character in text), *_UNITS)


def _filled(sizes: Iterable[int], alone: int, concatenated: int) -> int:
    count, room, whole = 1, concatenated, 0
    for size in sizes:
        whole += size
        if size > room:
            count, room = count + 1, concatenated
        room -= size
    return 1 if whole <= alone else count


def trimmed(text: str, *, ending: str = "", most: int = MOST_PARTS) -> str:
    """The text and its ending, such as a link, in at most `most` parts: the text gives way, at a word if it has words.

    Control characters but line feeds turn into blanks. An ending that leaves the text no room is left out.
    """
    text, ending = _clean(text), _clean(ending)
    if parts(text + ending) <= most:
        return text + ending
    if parts(MARK + ending) > most - 1:
        ending = ""
    length = _longest(text, MARK + ending, most=most)
    return _at_a_word(text, length) + MARK + ending


def _longest(text: str, ending: str, *, most: int) -> int:
    """How many characters fit. More characters never make fewer parts, so halving finds the edge."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if parts(text[:middle] + ending) <= most:
            low = middle
        else:
            high = middle - 1
    return low


def _at_a_word(text: str, length: int) -> str:
    if text[length : length + 1].isspace():
        return text[:length].rstrip()
    kept = text[:length]
    edge = max(kept.rfind(" "), kept.rfind("\n"))
    return kept[:edge].rstrip() if edge >= length - _WORD_REACH and edge > 0 else kept


def _clean(text: str) -> str:
    whole = text.encode("utf-8", "replace").decode()
    return "".join(c if c == "\n" or (ord(c) >= 0x20 and not 0x7F <= ord(c) <= 0x9F) else " " for c in whole)
