"""SMS through a gateway of the tenant's own: one text for one message, a digest included. PROVIDERS lists the gateways.

2xx             delivered, but Vonage's, whose body decides
3xx, 4xx        given up; but 401, 402, 403, 408, 429 and whatever code means a limit is tried again
STOP            given up, and the channel is disabled: no text will ever arrive from this sender
5xx             tried again
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from control_plane.domain.alerting.delivery import retry_after
from control_plane.domain.alerting.message_words import Words
from control_plane.domain.channels import channel_rules, sms_rules
from control_plane.domain.channels.sms_text import trimmed
from control_plane.notify.excerpt import basic, excerpt
from control_plane.notify.guarded_http import Answer
from control_plane.notify.sms_plivo import Plivo
from control_plane.notify.sms_provider import Provider, Request, Sms
from control_plane.notify.sms_sinch import Sinch
from control_plane.notify.sms_telnyx import Telnyx
from control_plane.notify.sms_twilio import Twilio
from control_plane.notify.sms_vonage import Vonage
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Message, Parts, Sent, Transport
from control_plane.notify.transport_error import TransportError
from shared.netpolicy import parse_http_url

PROVIDERS: Mapping[str, type[Provider]] = {
    "plivo": Plivo,
    "sinch": Sinch,
    "telnyx": Telnyx,
    "twilio": Twilio,
    "vonage": Vonage,
}

USER_AGENT = "Farwatch-SMS/1"


class SmsTransport(Transport[Sms]):
    """Sends texts through the channel's gateway."""

    configuration: ClassVar[type[Sms]] = Sms
    digests: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http

    def prepared(self, config: Sms, *, entropy: bytes) -> Sms:  # noqa: ARG002  # no secret of ours
        """Checked numbers and credentials; Sinch's region is us by default. Raises BadRequest."""
        sms_rules.check_numbers(to=config.to, sender=config.sender)
        sms_rules.check_credentials(config.provider, _credentials(config), sender=config.sender)
        if config.provider == "sinch" and config.region is None:
            return msgspec.structs.replace(config, region="us")
        return config

    def parts(self, config: Sms) -> Parts:
        """Only what proves who we are is sealed: numbers and the account's id stay readable."""
        known = sms_rules.CREDENTIALS[config.provider]
        given = {name: value for name, value in _credentials(config).items() if value is not None}
        secrets = {name: value for name, value in given.items() if name in known and known[name].secret}
        shown = {
            "type": "sms",
            "provider": config.provider,
            "to": config.to,
            "from": config.sender,
            **given,
            **dict.fromkeys(secrets, channel_rules.MASK),
        }
        return Parts(shown=shown, secrets=secrets, host=PROVIDERS[config.provider].host(config))

    async def send(self, config: Sms, message: Message) -> Sent:
        """One text. Raises TransportError."""
        provider = PROVIDERS[config.provider]
        request = provider.request(config, text_of(message.words), message_id=message.message_id)
        answer = await self._http.post(parse_http_url(request.url), headers=_headers(request), body=request.body)
        return _judged(answer, config, message)


def text_of(words: Words) -> str:
    """What is sent: what happened, the rest as far as it fits, and the link where there is one."""
    ending = "" if words.url is None or words.url in words.text else f"\n{words.url}"
    return trimmed(f"{words.title}\n{words.text}".strip(), ending=ending)


def _credentials(config: Sms) -> dict[str, str | None]:
    return {name: getattr(config, name) for each in sms_rules.CREDENTIALS.values() for name in each}


def _headers(request: Request) -> dict[str, str]:
    headers = {
        "User-Agent": USER_AGENT,
        "Content-Type": request.content_type,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }
    return headers if request.authorization is None else headers | {"Authorization": request.authorization}


def _judged(answer: Answer, config: Sms, message: Message) -> Sent:
    provider = PROVIDERS[config.provider]
    response = excerpt(answer.body, secrets=_proofs(config))
    fault = provider.fault(answer)
    if fault is None:
        return Sent(http_status=answer.status, response=response)
    raise TransportError(
        f"{provider.title} {excerpt(fault.told.encode('utf-8', 'replace'), secrets=_proofs(config))}",
        permanent=fault.permanent,
        gone=fault.gone,
        retry_after=retry_after(answer.retry_after, now=message.sent_at),
        http_status=answer.status,
        response=response,
    )


def _proofs(config: Sms) -> tuple[str, ...]:
    """The secrets, and Basic credentials made of them."""
    account = config.account_sid or config.auth_id
    secrets = tuple(filter(None, (config.auth_token, config.api_token, config.api_secret)))
    if config.provider == "telnyx" and config.api_key:
        secrets += (config.api_key,)
    return secrets if account is None else (*secrets, basic(account, config.auth_token or ""))
