"""WhatsApp's Cloud API, as a judge of what reaches it.

https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages and …/support/error-codes; webhooks as
…/webhooks/reference/messages says, signed as …/graph-api/webhooks/getting-started#validate-payloads.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.support.vendors import Reply, Request

HOST = "graph.facebook.com"
TOKEN = "EAAG-access-token-of-whatsapp"
NUMBER_ID = "106540352242922"
TEMPLATE, LANGUAGE = "farwatch_alert", "en_US"
_RUN = re.compile(r"[\n\t]| {5}")


@dataclass
class CloudApi:
    """One number with one approved template of one parameter. `next` answers before any rule."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    next: list[Reply] = field(default_factory=list)
    unreachable: set[str] = field(default_factory=set)

    def __call__(self, request: Request) -> Reply:
        if self.next:
            return self.next.pop(0)
        if request.host != HOST or not re.fullmatch(rf"/v\d+\.\d/{NUMBER_ID}/messages", request.path):
            return error(400, 33, "Unsupported post request. Object with this ID does not exist")
        if request.method != "POST":
            return error(400, 100, "Unsupported get request")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return error(401, 190, "Error validating access token: Session has expired")
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return error(400, 100, "The parameter messaging_product is required.")
        return self._take(json.loads(request.body))

    def _take(self, body: dict[str, Any]) -> Reply:
        if body.get("messaging_product") != "whatsapp" or body.get("recipient_type", "individual") != "individual":
            return error(400, 100, "The parameter messaging_product is required.")
        to = str(body.get("to", ""))
        if not re.fullmatch(r"\+?[1-9]\d{6,14}", to):
            return error(400, 131009, "Parameter value is not valid", "to is not a phone number")
        if body.get("type") != "template":
            return error(400, 131047, "Re-engagement message", "More than 24 hours have passed")
        refusal = _template(body.get("template", {}))
        if refusal is None and len(body.get("biz_opaque_callback_data", "")) > 512:
            refusal = error(400, 131009, "Parameter value is not valid", "biz_opaque_callback_data is too long")
        if refusal is None and to in self.unreachable:
            refusal = error(400, 131026, "Message undeliverable")
        if refusal is not None:
            return refusal
        self.sent.append(body)
        message = {"id": f"wamid.{len(self.sent)}", "message_status": "accepted"}
        taken = {"messaging_product": "whatsapp", "contacts": [{"input": to, "wa_id": to}], "messages": [message]}
        return Reply(200, json.dumps(taken).encode(), {"Content-Type": "application/json"})


def _template(template: dict[str, Any]) -> Reply | None:
    if (template.get("name"), template.get("language", {}).get("code")) != (TEMPLATE, LANGUAGE):
        told = f"template name ({template.get('name')}) does not exist in {template.get('language')}"
        return error(404, 132001, "Template name does not exist in the translation", told)
    bodies = [each for each in template.get("components", []) if each.get("type") == "body"]
    parameters = bodies[0].get("parameters", []) if len(bodies) == 1 else []
    if len(parameters) != 1:
        return error(400, 132000, "Number of parameters does not match the expected number of params")
    text = parameters[0].get("text")
    if parameters[0].get("type") != "text" or not isinstance(text, str) or not text:
        return error(400, 131008, "Required parameter is missing")
    if _RUN.search(text):
        told = "Param text cannot have new-line/tab characters or more than 4 consecutive spaces"
        return error(400, 132018, "There was an issue with the parameters in your template", told)
    if len(text) > 1024:
        return error(400, 132005, "Translated text too long")
    return None


def error(status: int, code: int, message: str, details: str | None = None, **headers: str) -> Reply:
    """An error as the Graph API says it."""
    told: dict[str, Any] = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code}
    if details is not None:
        told["error_data"] = {"messaging_product": "whatsapp", "details": details}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = json.dumps({"error": told | {"fbtrace_id": "Az8or2yhqkZfEZ-_4Qn_Bam"}}).encode()
    return Reply(status, body, {"Content-Type": "application/json", **named})


def hook(*, messages: list[Any] = [], statuses: list[Any] = [], number_id: str = NUMBER_ID, **over: Any) -> bytes:  # noqa: B006
    """What Meta posts to a webhook."""
    contacts = [{"profile": {"name": "Ana Berg"}, "wa_id": each["from"]} for each in messages if "from" in each]
    value: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": number_id},
        **({"contacts": contacts, "messages": messages} if messages else {}),
        **({"statuses": statuses} if statuses else {}),
        **over,
    }
    entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def a_text(body: str, *, sender: str = "4915112345678") -> dict[str, Any]:
    """A message that somebody sent."""
    return {"from": sender, "id": "wamid.IN", "timestamp": "1772373900", "type": "text", "text": {"body": body}}


def a_failure(
    wamid: str, *, to: str = "4915112345678", code: int = 131026, opaque: str | None = None
) -> dict[str, Any]:
    """The status of a message that was accepted and did not arrive."""
    told = {"code": code, "title": "Message undeliverable", "message": "Message undeliverable"}
    status = {"id": wamid, "status": "failed", "timestamp": "1772373900", "recipient_id": to, "errors": [told]}
    return status if opaque is None else status | {"biz_opaque_callback_data": opaque}


def signature(body: bytes, app_secret: str) -> str:
    """X-Hub-Signature-256."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
