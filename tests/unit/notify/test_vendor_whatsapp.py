"""The Cloud API of the tests refuses what Meta documents as refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.vendor_whatsapp import HOST, LANGUAGE, NUMBER_ID, TEMPLATE, TOKEN, CloudApi
from tests.support.vendors import Reply, Request


def a_body(text: Any = "Checkout API is down", *, parameters: int = 1, **over: Any) -> dict[str, Any]:
    template = {
        "name": over.pop("name", TEMPLATE),
        "language": {"code": over.pop("language", LANGUAGE)},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": text}] * parameters}],
    }
    good = {"messaging_product": "whatsapp", "to": "4915112345678", "type": "template", "template": template}
    return good | over


def asked(body: dict[str, Any], *, path: str = f"/v23.0/{NUMBER_ID}/messages", token: str = TOKEN) -> tuple[int, Any]:
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    reply = CloudApi()(Request("POST", HOST, path, {}, headers, json.dumps(body).encode()))
    assert isinstance(reply, Reply)
    return reply.status, json.loads(reply.body).get("error", {}).get("code")


def test_a_template_as_documented_is_taken() -> None:
    assert asked(a_body()) == (200, None)
    assert asked(a_body("🔥" * 1024, biz_opaque_callback_data="x" * 512)) == (200, None)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (a_body(messaging_product="telegram"), 100),
        (a_body(to="nobody"), 131009),
        (a_body(type="text"), 131047),
        (a_body(name="another"), 132001),
        (a_body(language="en"), 132001),
        (a_body(parameters=2), 132000),
        (a_body(parameters=0), 132000),
        (a_body(""), 131008),
        (a_body("two\nlines"), 132018),
        (a_body("a\ttab"), 132018),
        (a_body("five     blanks"), 132018),
        (a_body("x" * 1025), 132005),
        (a_body(biz_opaque_callback_data="x" * 513), 131009),
    ],
    ids=range(13),
)
def test_what_meta_refuses_is_refused(body: dict[str, Any], code: int) -> None:
    assert asked(body)[1] == code


def test_another_number_and_a_wrong_token_are_refused() -> None:
    assert asked(a_body(), path="/v23.0/1/messages") == (400, 33)
    assert asked(a_body(), token="other") == (401, 190)
