"""A message in Telegram's form: HTML of few tags, buttons below, a reply to the first of its incident. Pure.

https://core.telegram.org/bots/api#sendmessage, https://core.telegram.org/bots/api#html-style
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from control_plane.domain.alerting.message_words import Words
from control_plane.notify.chat_words import emoji
from control_plane.notify.transport import Message

TEXT_LIMIT = 4096
"""Characters of a text after its entities are parsed; counted as Telegram counts offsets, in UTF-16 code units."""

TITLE_LIMIT = 512


def payload(message: Message, *, chat_id: str, thread: int | None = None, buttons: bool = True) -> dict[str, Any]:
    """The parameters of sendMessage. Links are buttons where Telegram takes their URLs, and lines of text elsewhere."""
    links = list(_links(message.words))
    as_buttons = buttons and all(_is_button(url) for _, url in links)
    document: dict[str, Any] = {
        "chat_id": _chat(chat_id),
        "text": _text(message.words, links=[] if as_buttons else links),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }
    if thread is not None:
        document["message_thread_id"] = thread
    answered = _first_message(message.receipt)
    if answered is not None:
        document["reply_parameters"] = {"message_id": answered, "allow_sending_without_reply": True}
    if links and as_buttons:
        document["reply_markup"] = {"inline_keyboard": [[{"text": label, "url": url} for label, url in links]]}
    return document


def _chat(chat_id: str) -> str | int:
    return chat_id if chat_id.startswith("@") else int(chat_id)


def _first_message(receipt: Mapping[str, Any] | None) -> int | None:
    number = (receipt or {}).get("message_id")
    return number if isinstance(number, int) else None


def _links(words: Words) -> Iterator[tuple[str, str]]:
    if words.url is not None:
        yield "Open", words.url
    if words.acknowledge_url is not None:
        yield "Acknowledge", words.acknowledge_url


def _is_button(url: str) -> bool:
    """Telegram refuses a whole message for a button to a bare name, such as localhost."""
    split = urlsplit(url)
    return split.scheme in ("http", "https") and "." in (split.hostname or "")


def _text(words: Words, *, links: list[tuple[str, str]]) -> str:
    title = cut(f"{emoji(words)} {words.title}", TITLE_LIMIT)
    tail = "".join(f"\n{label}: {url}" for label, url in links)
    room = TEXT_LIMIT - length(title) - length(tail) - 2
    told = "\n".join(_told(words, room=room))
    return f"<b>{_escaped(title)}</b>" + (f"\n\n{told}" if told else "") + _escaped(tail)


def _told(words: Words, *, room: int) -> Iterator[str]:
    """The lines below the title, as far as there is room; what is left out is the end, and shows."""
    body, facts = (words.summary, words.facts) if words.facts else (words.text, ())
    if body:
        yield _escaped(cut(body, room))
        room -= length(body) + 1
    for fact in facts:
        room -= length(f"{fact.label}: {fact.value}") + 1
        if room < len("\n…"):
            if room + length(f"{fact.label}: {fact.value}") > 0:
                yield "…"
            return
        yield f"<b>{_escaped(fact.label)}:</b> {_escaped(fact.value)}"


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def length(text: str) -> int:
    """In UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """At most so many UTF-16 code units, at a character's edge, with an ellipsis where something is missing."""
    if length(text) <= limit:
        return text
    raw = text.encode("utf-16-le", "surrogatepass")[: 2 * max(0, limit - 1)]
    return raw.decode("utf-16-le", "ignore") + ("…" if limit > 0 else "")
