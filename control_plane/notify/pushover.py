"""Pushover: one form to its message API (https://pushover.net/api).

2xx with status 1   delivered
429                 tried again once the application's monthly quota is renewed, as X-Limit-App-Reset says
5xx                 tried again
other 4xx           given up, as Pushover asks: the same request is refused always; where it says that the user's key is
                    invalid nobody is there any more, and the channel is disabled

Pushover has no key against duplicates: a message whose answer was lost on the way may show twice.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec

from control_plane.domain.alerting.delivery import retry_after
from control_plane.domain.alerting.message_words import Words
from control_plane.domain.channels import channel_rules, pushover_rules
from control_plane.notify.excerpt import excerpt
from control_plane.notify.guarded_http import Answer
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.notify.transport_error import TransportError
from shared.netpolicy import parse_http_url

HOST = "api.pushover.net"
MESSAGES = parse_http_url(f"https://{HOST}/1/messages.json")

MESSAGE_LIMIT, TITLE_LIMIT, URL_LIMIT = 1024, 250, 512
"""Characters, of which one may be four bytes of UTF-8."""

PRIORITIES = {"alarm": 1, "note": 0, "relief": -1}
"""1 sounds in quiet hours, 0 is as usual, -1 makes no sound. Never 2, which rings until somebody confirms it there."""

USER_AGENT = "Farwatch-Pushover/1"


class Pushover(Configuration, frozen=True, tag="pushover"):
    """An application's token and who it tells. Without `device`, all of that user's."""

    token: str
    user: str
    device: str | None = None


class _Reply(msgspec.Struct, frozen=True):
    """What Pushover says: `status` 1 is success; `user` and `token` are "invalid" where that is the reason."""

    status: int = 0
    errors: tuple[str, ...] = ()
    user: Any = None
    token: Any = None


class PushoverTransport(Transport[Pushover]):
    """Sends to Pushover."""

    configuration: ClassVar[type[Pushover]] = Pushover
    digests: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http

    def prepared(self, config: Pushover, *, entropy: bytes) -> Pushover:  # noqa: ARG002  # no secret of ours
        """As given, when Pushover would take it. Raises BadRequest."""
        pushover_rules.check(token=config.token, user=config.user, device=config.device)
        return config

    def parts(self, config: Pushover) -> Parts:
        """Token and key are sealed: whoever has both may send."""
        shown = {"type": "pushover", "token": channel_rules.MASK, "user": channel_rules.MASK}
        if config.device is not None:
            shown["device"] = config.device
        return Parts(shown=shown, secrets={"token": config.token, "user": config.user}, host=HOST)

    async def send(self, config: Pushover, message: Message) -> Sent:
        """One message. Raises TransportError."""
        headers = {
            "User-Agent": USER_AGENT,
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept-Encoding": "identity",
        }
        body = urlencode(form(config, message.words)).encode()
        answer = await self._http.post(MESSAGES, headers=headers, body=body)
        return _judged(answer, config, now=message.sent_at)


def form(config: Pushover, words: Words) -> dict[str, str]:
    """The fields that are sent, within Pushover's limits."""
    fields = {
        "token": config.token,
        "user": config.user,
        "title": _cut(words.title, TITLE_LIMIT),
        "message": _text(words),
        "priority": str(PRIORITIES[words.tone]),
    }
    if config.device is not None:
        fields["device"] = config.device
    if words.url is not None and len(words.url) <= URL_LIMIT:
        fields |= {"url": words.url, "url_title": "Open in Farwatch"}
    return fields


def _text(words: Words) -> str:
    """The text, which may not be empty, and where to acknowledge: Pushover shows one link beside the message."""
    ending = "" if words.acknowledge_url is None else f"\n\nAcknowledge: {words.acknowledge_url}"
    if len(ending) > MESSAGE_LIMIT // 2:
        ending = ""
    return _cut(words.text.strip() or words.title, MESSAGE_LIMIT - len(ending)) + ending


def _cut(text: str, limit: int) -> str:
    whole = text.encode("utf-8", "replace").decode()
    return whole if len(whole) <= limit else whole[: limit - 1] + "…"


def _judged(answer: Answer, config: Pushover, *, now: datetime) -> Sent:
    reply, status = _read(answer.body), answer.status
    response = excerpt(answer.body, secrets=(config.token, config.user))
    if 200 <= status < 300 and reply.status == 1:
        return Sent(http_status=status, response=response)
    raise TransportError(
        _told(answer, reply, config),
        permanent=status < 500 and status != 429,
        gone=400 <= status < 500 and status != 429 and reply.user == "invalid",
        retry_after=_wait(answer, now=now),
        http_status=status,
        response=response,
    )


def _read(body: bytes) -> _Reply:
    try:
        return msgspec.json.decode(body, type=_Reply)
    except msgspec.MsgspecError:
        return _Reply()


def _told(answer: Answer, reply: _Reply, config: Pushover) -> str:
    if answer.status == 429:
        return "Pushover answered 429: the application has used up its messages of this month"
    if 300 <= answer.status < 400:
        return f"Pushover answered {answer.status}: redirects are not followed"
    why = excerpt("; ".join(reply.errors).encode(), secrets=(config.token, config.user))
    return f"Pushover answered {answer.status}" + (f": {why}" if why else "")


def _wait(answer: Answer, *, now: datetime) -> timedelta | None:
    """Until when Pushover puts us off: Retry-After, or with 429 the instant at which the month's quota is renewed."""
    asked = retry_after(answer.retry_after, now=now)
    reset = answer.headers.get("x-limit-app-reset", "")
    if asked is not None or answer.status != 429 or not (reset.isascii() and reset.isdigit() and len(reset) <= 10):
        return asked
    return max(datetime.fromtimestamp(int(reset), UTC) - now, timedelta(0))
