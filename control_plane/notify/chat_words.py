"""What chats have in common: the look of a tone, what stands below a title, texts cut to vendors' limits. Pure.

Vendors count characters without saying which; UTF-16 code units are never fewer than any other count of characters.
"""

from __future__ import annotations

import re

from control_plane.domain.alerting.message_words import Fact, Words

_TEST = "🧪"
# Control characters have no place in a message, nor have those that turn the direction of what follows.
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_EMOJI = {"alarm": "🔴", "note": "🟡", "relief": "🟢"}


def emoji(words: Words) -> str:
    """The sign before a title; a test has one of its own."""
    return _TEST if words.phase == "test" else _EMOJI[words.tone]


def headline(words: Words) -> str:
    """The title as one line, with its sign."""
    return f"{emoji(words)} {' '.join(_shown(words.title).split())}"


def body(words: Words) -> str:
    """What is said besides the title and the facts."""
    return _shown(words.summary if words.facts else words.text)


def facts(words: Words, limit: int) -> list[Fact]:
    """The first facts that say anything."""
    said = [Fact(_shown(fact.label), _shown(fact.value)) for fact in words.facts]
    return [fact for fact in said if fact.label and fact.value][:limit]


def links(words: Words) -> list[tuple[str, str]]:
    """Where a reader may go on to: what it is called, and its URL."""
    found = [("Open the incident", words.url), ("Acknowledge", words.acknowledge_url)]
    return [(label, url) for label, url in found if url]


def _shown(text: str) -> str:
    return _UNSHOWN.sub("", text).strip()


def cut(text: str, limit: int) -> str:
    """At most `limit` UTF-16 code units, marked where something is missing."""
    raw = text.encode("utf-16-le", "replace")
    if len(raw) <= 2 * limit:
        return raw.decode("utf-16-le")
    return raw[: 2 * (limit - 1)].decode("utf-16-le", "ignore") + "…"
