"""The gateways of the tests refuse what the gateways document as refused."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from control_plane.notify.excerpt import basic
from tests.support.vendor_sms import ACCOUNT, FORM, HOSTS, JSON, TOKEN, a_gateway
from tests.support.vendors import Reply, Request

PATHS = {
    "plivo": f"/v1/Account/{ACCOUNT}/Message/",
    "sinch": "/xms/v1/plan0123/batches",
    "telnyx": "/v2/messages",
    "twilio": f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
    "vonage": "/sms/json",
}
GOOD: dict[str, dict[str, Any]] = {
    "plivo": {"src": "+15550001", "dst": "+15551234567", "text": "t"},
    "sinch": {"from": "+15550001", "to": ["+15551234567"], "body": "t"},
    "telnyx": {"from": "+15550001", "to": "+15551234567", "text": "t"},
    "twilio": {"From": "+15550001", "To": "+15551234567", "Body": "t"},
    "vonage": {"api_key": "abcd1234", "api_secret": TOKEN, "from": "Farwatch", "to": "15551234567", "text": "t"},
}
AUTHORIZATION = {
    "plivo": f"Basic {basic(ACCOUNT, TOKEN)}",
    "sinch": f"Bearer {TOKEN}",
    "telnyx": f"Bearer {TOKEN}",
    "twilio": f"Basic {basic(ACCOUNT, TOKEN)}",
    "vonage": "",
}
PROVIDERS = sorted(GOOD)


def asked(provider: str, *, stopped: set[str] | None = None, headers: dict[str, str] | None = None, **over: Any) -> str:
    """The status of the answer, with Vonage's own behind it."""
    gateway = a_gateway(provider)
    gateway.stopped |= stopped or set()
    fields = GOOD[provider] | {name.replace("sender", "from"): value for name, value in over.items()}
    form = provider in ("twilio", "vonage")
    body = urlencode(fields).encode() if form else json.dumps(fields).encode()
    given = {"content-type": FORM if form else JSON, "authorization": AUTHORIZATION[provider], **(headers or {})}
    reply = gateway(Request("POST", HOSTS[provider], PATHS[provider], {}, given, body))
    assert isinstance(reply, Reply)
    taken = b'"status": "0"' in reply.body if provider == "vonage" else reply.status < 300
    assert bool(gateway.sent) == taken
    said = json.loads(reply.body) if reply.body.startswith(b"{") else {}
    if provider == "vonage" and reply.status == 200:
        return f"200 {said['messages'][0]['status']}"
    code = said.get("code") or (said["errors"][0]["code"] if "errors" in said else "")
    return f"{reply.status} {code}".strip()


@pytest.mark.parametrize(
    ("provider", "status"),
    [("plivo", "202"), ("sinch", "201"), ("telnyx", "200"), ("twilio", "201"), ("vonage", "200 0")],
)
def test_a_text_as_documented_is_taken(provider: str, status: str) -> None:
    assert asked(provider) == status


@pytest.mark.parametrize(
    ("provider", "over", "status"),
    [
        ("plivo", {"dst": "tomorrow"}, "400"),
        ("plivo", {"src": ""}, "400"),
        ("plivo", {"dst": "+15550001"}, "400"),
        ("plivo", {"text": ""}, "400"),
        ("sinch", {"to": "+15551234567"}, "400 syntax_invalid_parameter_format"),
        ("sinch", {"body": "b" * 2001}, "400 syntax_constraint_violation"),
        ("sinch", {"sender": "TwelveLetter"}, "400 syntax_invalid_parameter_format"),
        ("telnyx", {"to": "15551234567"}, "400 40310"),
        ("telnyx", {"sender": "not a number!"}, "400 40305"),
        ("telnyx", {"sender": "Farwatch"}, "400 10004"),
        ("telnyx", {"text": ""}, "422 40316"),
        ("twilio", {"To": "15551234567"}, "400 21211"),
        ("twilio", {"To": ""}, "400 21604"),
        ("twilio", {"From": "TwelveLetter"}, "400 21212"),
        ("twilio", {"Body": ""}, "400 21602"),
        ("twilio", {"Body": "b" * 1601}, "400 21617"),
        ("vonage", {"to": "+15551234567"}, "200 3"),
        ("vonage", {"text": ""}, "200 2"),
        ("vonage", {"api_secret": "wrong"}, "200 4"),
        ("vonage", {"text": "ж"}, "200 6"),
        ("vonage", {"sender": "TwelveLetter"}, "200 15"),
        ("vonage", {"client-ref": "x" * 101}, "200 3"),
    ],
)
def test_what_a_gateway_refuses_is_refused(provider: str, over: dict[str, Any], status: str) -> None:
    assert asked(provider, **over) == status


@pytest.mark.parametrize(
    ("provider", "status"), [("plivo", "401"), ("sinch", "401"), ("telnyx", "401 10009"), ("twilio", "401 20003")]
)
def test_a_wrong_credential_is_refused(provider: str, status: str) -> None:
    assert asked(provider, headers={"authorization": "Bearer other"}) == status


@pytest.mark.parametrize(
    ("provider", "status"),
    [
        ("plivo", "400"),
        ("sinch", "400 syntax_invalid_json"),
        ("telnyx", "400 10015"),
        ("twilio", "400 21604"),
        ("vonage", "200 2"),
    ],
)
def test_another_content_type_is_not_read(provider: str, status: str) -> None:
    assert asked(provider, headers={"content-type": "text/plain"}) == status


@pytest.mark.parametrize(
    ("provider", "status"), [("telnyx", "403 40300"), ("twilio", "400 21610"), ("vonage", "200 7")]
)
def test_who_said_stop_gets_nothing(provider: str, status: str) -> None:
    assert asked(provider, stopped={"+15551234567", "15551234567"}) == status
