"""The webhook: one POST of exactly the stored bytes, signed. The receiver's status is its whole answer.

2xx          delivered
3xx          given up: a redirect is never followed, with a body that is signed for one receiver
410          given up: the receiver is gone for good (Standard Webhooks)
any other    tried again, not before its Retry-After: a receiver that is being deployed answers 404 or 401 for a moment
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

import msgspec
from msgspec import Struct

from control_plane.domain.alerting.delivery import retry_after
from control_plane.domain.channels import channel_rules
from control_plane.notify.excerpt import excerpt
from control_plane.notify.guarded_http import Answer
from control_plane.notify.signing import make_secret, signature_headers, signing_key
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.notify.transport_error import TransportError
from shared.netpolicy import HttpUrl, UrlRefused, judge_host, parse_http_url

GONE = 410

USER_AGENT = "Farwatch-Webhook/1"

FORMER_FOR = timedelta(hours=24)
"""How long the secret before a rotation goes on signing, so that receivers can change theirs meanwhile."""


class Former(Struct, frozen=True, forbid_unknown_fields=True):
    """The secret that was rotated out, and until when it signs as well."""

    secret: str
    until: datetime


class Webhook(Configuration, frozen=True, tag="webhook"):
    """`secret` signs; one is made when it is absent. `former` signs, too, until its end."""

    url: str
    headers: dict[str, str] = {}  # noqa: RUF012  # msgspec copies it
    secret: str | None = None
    former: Former | None = None


class WebhookTransport(Transport[Webhook]):
    """Sends webhooks under the address guard."""

    configuration: ClassVar[type[Webhook]] = Webhook
    digests: ClassVar[bool] = False

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http

    def prepared(self, config: Webhook, *, entropy: bytes) -> Webhook:
        """Canonical URL, checked headers, a secret. Raises BadRequest: INVALID_CHANNEL_CONFIG, SSRF_BLOCKED …"""
        url = self._read_url(config.url)
        channel_rules.check_headers(config.headers)
        _check_secret(config.secret, field="/config/secret")
        if config.former is not None:
            _check_former(config.former)
        return msgspec.structs.replace(config, url=str(url), secret=config.secret or make_secret(entropy))

    def parts(self, config: Webhook) -> Parts:
        """URL, header values and secret are sealed: each may carry a token. Names of headers stay readable."""
        masked = dict.fromkeys(config.headers, channel_rules.MASK)
        former = {} if config.former is None else {"former": msgspec.to_builtins(config.former)}
        return Parts(
            shown={
                "type": "webhook",
                "url": channel_rules.MASK,
                "headers": masked,
                "secret": channel_rules.MASK,
                **dict.fromkeys(former, channel_rules.MASK),
            },
            secrets={"url": config.url, "headers": config.headers, "secret": config.secret, **former},
            host=parse_http_url(config.url).host_header,
        )

    async def send(self, config: Webhook, message: Message) -> Sent:
        """One POST. Raises TransportError."""
        url, keys = _usable(config, now=message.sent_at)
        signed = signature_headers(
            keys=keys,
            message_id=str(message.message_id),
            timestamp=int(message.sent_at.timestamp()),
            body=message.body,
        )
        named = {name.lower() for name in config.headers}
        ours = {
            **({} if "user-agent" in named else {"User-Agent": USER_AGENT}),
            "Content-Type": "application/json; charset=utf-8",
            "Accept-Encoding": "identity",
            "X-Farwatch-Attempt": str(message.attempt),
            **signed,
        }
        answer = await self._http.post(url, headers=config.headers | ours, body=message.body)
        return _judged(answer, message=message, response=_kept(answer.body, config))

    def _read_url(self, text: str) -> HttpUrl:
        try:
            url = parse_http_url(text)
            judge_host(url, self._http.policy)
        except UrlRefused as refused:
            raise channel_rules.refused_url(refused) from None
        if url.scheme == "http" and not self._http.policy.is_private:
            raise channel_rules.invalid("A webhook's URL must be https", field="/config/url")
        return url


def rotated(config: Webhook, *, secret: str, now: datetime) -> Webhook:
    """The same with a new secret, beside which the present one signs for a while."""
    former = None if config.secret is None else Former(config.secret, now + FORMER_FOR)
    return msgspec.structs.replace(config, secret=secret, former=former)


def _check_secret(secret: str | None, *, field: str) -> None:
    try:
        signing_key(secret) if secret is not None else None
    except ValueError as wrong:
        raise channel_rules.invalid(str(wrong), field=field) from None


def _check_former(former: Former) -> None:
    _check_secret(former.secret, field="/config/former/secret")
    if former.until.tzinfo is None:
        raise channel_rules.invalid("until is an instant with its offset, such as …Z", field="/config/former/until")


def _usable(config: Webhook, *, now: datetime) -> tuple[HttpUrl, tuple[bytes, ...]]:
    """URL and signing keys of what is stored, which stricter rules of a later release may no longer take."""
    former = config.former
    secrets = [config.secret or "", *([former.secret] if former is not None and now < former.until else [])]
    try:
        return parse_http_url(config.url), tuple(map(signing_key, secrets))
    except UrlRefused as refused:
        raise TransportError(f"The channel's URL cannot be used: {refused.message}", permanent=True) from None
    except ValueError as wrong:
        raise TransportError(f"The channel's secret cannot be used: {wrong}", permanent=True) from None


def _judged(answer: Answer, *, message: Message, response: str | None) -> Sent:
    status = answer.status
    if 200 <= status < 300:
        return Sent(http_status=status, response=response)
    if 300 <= status < 400:
        told = f"answered {status}: redirects are not followed, so set the final URL"
    elif status == GONE:
        told = f"answered {status}: it is gone for good"
    else:
        told = f"answered {status}"
    raise TransportError(
        f"The receiver {told}",
        permanent=300 <= status < 400 or status == GONE,
        retry_after=retry_after(answer.retry_after, now=message.sent_at),
        http_status=status,
        response=response,
    )


def _kept(body: bytes, config: Webhook) -> str | None:
    former = "" if config.former is None else config.former.secret
    return excerpt(body, secrets=(config.secret or "", former, *config.headers.values()), url=config.url)
