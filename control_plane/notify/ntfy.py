"""ntfy: one JSON publish to the root of a server (https://docs.ntfy.sh/publish/#publish-as-json).

2xx             delivered
3xx, 400, 413   given up: a redirect is never followed, and a message that is refused once is refused always
any other       tried again, not before its Retry-After: 401 and 403 too, because a token may be set meanwhile

`sequence_id` is the message's id: since release 2.16 a message that is sent twice shows once; older servers ignore it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from control_plane.domain.alerting.message_words import Words
from control_plane.domain.channels import channel_rules, ntfy_rules, receiver_credentials
from control_plane.notify.own_server import authorization, judged, kept
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.notify.transport_error import TransportError
from shared.netpolicy import HttpUrl, UrlRefused, judge_host, parse_http_url

PUBLIC_SERVER = "https://ntfy.sh"

MESSAGE_LIMIT = 4096
"""Bytes of a message; a server makes an attachment of a longer one, or refuses it."""

TITLE_LIMIT = 250
"""Bytes of a title that we send: ntfy documents no limit, phones show less."""

HIGH, DEFAULT = 4, 3
"""Priorities of ntfy: 4 is loud, 3 is as usual."""

TAGS = {"alarm": "rotating_light", "note": "rotating_light", "relief": "white_check_mark"}
"""Names of emojis that ntfy shows before the title."""

TEST_TAG = "test_tube"

REFUSED_FOR_GOOD = frozenset({400, 413})

USER_AGENT = "Farwatch-ntfy/1"


class Ntfy(Configuration, frozen=True, tag="ntfy"):
    """A topic of a server. Either an access token, or a name and a password, or nothing for an open topic."""

    topic: str
    server_url: str = PUBLIC_SERVER
    access_token: str | None = None
    username: str | None = None
    password: str | None = None


class NtfyTransport(Transport[Ntfy]):
    """Publishes to ntfy under the address guard."""

    configuration: ClassVar[type[Ntfy]] = Ntfy
    digests: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http

    def prepared(self, config: Ntfy, *, entropy: bytes) -> Ntfy:  # noqa: ARG002  # no secret of ours
        """The canonical root of the server, and fields as ntfy documents them. Raises BadRequest."""
        ntfy_rules.check_topic(config.topic)
        receiver_credentials.check_credentials(config.access_token, username=config.username, password=config.password)
        return msgspec.structs.replace(config, server_url=str(self._read_root(config.server_url)))

    def parts(self, config: Ntfy) -> Parts:
        """Token and password are sealed; the server and the topic stay readable, as ntfy shows them."""
        secrets = {
            name: value
            for name, value in (("access_token", config.access_token), ("password", config.password))
            if value is not None
        }
        shown = {
            "type": "ntfy",
            "topic": config.topic,
            "server_url": config.server_url,
            **({"username": config.username} if config.username is not None else {}),
            **dict.fromkeys(secrets, channel_rules.MASK),
        }
        return Parts(shown=shown, secrets=secrets, host=parse_http_url(config.server_url).host_header)

    async def send(self, config: Ntfy, message: Message) -> Sent:
        """One publish. Raises TransportError."""
        try:
            url = parse_http_url(config.server_url)
        except UrlRefused as refused:
            raise TransportError(f"The channel's URL cannot be used: {refused.message}", permanent=True) from None
        body = published(config.topic, message.words, message_id=message.message_id.hex)
        answer = await self._http.post(url, headers=_headers(config), body=body)
        return judged(
            answer,
            server="ntfy server",
            given_up=REFUSED_FOR_GOOD,
            message=message,
            response=kept(answer.body, config),
        )

    def _read_root(self, text: str) -> HttpUrl:
        try:
            url = parse_http_url(text)
            judge_host(url, self._http.policy)
        except UrlRefused as refused:
            raise channel_rules.refused_url(refused, field="/config/server_url") from None
        ntfy_rules.check_root(url)
        if url.scheme == "http" and not self._http.policy.is_private:
            raise channel_rules.invalid("The server's URL must be https", field="/config/server_url")
        return url


def published(topic: str, words: Words, *, message_id: str) -> bytes:
    """The document that is published, within ntfy's limits."""
    document: dict[str, Any] = {
        "topic": topic,
        "title": _cut(words.title, TITLE_LIMIT),
        "message": _cut(words.text, MESSAGE_LIMIT),
        "priority": HIGH if words.tone == "alarm" else DEFAULT,
        "tags": [TEST_TAG if words.phase == "test" else TAGS[words.tone]],
        "sequence_id": message_id,
    }
    if words.url is not None:
        document["click"] = words.url
    if words.acknowledge_url is not None:
        document["actions"] = [{"action": "view", "label": "Acknowledge", "url": words.acknowledge_url, "clear": True}]
    return msgspec.json.encode(document)


def _cut(text: str, limit: int) -> str:
    """At most so many bytes of UTF-8, at a character's edge."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return text
    return raw[: limit - len("…".encode())].decode("utf-8", "ignore") + "…"


def _headers(config: Ntfy) -> dict[str, str]:
    headers = {
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json; charset=utf-8",
        "Accept-Encoding": "identity",
    }
    return headers | authorization(config)
