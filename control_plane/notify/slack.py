"""Slack: an incoming webhook, or a bot that posts, replies in the thread of an incident and edits its first message.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks: `ok`, or a status with one word.
https://docs.slack.dev/reference/methods/chat.postMessage: 200 with {"ok": false, "error": …} is a refusal.

What cannot come right is given up; a workspace, webhook or token that is gone disables the channel; everything else is
tried again, unknown errors included: a bot may be invited, and a scope granted, while the message waits.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

import msgspec

from control_plane.domain.channels import channel_rules, slack_rules
from control_plane.domain.channels.vendor_urls import sealed_url, usable
from control_plane.notify.chat_words import cut, headline
from control_plane.notify.excerpt import excerpt
from control_plane.notify.guarded_http import Answer
from control_plane.notify.slack_blocks import amended, payload
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.notify.transport_error import TransportError
from control_plane.notify.vendor_answer import JSON, accepted, json_object, refusal, text_of
from shared.netpolicy import parse_http_url

API_HOST = "slack.com"
POST_MESSAGE = parse_http_url(f"https://{API_HOST}/api/chat.postMessage")
UPDATE = parse_http_url(f"https://{API_HOST}/api/chat.update")

ANSWER_LIMIT = 256 * 1024
"""Bytes of an answer: it repeats the whole message."""

EDIT_PATIENCE_S = 5.0
"""How long the edit may take that follows a reply. It has to end before the attempt's lease: the reply is sent."""

TITLE_KEPT = 200
"""Characters of the first message's title that are kept, to be shown again in its edit."""

GONE = frozenset(
    {
        "account_inactive", "token_revoked", "is_archived", "team_disabled",
        "no_service", "no_service_id", "no_team", "no_active_hooks", "invalid_token", "channel_is_archived",
    }
)  # fmt: skip
"""Nothing will ever arrive there again: the token or webhook was taken away, or the channel was archived."""

REFUSED_FOR_GOOD = frozenset(
    {
        "channel_not_found", "invalid_auth", "not_authed", "token_expired", "user_not_found", "action_prohibited",
        "posting_to_general_channel_denied", "restricted_action", "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel", "invalid_payload", "invalid_blocks", "invalid_blocks_format",
        "invalid_arguments", "msg_too_long", "msg_blocks_too_long", "no_text", "too_many_attachments",
    }
)  # fmt: skip
"""The same message will be refused again."""

TURNS = frozenset({"resolve", "open"})
"""Phases that are shown in the channel and in the incident's first message: that it is over, and that it is open again.
"""

_BEGINS_WELL = re.compile(rb'\s*\{\s*"ok"\s*:\s*true\s*[,}]')
_USER_AGENT = {"User-Agent": "Farwatch-Slack/1"}


class Slack(Configuration, frozen=True, tag="slack"):
    """Either the URL of an incoming webhook, or a bot's token and the channel to post to."""

    webhook_url: str | None = None
    bot_token: str | None = None
    channel: str | None = None


class SlackTransport(Transport[Slack]):
    """Posts to Slack under the address guard."""

    configuration: ClassVar[type[Slack]] = Slack
    digests: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http

    def prepared(self, config: Slack, *, entropy: bytes) -> Slack:  # noqa: ARG002  # no secret of ours
        """One of the two ways, as Slack documents it. Raises BadRequest INVALID_CHANNEL_CONFIG."""
        slack_rules.check_choice(webhook_url=config.webhook_url, bot_token=config.bot_token, channel=config.channel)
        if config.webhook_url is not None:
            return Slack(webhook_url=slack_rules.read_webhook_url(config.webhook_url))
        slack_rules.check_bot_token(config.bot_token or "")
        slack_rules.check_channel(config.channel or "")
        return config

    def parts(self, config: Slack) -> Parts:
        """URL or token are sealed; the channel stays readable."""
        if config.webhook_url is not None:
            return Parts(*sealed_url("slack", config.webhook_url))
        shown = {"type": "slack", "bot_token": channel_rules.MASK, "channel": config.channel}
        return Parts(shown=shown, secrets={"bot_token": config.bot_token}, host=API_HOST)

    async def send(self, config: Slack, message: Message) -> Sent:
        """One message; what turns an incident edits its first one as well. Raises TransportError for the message."""
        if config.bot_token is None:
            return await self._hook(config, message)
        return await self._post(config, message)

    async def _hook(self, config: Slack, message: Message) -> Sent:
        url = usable(config.webhook_url)
        if url is None:
            raise TransportError("The channel's URL cannot be used", permanent=True)
        document = msgspec.json.encode(payload(message.words))
        answer = await self._http.post(url, headers=JSON | _USER_AGENT, body=document)
        response = excerpt(answer.body, secrets=(), url=config.webhook_url)
        if accepted(answer):
            return Sent(answer.status, response)
        error = answer.body[:100].decode("utf-8", "replace").strip()
        raise refusal(
            _told(answer, error),
            answer,
            message=message,
            response=response,
            permanent=error in REFUSED_FOR_GOOD or answer.status in (400, 413),
            gone=error in GONE,
        )

    async def _post(self, config: Slack, message: Message) -> Sent:
        first = message.receipt or {}
        document = {"channel": config.channel, **payload(message.words)}
        if text_of(first, "ts"):
            where = {"channel": first.get("channel"), "thread_ts": first["ts"]}
            document |= where | {"reply_broadcast": message.words.phase in TURNS}
        answer = await self._call(config, POST_MESSAGE, document)
        said = json_object(answer)
        response = excerpt(answer.body, secrets=(config.bot_token or "",))
        if not _took(answer, said):
            raise _refused(answer, said, message=message, response=response)
        if message.words.phase in TURNS:
            await self._edit(config, message)
        return Sent(answer.status, response, _receipt(message, said))

    async def _edit(self, config: Slack, message: Message) -> None:
        """Show in the incident's first message how it stands. Best effort: the notice itself has arrived."""
        first = message.receipt or {}
        ts, channel = text_of(first, "ts"), text_of(first, "channel")
        if not ts or not channel:
            return
        document = {"channel": channel, "ts": ts, **amended(message.words, before=text_of(first, "title"))}
        with suppress(TransportError, TimeoutError):
            async with asyncio.timeout(EDIT_PATIENCE_S):
                await self._call(config, UPDATE, document)

    async def _call(self, config: Slack, method: Any, document: Mapping[str, Any]) -> Answer:
        proof = {"Authorization": f"Bearer {config.bot_token}"}
        body = msgspec.json.encode(document)
        return await self._http.send("POST", method, headers=JSON | _USER_AGENT | proof, body=body, limit=ANSWER_LIMIT)


def _took(answer: Answer, said: Mapping[str, Any]) -> bool:
    """Whether the message is posted. An answer that breaks off after it said so has said so."""
    return accepted(answer) and (said.get("ok") is True or (not said and bool(_BEGINS_WELL.match(answer.body))))


def _receipt(message: Message, said: Mapping[str, Any]) -> dict[str, Any] | None:
    """Of the first message of an incident: where its thread is."""
    channel, ts = text_of(said, "channel"), text_of(said, "ts")
    if message.incident_id is None or message.receipt is not None or not channel or not ts:
        return None
    return {"channel": channel, "ts": ts, "title": cut(headline(message.words), TITLE_KEPT)}


def _refused(answer: Answer, said: Mapping[str, Any], *, message: Message, response: str | None) -> TransportError:
    error = text_of(said, "error")
    return refusal(
        _told(answer, error),
        answer,
        message=message,
        response=response,
        permanent=error in REFUSED_FOR_GOOD or answer.status == 413,
        gone=error in GONE,
    )


def _told(answer: Answer, error: str) -> str:
    known = error in GONE or error in REFUSED_FOR_GOOD or re.fullmatch(r"[a-z_]{3,60}", error)
    return f"Slack answered {answer.status}" + (f": {error}" if known else "")
