"""Web push: a message to a browser, sealed for it, through the push service that it chose (RFC 8030, 8291, 8292).

201, 202, 200   taken
404, 410        gone: the subscription ended, so the channel is disabled
400, 401, 403   given up: it is signed or addressed wrongly, and will be the next time
413             given up: too large for that service
any other       tried again, not before its Retry-After
"""

from __future__ import annotations

from typing import ClassVar

import msgspec
from pywebpush import WebPusher

from control_plane.domain.alerting.delivery import retry_after
from control_plane.domain.alerting.message_words import Words
from control_plane.domain.channels import channel_rules, web_push_rules
from control_plane.notify import vapid
from control_plane.notify.excerpt import excerpt
from control_plane.notify.guarded_http import Answer
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.notify.transport_error import TransportError
from control_plane.settings import Settings
from shared.netpolicy import HttpUrl, UrlRefused, judge_host, parse_http_url

PAYLOAD_LIMIT = 3000
"""Bytes of the message itself. Push services take 4096 in all, headers, padding and authentication included."""

TIME_TO_LIVE_S = 4 * 3600
"""How long a push service keeps it for a browser that is away: what is older is better read on the page."""

URGENCIES = {"alarm": "high", "note": "normal", "relief": "normal"}
"""RFC 8030 section 5.3: a phone on battery wakes for what is high."""

REFUSED_FOR_GOOD = frozenset({400, 401, 403, 413})
GONE = frozenset({404, 410})


class WebPush(Configuration, frozen=True, tag="web_push"):
    """One browser's subscription: where to send, and the two keys that seal for it."""

    endpoint: str
    p256dh: str
    auth: str


class WebPushTransport(Transport[WebPush]):
    """Sends to push services under the address guard."""

    configuration: ClassVar[type[WebPush]] = WebPush
    digests: ClassVar[bool] = True
    managed: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http
        self._settings = tools.settings

    @staticmethod
    def is_set_up(settings: Settings) -> bool:
        """Where there is a pepper, there is a key."""
        return bool(settings.web_push.private_key or settings.security.pepper)

    def prepared(self, config: WebPush, *, entropy: bytes) -> WebPush:  # noqa: ARG002  # no secret of ours
        """Keys that are keys, and an https address. Raises BadRequest."""
        web_push_rules.check_keys(p256dh=config.p256dh, auth=config.auth)
        return msgspec.structs.replace(config, endpoint=str(self._read_endpoint(config.endpoint)))

    def parts(self, config: WebPush) -> Parts:
        """All of it is sealed: whoever knows the address and the keys can send to that browser."""
        secrets = {"endpoint": config.endpoint, "p256dh": config.p256dh, "auth": config.auth}
        shown = {"type": "web_push", **dict.fromkeys(secrets, channel_rules.MASK)}
        return Parts(shown=shown, secrets=secrets, host=parse_http_url(config.endpoint).host_header)

    async def send(self, config: WebPush, message: Message) -> Sent:
        """One push. Raises TransportError."""
        try:
            url = parse_http_url(config.endpoint)
        except UrlRefused as refused:
            raise TransportError(f"The subscription cannot be used: {refused.message}", permanent=True) from None
        keys = {"p256dh": config.p256dh, "auth": config.auth}
        sealed = WebPusher({"endpoint": config.endpoint, "keys": keys}).encode(payload(message))["body"]
        headers = {
            "Authorization": vapid.authorization(self._settings, origin=url.origin, now=message.sent_at),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(TIME_TO_LIVE_S),
            "Urgency": URGENCIES[message.words.tone],
            **_topic(message),
        }
        answer = await self._http.post(url, headers=headers, body=bytes(sealed))
        return _judged(answer, message=message, response=excerpt(answer.body, secrets=keys.values(), url=str(url)))

    def _read_endpoint(self, text: str) -> HttpUrl:
        if len(text) > web_push_rules.ENDPOINT_LIMIT:
            raise channel_rules.invalid(
                f"An endpoint has at most {web_push_rules.ENDPOINT_LIMIT} characters", field="/config/endpoint"
            )
        try:
            url = parse_http_url(text)
            judge_host(url, self._http.policy)
        except UrlRefused as refused:
            raise channel_rules.refused_url(refused, field="/config/endpoint") from None
        if url.scheme == "http" and not self._http.policy.is_private:
            raise channel_rules.invalid("The endpoint must be https", field="/config/endpoint")
        return url


def _topic(message: Message) -> dict[str, str]:
    """A later message of an incident takes the place of one that still waits for the browser (RFC 8030 section 5.4)."""
    return {} if message.incident_id is None else {"Topic": message.incident_id.hex}


def payload(message: Message) -> bytes:
    """What the service worker shows: title, body, tag (one notification per incident), where a click leads."""
    words = message.words
    document = {
        "title": words.title,
        "body": words.text,
        "tag": (message.incident_id or message.message_id).hex,
        "tone": words.tone,
        "phase": words.phase,
        "url": words.url,
        "acknowledge_url": words.acknowledge_url,
        "sent_at": message.sent_at,
    }
    whole = msgspec.json.encode(document)
    over = len(whole) - PAYLOAD_LIMIT
    return whole if over <= 0 else msgspec.json.encode(document | {"body": _cut(words, over)})


def _cut(words: Words, over: int) -> str:
    """The text without its end. Escaped, a character takes up to six bytes, so what is cut is enough for any."""
    raw = words.text.encode("utf-8", "replace")
    return raw[: max(0, len(raw) - over - 10)].decode("utf-8", "ignore") + "…"


def _judged(answer: Answer, *, message: Message, response: str | None) -> Sent:
    status = answer.status
    if 200 <= status < 300:
        return Sent(http_status=status, response=response)
    raise TransportError(
        "The browser has ended this subscription" if status in GONE else f"The push service answered {status}",
        permanent=300 <= status < 400 or status in REFUSED_FOR_GOOD,
        gone=status in GONE,
        retry_after=retry_after(answer.retry_after, now=message.sent_at),
        http_status=status,
        response=response,
    )
