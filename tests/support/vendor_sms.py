"""Five SMS gateways, as judges of what reaches them, each with the rules that it documents.

Twilio   https://www.twilio.com/docs/messaging/api/message-resource and https://www.twilio.com/docs/api/errors
Telnyx   https://developers.telnyx.com/api/messaging/send-message and …/docs/messaging/messages/error-codes
Vonage   https://developer.vonage.com/en/api/sms and …/messaging/sms/guides/troubleshooting-sms
Plivo    https://www.plivo.com/docs/messaging/api/message and …/api/response
Sinch    https://developers.sinch.com/docs/sms/api-reference/sms/tag/Batches/
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.support.vendors import Reply, Request

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà\f^{}\\[~]|€"
)
E164 = re.compile(r"\+?[1-9]\d{6,14}")
SENDER = re.compile(r"\+?\d{3,15}|[A-Za-z0-9 ]{1,11}")
ACCOUNT = "AC" + "0a" * 16
TOKEN = "the-gateways-token"


@dataclass
class Gateway:
    """A gateway that knows one account. `stopped` are numbers that said STOP; `next` answers before any rule."""

    judge_of: Callable[[Gateway, Request], Reply]
    sent: list[dict[str, Any]] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)
    next: list[Reply] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        return self.next.pop(0) if self.next else self.judge_of(self, request)

    def take(self, fields: dict[str, Any]) -> None:
        self.sent.append(fields)


def answer(status: int, body: Any, **headers: str) -> Reply:
    """A JSON answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body).encode(), {"Content-Type": JSON, **named})


def read_form(request: Request) -> dict[str, str] | None:
    """The fields of a form in UTF-8, each once; None: it is no such form."""
    if request.headers.get("content-type") != FORM:
        return None
    pairs = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    return dict(pairs) if len(dict(pairs)) == len(pairs) else None


def read_json(request: Request) -> dict[str, Any] | None:
    """The object in a body; None: it is none."""
    if request.headers.get("content-type", "").partition(";")[0] != JSON:
        return None
    try:
        found = json.loads(request.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def is_basic(request: Request, name: str, password: str) -> bool:
    """Whether Basic authentication is right."""
    wanted = base64.b64encode(f"{name}:{password}".encode()).decode()
    return request.headers.get("authorization") == f"Basic {wanted}"


def _twilio(gateway: Gateway, request: Request) -> Reply:
    def refuse(status: int, code: int, message: str) -> Reply:
        more = f"https://www.twilio.com/docs/errors/{code}"
        return answer(status, {"code": code, "message": message, "more_info": more, "status": status})

    path = re.fullmatch(r"/2010-04-01/Accounts/(AC[0-9a-f]{32})/Messages\.json", request.path)
    if request.host != "api.twilio.com" or path is None or request.method != "POST":
        return refuse(404, 20404, f"The requested resource {request.path} was not found")
    if not is_basic(request, ACCOUNT, TOKEN) or path[1] != ACCOUNT:
        return refuse(401, 20003, "Authenticate")
    fields = read_form(request) or {}
    to, sender, text = fields.get("To", ""), fields.get("From", ""), fields.get("Body", "")
    if not to:
        return refuse(400, 21604, "A 'To' phone number is required.")
    if not re.fullmatch(r"\+[1-9]\d{6,14}", to):
        return refuse(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    if not SENDER.fullmatch(sender):
        return refuse(400, 21212, f"The 'From' number {sender} is not a valid phone number or shortcode.")
    if not text:
        return refuse(400, 21602, "Message body is required.")
    if len(text) > 1600:
        return refuse(400, 21617, "The concatenated message body exceeds the 1600 character limit")
    if to in gateway.stopped:
        return refuse(400, 21610, "Attempt to send to unsubscribed recipient")
    gateway.take({"to": to, "from": sender, "text": text})
    return answer(201, {"sid": "SM" + "0" * 32, "status": "queued", "error_code": None, "to": to, "from": sender})


def _telnyx(gateway: Gateway, request: Request) -> Reply:
    def refuse(status: int, code: str, title: str) -> Reply:
        return answer(status, {"errors": [{"code": code, "title": title, "detail": f"{title}."}]})

    if (request.host, request.method, request.path) != ("api.telnyx.com", "POST", "/v2/messages"):
        return refuse(404, "10005", "Resource not found")
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return refuse(401, "10009", "Authentication failed")
    body = read_json(request)
    if body is None:
        return refuse(400, "10015", "Bad Request")
    if not E164.fullmatch(str(body.get("to", ""))) or not str(body["to"]).startswith("+"):
        return refuse(400, "40310", "Invalid 'to' address")
    sender = str(body.get("from", ""))
    if not SENDER.fullmatch(sender):
        return refuse(400, "40305", "Invalid 'from' address")
    if not sender.lstrip("+").isdigit() and "messaging_profile_id" not in body:
        return refuse(400, "10004", "Missing required parameter")
    if not body.get("text") or body.get("type", "SMS") not in ("SMS", "MMS"):
        return refuse(422, "40316", "No content provided")
    if body["to"] in gateway.stopped:
        return refuse(403, "40300", "Blocked due to STOP message")
    gateway.take(body)
    return answer(200, {"data": {"id": "4031", "to": [{"phone_number": body["to"], "status": "queued"}]}})


def _vonage(gateway: Gateway, request: Request) -> Reply:
    def refuse(status: str, text: str) -> Reply:
        return answer(200, {"message-count": "1", "messages": [{"status": status, "error-text": text}]})

    if (request.host, request.method, request.path) != ("rest.nexmo.com", "POST", "/sms/json"):
        return Reply(404, b"Not Found")
    fields = read_form(request) or {}
    missing = [name for name in ("api_key", "api_secret", "from", "to", "text") if not fields.get(name)]
    if missing:
        return refuse("2", f"Missing {missing[0]}")
    if (fields["api_key"], fields["api_secret"]) != ("abcd1234", TOKEN):
        return refuse("4", "Bad Credentials")
    if not re.fullmatch(r"[1-9]\d{6,14}", fields["to"]):
        return refuse("3", "to address is not numeric")
    if not re.fullmatch(r"\d{1,15}|[A-Za-z0-9 ]{1,11}", fields["from"]):
        return refuse("15", "Illegal Sender Address - rejected")
    kind = fields.get("type", "text")
    if kind not in ("text", "unicode") or (kind == "text" and not set(fields["text"]) <= GSM):
        return refuse("6", "The message is not in the character set of its type")
    if len(fields.get("client-ref", "")) > 100:
        return refuse("3", "client-ref is too long")
    if fields["to"] in gateway.stopped:
        return refuse("7", "Number barred")
    gateway.take(fields)
    part = {"to": fields["to"], "message-id": "0A0000000123ABCD1", "status": "0", "network": "23410"}
    return answer(200, {"message-count": "1", "messages": [part]})


def _plivo(gateway: Gateway, request: Request) -> Reply:
    def refuse(status: int, error: str) -> Reply:
        return answer(status, {"api_id": "97ceeb52", "error": error})

    path = f"/v1/Account/{ACCOUNT}/Message/"
    if not is_basic(request, ACCOUNT, TOKEN):
        return refuse(401, "authentication_failed")
    if (request.host, request.method, request.path) != ("api.plivo.com", "POST", path):
        return refuse(404, "not found")
    body = read_json(request)
    if body is None:
        return refuse(400, "invalid_parameter: the body is JSON")
    if not E164.fullmatch(str(body.get("dst", ""))):
        return refuse(400, "invalid_parameter: dst")
    if not SENDER.fullmatch(str(body.get("src", ""))) or body["src"] == body["dst"]:
        return refuse(400, "invalid_parameter: src")
    if not body.get("text") or len(body["text"]) > 1600:
        return refuse(400, "invalid_parameter: text")
    gateway.take(body)
    return answer(202, {"message": "message(s) queued", "message_uuid": ["db3ce55a"], "api_id": "db342550"})


def _sinch(gateway: Gateway, request: Request) -> Reply:
    def refuse(status: int, code: str, text: str) -> Reply:
        return answer(status, {"code": code, "text": text})

    host = re.fullmatch(r"(us|eu|au|br|ca)\.sms\.api\.sinch\.com", request.host)
    if host is None or request.method != "POST" or request.path != "/xms/v1/plan0123/batches":
        return Reply(404)
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return Reply(401)
    body = read_json(request)
    if body is None:
        return refuse(400, "syntax_invalid_json", "The body is not JSON")
    to, text = body.get("to"), body.get("body")
    if not isinstance(to, list) or not 1 <= len(to) <= 1000 or not all(E164.fullmatch(str(each)) for each in to):
        return refuse(400, "syntax_invalid_parameter_format", "to: not a phone number")
    if not isinstance(text, str) or not 1 <= len(text) <= 2000:
        return refuse(400, "syntax_constraint_violation", "body: 1 to 2000 characters")
    if not SENDER.fullmatch(str(body.get("from", ""))):
        return refuse(400, "syntax_invalid_parameter_format", "from: not a sender")
    if body.get("type", "mt_text") != "mt_text" or len(body.get("client_reference", "")) > 2048:
        return refuse(400, "syntax_invalid_parameter_format", "type, client_reference")
    gateway.take(body)
    return answer(201, {"id": "01FC66621XXXXX119Z8PMV1QPQ", "to": to, "canceled": False, "type": "mt_text"})


JUDGES: dict[str, Callable[[Gateway, Request], Reply]] = {
    "plivo": _plivo,
    "sinch": _sinch,
    "telnyx": _telnyx,
    "twilio": _twilio,
    "vonage": _vonage,
}
HOSTS = {
    "plivo": "api.plivo.com",
    "sinch": "eu.sms.api.sinch.com",
    "telnyx": "api.telnyx.com",
    "twilio": "api.twilio.com",
    "vonage": "rest.nexmo.com",
}
CONFIGS: dict[str, dict[str, str]] = {
    "plivo": {"auth_id": ACCOUNT, "auth_token": TOKEN},
    "sinch": {"service_plan_id": "plan0123", "api_token": TOKEN, "region": "eu"},
    "telnyx": {"api_key": TOKEN},
    "twilio": {"account_sid": ACCOUNT, "auth_token": TOKEN},
    "vonage": {"api_key": "abcd1234", "api_secret": TOKEN},
}
"""Credentials that each gateway here takes."""


def a_gateway(provider: str) -> Gateway:
    """A gateway with one account and no history."""
    return Gateway(JUDGES[provider])
