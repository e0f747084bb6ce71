"""A message in Slack's form: blocks, with a text for notifications (https://docs.slack.dev/block-kit/). Pure.

Titles stand in `plain_text`, which has no markup. Everything else is mrkdwn with &, < and > escaped, which are all that
it takes to link or to mention (https://docs.slack.dev/messaging/formatting-message-text); `verbatim` keeps Slack from
finding channels and addresses of its own. Links are text and no buttons: those would call on the app behind them.
"""

from __future__ import annotations

import re
from typing import Any

from control_plane.domain.alerting.message_words import Fact, Words
from control_plane.notify.chat_words import body, cut, facts, headline, links

HEADER_LIMIT = 150
SECTION_LIMIT = 3_000
FIELD_LIMIT = 2_000
FIELDS_IN_SECTION = 10
BLOCKS_LIMIT = 50
TEXT_LIMIT = 3_000
"""Characters of the text that notifications show; Slack takes 40,000 and advises against more than 4,000."""

LABEL_LIMIT = 100
FACTS_LIMIT = 20

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_PARTIAL = re.compile(r"&[a-z]{0,3}…\Z")
_IN_LINK = {"&": "&amp;", "<": "%3C", ">": "%3E", "|": "%7C"}


def payload(words: Words) -> dict[str, Any]:
    """The message, without the channel that it goes to."""
    return {
        "text": _escaped(headline(words), TEXT_LIMIT),
        "blocks": [_header(headline(words)), *_below(words)],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def amended(words: Words, *, before: str) -> dict[str, Any]:
    """The first message of an incident as it looks once that has turned. `before`: what its title was."""
    was = [_section(f"Was: {_escaped(before, SECTION_LIMIT - 10)}")] if before else []
    return {
        "text": _escaped(headline(words), TEXT_LIMIT),
        "blocks": [_header(headline(words)), *was, *_below(words)],
    }


def _below(words: Words) -> list[dict[str, Any]]:
    text, told = body(words), facts(words, FACTS_LIMIT)
    blocks = [_section(_escaped(text, SECTION_LIMIT))] if text else []
    rows = [told[at : at + FIELDS_IN_SECTION] for at in range(0, len(told), FIELDS_IN_SECTION)]
    blocks += [{"type": "section", "fields": [_field(fact) for fact in row]} for row in rows]
    linked = [_link(label, url) for label, url in links(words)]
    if linked:
        blocks.append({"type": "context", "elements": [_mrkdwn(each) for each in linked]})
    return blocks


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": cut(text, HEADER_LIMIT), "emoji": False}}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(text)}


def _field(fact: Fact) -> dict[str, Any]:
    label = _escaped(fact.label, LABEL_LIMIT)
    return _mrkdwn(f"*{label}*\n{_escaped(fact.value, FIELD_LIMIT - LABEL_LIMIT - 3)}")


def _mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _link(label: str, url: str) -> str:
    return f"<{_replaced(url, _IN_LINK)}|{label}>"


def _escaped(text: str, limit: int) -> str:
    """Escaped and then cut, because Slack counts what is sent; no half of an escape is left."""
    return _PARTIAL.sub("…", cut(_replaced(text, _ESCAPES), limit))


def _replaced(text: str, by: dict[str, str]) -> str:
    return "".join(by.get(character, character) for character in text)
