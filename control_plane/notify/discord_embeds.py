"""A message in Discord's form (https://discord.com/developers/docs/resources/message#embed-object-embed-limits). Pure.

`allowed_mentions` with nothing to parse keeps every name from pinging anybody. A backslash before each sign of its
Markdown keeps it as it was written.
"""

from __future__ import annotations

import re
from typing import Any

from control_plane.domain.alerting.message_words import Words
from control_plane.notify.chat_words import body, cut, facts, headline, links

CONTENT_LIMIT = 2_000
DESCRIPTION_LIMIT = 2_500
"""Characters of the description that we use, of 4,096: all of an embed's texts together may have 6,000."""
LINKS_LIMIT = 1_000
FIELD_NAME_LIMIT = 50
FIELD_VALUE_LIMIT = 150
FIELDS_LIMIT = 12

COLOURS = {"alarm": 0xD32F2F, "note": 0xF9A825, "relief": 0x2E7D32}

_MARKUP = re.compile(r"[\\*_~`|<\[\]]")
_HALF_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\…\Z")


def payload(words: Words) -> dict[str, Any]:
    """The message."""
    return {
        "content": _escaped(headline(words), CONTENT_LIMIT),
        "embeds": [_embed(words, body(words))],
        "allowed_mentions": {"parse": []},
    }


def amended(words: Words, *, before: str) -> dict[str, Any]:
    """The first message of an incident as it looks once that has turned. `before`: what its title was."""
    text = f"Was: {before}\n{body(words)}" if before else body(words)
    return {
        "content": _escaped(headline(words), CONTENT_LIMIT),
        "embeds": [_embed(words, text)],
        "allowed_mentions": {"parse": []},
    }


def _embed(words: Words, text: str) -> dict[str, Any]:
    lines = [_escaped(text, DESCRIPTION_LIMIT)] if text else []
    linked = " · ".join(f"[{label}]({_in_link(url)})" for label, url in links(words))
    if linked and len(linked) <= LINKS_LIMIT:
        lines.append(linked)
    return {
        "description": "\n".join(lines) or "\u200b",
        "color": COLOURS[words.tone],
        "fields": [
            {
                "name": _escaped(fact.label, FIELD_NAME_LIMIT),
                "value": _escaped(fact.value, FIELD_VALUE_LIMIT),
                "inline": True,
            }
            for fact in facts(words, FIELDS_LIMIT)
        ],
    }


def _escaped(text: str, limit: int) -> str:
    """Escaped and then cut; no backslash is left to escape the mark of the cut."""
    return _HALF_ESCAPE.sub(r"\1…", cut(_MARKUP.sub(r"\\\g<0>", text.strip()), limit))


def _in_link(url: str) -> str:
    return url.replace("(", "%28").replace(")", "%29").replace("<", "%3C").replace(">", "%3E")
