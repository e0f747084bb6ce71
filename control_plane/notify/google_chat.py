"""Google Chat: a space's webhook. The messages of one incident share a thread, named by the incident's id.

https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create: with `requestId` a message
that is sent twice is posted once; a space without threads takes the message as it is (…FALLBACK_TO_NEW_THREAD).

NOT_FOUND disables the channel: the space or its webhook is gone. INVALID_ARGUMENT is given up. 403 is tried again,
because whoever administers the space may allow the webhook meanwhile, and so is everything else.
"""

from __future__ import annotations

from html import escape
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec

from control_plane.domain.alerting.message_words import Words
from control_plane.domain.channels import google_chat_rules
from control_plane.domain.channels.vendor_urls import sealed_url, usable
from control_plane.notify.chat_words import body, cut, facts, headline, links
from control_plane.notify.excerpt import excerpt
from control_plane.notify.guarded_http import Answer
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.notify.transport_error import TransportError
from control_plane.notify.vendor_answer import JSON, accepted, json_object, refusal, text_of
from shared.netpolicy import HttpUrl, parse_http_url

TEXT_LIMIT = 1_000
"""Characters of the text that we use, of 4,096: it is the title, which notifications show."""
PARAGRAPH_LIMITS = (4_000, 2_000, 500)
"""Characters of the paragraph, less of them while the message is too large: a character may take several bytes."""
LABEL_LIMIT = 60
VALUE_LIMIT = 300
FACTS_LIMIT = 12
SIZE_LIMIT = 32_000
"""Bytes of a message, cards included."""

REPLY = "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"

_BREAK = "\u200b"
_USER_AGENT = {"User-Agent": "Farwatch-GoogleChat/1"}


class GoogleChat(Configuration, frozen=True, tag="google_chat"):
    """The URL of a space's webhook."""

    webhook_url: str


class GoogleChatTransport(Transport[GoogleChat]):
    """Posts to spaces under the address guard."""

    configuration: ClassVar[type[GoogleChat]] = GoogleChat
    digests: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http

    def prepared(self, config: GoogleChat, *, entropy: bytes) -> GoogleChat:  # noqa: ARG002  # no secret of ours
        """A space's webhook. Raises BadRequest INVALID_CHANNEL_CONFIG."""
        return GoogleChat(webhook_url=google_chat_rules.read_webhook_url(config.webhook_url))

    def parts(self, config: GoogleChat) -> Parts:
        """The URL is sealed: its key and token are all that it takes to post."""
        return Parts(*sealed_url("google_chat", config.webhook_url))

    async def send(self, config: GoogleChat, message: Message) -> Sent:
        """One POST. Raises TransportError."""
        answer = await self._http.post(_address(config, message), headers=JSON | _USER_AGENT, body=document(message))
        response = excerpt(answer.body, secrets=(), url=config.webhook_url)
        if accepted(answer):
            return Sent(answer.status, response)
        raise _refused(answer, message=message, response=response)


def _address(config: GoogleChat, message: Message) -> HttpUrl:
    url = usable(config.webhook_url)
    if url is None:
        raise TransportError("The channel's URL cannot be used", permanent=True)
    query = {"requestId": str(message.message_id)}
    if message.incident_id is not None:
        query["messageReplyOption"] = REPLY
    return parse_http_url(f"{url}&{urlencode(query)}")


def document(message: Message) -> bytes:
    """The message, within Google's size."""
    shown: dict[str, Any] = {"text": _plain(headline(message.words), TEXT_LIMIT)}
    if message.incident_id is not None:
        shown["thread"] = {"threadKey": str(message.incident_id)}
    encoded = b""
    for limit in PARAGRAPH_LIMITS:
        encoded = msgspec.json.encode(shown | _cards(message.words, limit=limit))
        if len(encoded) <= SIZE_LIMIT:
            break
    return encoded


def _cards(words: Words, *, limit: int) -> dict[str, Any]:
    """The rest as a card, whose texts are HTML (…/chat/format-messages#card-formatting); none where nothing is left."""
    widgets = _widgets(words, limit=limit)
    if not widgets:
        return {}
    return {"cardsV2": [{"cardId": "message", "card": {"sections": [{"widgets": widgets}]}}]}


def _widgets(words: Words, *, limit: int) -> list[dict[str, Any]]:
    text, values = body(words), min(VALUE_LIMIT, limit // 10)
    widgets: list[dict[str, Any]] = [{"textParagraph": {"text": _html(text, limit)}}] if text else []
    widgets += [
        {
            "decoratedText": {
                "topLabel": cut(f.label, LABEL_LIMIT),
                "text": _html(f.value, values),
                "wrapText": True,
            }
        }
        for f in facts(words, FACTS_LIMIT)
    ]
    buttons = [{"text": label, "onClick": {"openLink": {"url": url}}} for label, url in links(words)]
    return [*widgets, {"buttonList": {"buttons": buttons}}] if buttons else widgets


def _html(text: str, limit: int) -> str:
    return escape(cut(text, limit), quote=False)


def _plain(text: str, limit: int) -> str:
    """Chat's own markup knows no escape; without `<` before its word nothing can mention anybody or hide a link."""
    return cut(text.replace("<", f"<{_BREAK}"), limit)


def _refused(answer: Answer, *, message: Message, response: str | None) -> TransportError:
    error = json_object(answer).get("error")
    status = text_of(error, "status") if isinstance(error, dict) else ""
    told = f"Google Chat answered {answer.status}"
    if status in ("NOT_FOUND", "INVALID_ARGUMENT", "PERMISSION_DENIED", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED"):
        told += f": {status}"
    return refusal(
        told,
        answer,
        message=message,
        response=response,
        permanent=answer.status in (400, 413),
        gone=answer.status == 404 and status == "NOT_FOUND",
    )
