"""Microsoft Teams: a workflow that posts the Adaptive Card it is sent. It has no threads and edits nothing.

https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using: a message has
one attachment, a card, and at most 28 kB. 202 says that the workflow runs, and no more can be known.

A workflow that is gone disables the channel. One that is turned off, throttled or failing is tried again; a request
that does not fit, or whose signature is wrong, is given up.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from control_plane.domain.alerting.message_words import Words
from control_plane.domain.channels import msteams_rules
from control_plane.domain.channels.vendor_urls import sealed_url, usable
from control_plane.notify.chat_words import body, cut, facts, headline, links
from control_plane.notify.excerpt import excerpt
from control_plane.notify.guarded_http import Answer
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.notify.transport_error import TransportError
from control_plane.notify.vendor_answer import JSON, accepted, json_object, refusal, text_of

SIZE_LIMIT = 28_000
"""Bytes of a whole message."""

TEXT_LIMITS = (8_000, 4_000, 1_500, 500)
"""Characters of the text, less of them while the message is too large: a character may take several bytes."""

TITLE_LIMIT = 300
LABEL_LIMIT = 60
VALUE_LIMIT = 400
FACTS_LIMIT = 12
URL_LIMIT = 1_500

CARD = "application/vnd.microsoft.card.adaptive"
STYLES = {"alarm": "attention", "note": "warning", "relief": "good"}

GONE = frozenset({"WorkflowNotFound", "WorkflowTriggerNotFound"})
REFUSED_FOR_GOOD = frozenset(
    {"DirectApiAuthorizationRequired", "DirectApiInvalidAuthorizationScheme", "TriggerInputSchemaMismatch"}
)
TURNED_OFF = "WorkflowTriggerIsNotEnabled"

_USER_AGENT = {"User-Agent": "Farwatch-Teams/1"}


class MsTeams(Configuration, frozen=True, tag="msteams"):
    """The URL of a workflow."""

    webhook_url: str


class MsTeamsTransport(Transport[MsTeams]):
    """Posts to workflows under the address guard."""

    configuration: ClassVar[type[MsTeams]] = MsTeams
    digests: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http

    def prepared(self, config: MsTeams, *, entropy: bytes) -> MsTeams:  # noqa: ARG002  # no secret of ours
        """A workflow's URL. Raises BadRequest INVALID_CHANNEL_CONFIG."""
        return MsTeams(webhook_url=msteams_rules.read_webhook_url(config.webhook_url))

    def parts(self, config: MsTeams) -> Parts:
        """The URL is sealed: its signature is all that it takes to post."""
        return Parts(*sealed_url("msteams", config.webhook_url))

    async def send(self, config: MsTeams, message: Message) -> Sent:
        """One POST. Raises TransportError."""
        url = usable(config.webhook_url)
        if url is None:
            raise TransportError("The channel's URL cannot be used", permanent=True)
        answer = await self._http.post(url, headers=JSON | _USER_AGENT, body=document(message.words))
        response = excerpt(answer.body, secrets=(), url=config.webhook_url)
        if accepted(answer):
            return Sent(answer.status, response)
        raise _refused(answer, message=message, response=response)


def document(words: Words) -> bytes:
    """The message, within Teams' size."""
    encoded = b""
    for limit in TEXT_LIMITS:
        content = _card(words, text_limit=limit)
        attachment = {"contentType": CARD, "contentUrl": None, "content": content}
        encoded = msgspec.json.encode({"type": "message", "attachments": [attachment]})
        if len(encoded) <= SIZE_LIMIT:
            break
    return encoded


def _card(words: Words, *, text_limit: int) -> dict[str, Any]:
    """Text stands in TextRuns, which know no Markdown (https://adaptivecards.io/explorer/TextRun.html)."""
    title = _rich([{"type": "TextRun", "text": cut(headline(words), TITLE_LIMIT), "weight": "Bolder", "size": "Large"}])
    shown: list[dict[str, Any]] = [{"type": "Container", "style": STYLES[words.tone], "bleed": True, "items": [title]}]
    text = body(words)
    if text:
        shown.append(_rich([{"type": "TextRun", "text": cut(text, text_limit)}]))
    shown += [_fact(fact.label, cut(fact.value, min(VALUE_LIMIT, text_limit))) for fact in facts(words, FACTS_LIMIT)]
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": cut(headline(words), TITLE_LIMIT),
        "body": shown,
        "actions": [
            {"type": "Action.OpenUrl", "title": label, "url": url}
            for label, url in links(words)
            if len(url) <= URL_LIMIT
        ],
    }


def _fact(label: str, value: str) -> dict[str, Any]:
    named = {"type": "TextRun", "text": f"{cut(label, LABEL_LIMIT)}: ", "weight": "Bolder"}
    return _rich([named, {"type": "TextRun", "text": value}]) | {"spacing": "Small"}


def _rich(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs}


def _refused(answer: Answer, *, message: Message, response: str | None) -> TransportError:
    error = json_object(answer).get("error")
    code = text_of(error, "code") if isinstance(error, dict) else ""
    told = f"The Teams workflow answered {answer.status}"
    if code in GONE:
        told += ": there is no such workflow any more"
    elif code == TURNED_OFF:
        told += ": it is turned off"
    elif code in REFUSED_FOR_GOOD:
        told += f": {code}"
    return refusal(
        told,
        answer,
        message=message,
        response=response,
        permanent=code in REFUSED_FOR_GOOD or (answer.status in (400, 413) and code != TURNED_OFF),
        gone=code in GONE,
    )
