"""Discord: a webhook that waits for the message to be stored, and edits it once the incident is over.

https://discord.com/developers/docs/resources/webhook#execute-webhook,
https://discord.com/developers/docs/topics/rate-limits: 429 says how long to wait, in the header and in the body.

404 and 401 with the codes of an unknown webhook disable the channel; 400 is given up; everything else is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

import msgspec

from control_plane.domain.channels import discord_rules
from control_plane.domain.channels.vendor_urls import sealed_url, usable
from control_plane.notify.chat_words import cut, headline
from control_plane.notify.discord_embeds import amended, payload
from control_plane.notify.excerpt import excerpt
from control_plane.notify.guarded_http import Answer
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.notify.transport_error import TransportError
from control_plane.notify.vendor_answer import JSON, accepted, json_object, refusal, text_of
from shared.netpolicy import HttpUrl, parse_http_url

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer: it repeats the whole message."""

EDIT_PATIENCE_S = 5.0
"""How long the edit may take that follows a resolution. It has to end before the attempt's lease."""

TITLE_KEPT = 200
"""Characters of the first message's title that are kept, to be shown again in its edit."""

UNKNOWN_WEBHOOK, INVALID_TOKEN, UNKNOWN_CHANNEL = 10015, 50027, 10003
"""https://discord.com/developers/docs/topics/opcodes-and-status-codes#json"""

_NO_URL = "https://farwatch.invalid"


class Discord(Configuration, frozen=True, tag="discord"):
    """`thread_id`: a thread of the webhook's channel, instead of the channel itself."""

    webhook_url: str
    thread_id: str | None = None


class DiscordTransport(Transport[Discord]):
    """Posts to Discord under the address guard."""

    configuration: ClassVar[type[Discord]] = Discord
    digests: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http
        # The form that https://discord.com/developers/docs/reference#user-agent demands: where we are to be found.
        self._user_agent = f"DiscordBot ({tools.settings.server.public_url or _NO_URL}, 1)"

    def prepared(self, config: Discord, *, entropy: bytes) -> Discord:  # noqa: ARG002  # no secret of ours
        """A webhook of Discord's. Raises BadRequest INVALID_CHANNEL_CONFIG."""
        url, thread_id = discord_rules.read_webhook_url(config.webhook_url, thread_id=config.thread_id)
        return Discord(webhook_url=url, thread_id=thread_id)

    def parts(self, config: Discord) -> Parts:
        """The URL is sealed; the thread stays readable."""
        shown, secrets, host = sealed_url("discord", config.webhook_url)
        if config.thread_id is not None:
            shown["thread_id"] = config.thread_id
        return Parts(shown, secrets, host)

    async def send(self, config: Discord, message: Message) -> Sent:
        """One message; what turns an incident edits its first one as well. Raises TransportError for the message."""
        answer = await self._call("POST", _address(config, wait=True), payload(message.words))
        said = json_object(answer)
        response = excerpt(answer.body, secrets=(), url=config.webhook_url)
        if not accepted(answer):
            raise _refused(answer, said, message=message, response=response)
        if message.words.phase in ("resolve", "open"):  # open: once more, where there is a receipt
            await self._edit(config, message)
        return Sent(answer.status, response, _receipt(message, said))

    async def _edit(self, config: Discord, message: Message) -> None:
        """Show in the incident's first message how it stands. Best effort: the notice itself has arrived."""
        first = message.receipt or {}
        number = text_of(first, "id")
        if not (number.isascii() and number.isdigit()):
            return
        document = amended(message.words, before=text_of(first, "title"))
        with suppress(TransportError, TimeoutError):
            async with asyncio.timeout(EDIT_PATIENCE_S):
                await self._call("PATCH", _address(config, message_id=number), document)

    async def _call(self, method: str, url: HttpUrl, document: Mapping[str, Any]) -> Answer:
        headers, body = JSON | {"User-Agent": self._user_agent}, msgspec.json.encode(document)
        return await self._http.send(method, url, headers=headers, body=body, limit=ANSWER_LIMIT)


def _address(config: Discord, *, wait: bool = False, message_id: str | None = None) -> HttpUrl:
    """Where a message is posted, or one is edited."""
    url = usable(config.webhook_url)
    if url is None:
        raise TransportError("The channel's URL cannot be used", permanent=True)
    query = [*(["wait=true"] if wait else []), *([f"thread_id={config.thread_id}"] if config.thread_id else [])]
    path = f"/messages/{message_id}" if message_id is not None else ""
    return parse_http_url(f"{url}{path}" + (f"?{'&'.join(query)}" if query else ""))


def _receipt(message: Message, said: Mapping[str, Any]) -> dict[str, Any] | None:
    """Of the first message of an incident: what it is edited by."""
    number = text_of(said, "id")
    if message.incident_id is None or message.receipt is not None or not number:
        return None
    return {"id": number, "title": cut(headline(message.words), TITLE_KEPT)}


def _refused(answer: Answer, said: Mapping[str, Any], *, message: Message, response: str | None) -> TransportError:
    code = said.get("code")
    gone = (answer.status, code) in {(404, UNKNOWN_WEBHOOK), (401, UNKNOWN_WEBHOOK), (401, INVALID_TOKEN)}
    told = f"Discord answered {answer.status}"
    if gone:
        told += ": it does not know this webhook any more"
    elif code == UNKNOWN_CHANNEL:
        told += ": there is no such channel or thread"
    elif isinstance(code, int) and code:
        told += f", code {code}"
    return refusal(
        told,
        answer,
        message=message,
        response=response,
        permanent=answer.status in (400, 413) or code == UNKNOWN_CHANNEL,
        gone=gone,
        wait_s=said.get("retry_after"),
    )
