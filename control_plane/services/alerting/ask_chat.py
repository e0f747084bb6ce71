"""What Slack and Discord are asked when somebody adds our app there: where to send the browser, and for the webhook.

https://docs.slack.dev/authentication/installing-with-oauth: the scope incoming-webhook lets people choose a channel.
https://discord.com/developers/docs/topics/oauth2#webhooks: webhook.incoming does the same.

The access tokens that come with it are never kept. What comes back is as little trusted as what a tenant types: the URL
passes the rules of its kind, and so cannot lead anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from control_plane.errors import Forbidden, Unavailable
from control_plane.notify import guarded_http
from control_plane.notify.excerpt import basic
from control_plane.notify.guarded_http import GuardedHttp
from control_plane.notify.transport_error import TransportError
from control_plane.settings import Settings
from shared.netpolicy import parse_http_url

ANSWER_LIMIT = 64 * 1024
"""Bytes of an answer; theirs have a few thousand."""

TITLES: Mapping[str, str] = {"discord": "Discord", "slack": "Slack"}
"""The kinds of channels that adding an app can make."""

_AUTHORIZE = {"discord": "https://discord.com/oauth2/authorize", "slack": "https://slack.com/oauth/v2/authorize"}
_EXCHANGE = {"discord": "https://discord.com/api/oauth2/token", "slack": "https://slack.com/api/oauth.v2.access"}
_SCOPES = {"discord": "webhook.incoming", "slack": "incoming-webhook"}


T = TypeVar("T")


class Granted(Struct, frozen=True):
    """What a person has allowed: the configuration of a channel, and what it may be called."""

    config: dict[str, Any]
    called: str


class SlackHook(Struct, frozen=True):
    """The incoming webhook of an answer of oauth.v2.access."""

    url: str
    channel: str = ""


class SlackAnswer(Struct, frozen=True):
    """https://docs.slack.dev/reference/methods/oauth.v2.access"""

    ok: bool
    incoming_webhook: SlackHook | None = None


class DiscordHook(Struct, frozen=True):
    """The webhook of an answer to the exchange."""

    id: str
    token: str
    name: str | None = None


class DiscordAnswer(Struct, frozen=True):
    """An access token with a webhook; a refusal has neither."""

    webhook: DiscordHook | None = None


def connects_of(settings: Settings) -> tuple[str, ...]:
    """The kinds that this installation has an app for, and an address to come back to."""
    ids = {"discord": settings.discord.client_id, "slack": settings.slack.client_id}
    return tuple(kind for kind, client_id in ids.items() if client_id) if settings.server.public_url else ()


def authorize_url(settings: Settings, kind: str, *, state: str) -> str:
    """Where people choose a channel and allow it."""
    query = {"client_id": _client(settings, kind)[0], "scope": _SCOPES[kind], "state": state}
    query |= {"redirect_uri": redirect_uri(settings, kind)} | ({"response_type": "code"} if kind == "discord" else {})
    return f"{_AUTHORIZE[kind]}?{urlencode(query)}"


def redirect_uri(settings: Settings, kind: str) -> str:
    """What the app has to list among its redirect URLs."""
    return f"{settings.server.public_url.rstrip('/')}/connect/{kind}/callback"


async def ask_for_webhook(settings: Settings, kind: str, *, code: str) -> Granted:
    """Exchange the code. Raises Forbidden CONNECT_REFUSED, Unavailable CONNECT_UNAVAILABLE."""
    answer = await _exchanged(guarded_http(settings.delivery), settings, kind, code=code)
    return _granted_by_slack(answer) if kind == "slack" else _granted_by_discord(answer)


def refused(kind: str, why: str) -> Forbidden:
    """Nothing was allowed, or the code proves nothing."""
    return Forbidden(f"{TITLES[kind]} was not connected: {why}. Begin again", code="CONNECT_REFUSED")


async def _exchanged(http: GuardedHttp, settings: Settings, kind: str, *, code: str) -> bytes:
    client_id, client_secret = _client(settings, kind)
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri(settings, kind)}
    headers = {
        "Authorization": f"Basic {basic(client_id, client_secret)}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": f"DiscordBot ({settings.server.public_url}, 1)" if kind == "discord" else "Farwatch",
    }
    url, body = parse_http_url(_EXCHANGE[kind]), urlencode(fields).encode()
    try:
        answer = await http.fetch("POST", url, headers=headers, body=body, limit=ANSWER_LIMIT)
    except TransportError as fault:
        raise _unavailable(kind, f"cannot be reached: {fault.message}") from fault
    if answer.status in (400, 401, 403):
        raise refused(kind, "it took the code for none of its own")
    if answer.status != 200:
        raise _unavailable(kind, f"answered {answer.status}")
    return answer.body


def _granted_by_slack(body: bytes) -> Granted:
    answer = _read(body, SlackAnswer, "slack")
    if not answer.ok:
        raise refused("slack", "it took the code for none of its own")
    if answer.incoming_webhook is None:
        raise refused("slack", "no channel was chosen")
    hook = answer.incoming_webhook
    return Granted({"type": "slack", "webhook_url": hook.url}, f"Slack {hook.channel}")


def _granted_by_discord(body: bytes) -> Granted:
    hook = _read(body, DiscordAnswer, "discord").webhook
    if hook is None:
        raise refused("discord", "no channel was chosen")
    url = f"https://discord.com/api/webhooks/{hook.id}/{hook.token}"
    return Granted({"type": "discord", "webhook_url": url}, f"Discord {hook.name or ''}")


def _read(body: bytes, shape: type[T], kind: str) -> T:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _unavailable(kind, "answered with something else than was asked for") from None


def _client(settings: Settings, kind: str) -> tuple[str, str]:
    app = settings.slack if kind == "slack" else settings.discord
    return app.client_id, app.client_secret


def _unavailable(kind: str, why: str) -> Unavailable:
    return Unavailable(f"{TITLES[kind]} {why}. Try again shortly", code="CONNECT_UNAVAILABLE")
