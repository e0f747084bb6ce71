"""WhatsApp's Cloud API: one template message, and what its answer means.

https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages and …/support/error-codes. A template is
needed: free text is taken only within 24 hours of the recipient's last message, and dropped in silence after that.

It decides by the error's code; Meta asks for that, and answers 400 to what may pass as well as to what will not.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from control_plane.domain.alerting.delivery import retry_after
from control_plane.domain.alerting.message_words import Words
from control_plane.domain.channels.whatsapp_rules import parameter
from control_plane.notify.excerpt import excerpt
from control_plane.notify.guarded_http import Answer, GuardedHttp
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError
from shared.netpolicy import parse_http_url

HOST = "graph.facebook.com"
VERSION = "v23.0"

USER_AGENT = "Farwatch-WhatsApp/1"

PASSING = frozenset(
    {1, 2, 4, 368, 80007, 130429, 131000, 131016, 131031, 131042, 131048, 131056, 131057, 133004, 133016}
)
"""Limits of app, account, number and pair; trouble of theirs; an account that is locked or has not paid for now."""

FINAL = frozenset(
    {
        0, 3, 10, 33, 100, 190, 130472, 131005, 131008, 131009, 131021, 131026, 131030, 131037, 131045, 131047, 131049,
        131050, 131051, 132000, 132001, 132005, 132007, 132012, 132015, 132016, 132018, 133010,
    }
)  # fmt: skip
"""Credentials, permissions, numbers and templates, each of which somebody has to change first."""

REMEDIES = {
    0: "the access token could not be read: give the channel a new one",
    190: "the access token has expired or was revoked: give the channel a new one",
    10: "the access token may not send from this number: grant it whatsapp_business_messaging",
    131021: "the recipient is the sending number itself",
    131026: "the recipient cannot get it: no WhatsApp there, an old version of it, or its terms are not accepted",
    131030: "the recipient is not on the list of a test number",
    131047: "24 hours have passed since the recipient's last message, and this is no template",
    132000: "the template does not have exactly one parameter in its body",
    132001: "there is no such template in this language, or it is not approved",
    132005: "the template and its text together are too long: shorten the template",
    132015: "the template is paused for its quality",
    132016: "the template is disabled for its quality",
    133010: "the sending number is not registered",
}
"""What we say of the codes that people meet; of others, what Meta says."""


class Sender(Struct, frozen=True, kw_only=True):
    """Who sends, and through which template."""

    access_token: str
    phone_number_id: str
    template_name: str
    language: str


class _Error(Struct, frozen=True):
    code: int | None = None
    message: str = ""
    error_data: Any = None


class _Reply(Struct, frozen=True):
    error: _Error | None = None
    messages: tuple[dict[str, Any], ...] = ()


async def send_template(http: GuardedHttp, sender: Sender, *, to: str, message: Message) -> Sent:
    """One message to these digits. The receipt has its id, `wamid`. Raises TransportError."""
    headers = {
        "Authorization": f"Bearer {sender.access_token}",
        "User-Agent": USER_AGENT,
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
    }
    url = parse_http_url(f"https://{HOST}/{VERSION}/{sender.phone_number_id}/messages")
    answer = await http.post(url, headers=headers, body=document(sender, to=to, message=message))
    return _judged(answer, sender, now=message.sent_at)


def document(sender: Sender, *, to: str, message: Message) -> bytes:
    """The body. `biz_opaque_callback_data` comes back with each status of the message."""
    text = {"type": "text", "text": text_of(message.words)}
    return msgspec.json.encode(
        {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": to,
            "type": "template",
            "template": {
                "name": sender.template_name,
                "language": {"code": sender.language},
                "components": [{"type": "body", "parameters": [text]}],
            },
            "biz_opaque_callback_data": str(message.message_id),
        }
    )


def text_of(words: Words) -> str:
    """All of it in one line, with the links last."""
    links = [each for each in (words.url, words.acknowledge_url) if each and each not in words.text]
    return parameter(words.title, words.text, ending=" · ".join(links))


def _judged(answer: Answer, sender: Sender, *, now: datetime) -> Sent:
    status, reply = answer.status, _read(answer.body)
    response = excerpt(answer.body, secrets=(sender.access_token,))
    if 200 <= status < 300 and reply.error is None:
        wamid = reply.messages[0].get("id") if reply.messages else None
        return Sent(http_status=status, response=response, receipt={"wamid": wamid} if wamid else None)
    code = None if reply.error is None else reply.error.code
    raise TransportError(
        f"WhatsApp {_told(answer, reply.error, secret=sender.access_token)}",
        permanent=_is_final(status, code),
        retry_after=retry_after(answer.retry_after, now=now),
        http_status=status,
        response=response,
    )


def _is_final(status: int, code: int | None) -> bool:
    """By the code where we know it, or else by the status: 401, 403, 408 and 429 may pass, other 3xx and 4xx not."""
    if code in PASSING:
        return False
    if code in FINAL or (code is not None and 200 <= code <= 299):  # 200-299: permissions
        return True
    return 300 <= status < 500 and status not in (401, 403, 408, 429)


def _read(body: bytes) -> _Reply:
    try:
        return msgspec.json.decode(body, type=_Reply)
    except msgspec.MsgspecError:
        return _Reply()


def _told(answer: Answer, error: _Error | None, *, secret: str) -> str:
    if 300 <= answer.status < 400:
        return f"answered {answer.status}: redirects are not followed"
    if error is None:
        return f"answered {answer.status}"
    return f"answered {answer.status}: {excerpt(words_of(error).encode('utf-8', 'replace'), secrets=(secret,))}"


def words_of(error: _Error) -> str:
    """What an error means, in our words where we have some."""
    details = error.error_data.get("details") if isinstance(error.error_data, dict) else None
    if error.code is None:
        return str(details or error.message)
    return f"{REMEDIES.get(error.code) or details or error.message} ({error.code})"
