"""The Pushover of the tests refuses what Pushover documents as refused."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from tests.support.vendor_pushover import HOST, TOKEN, USER, Pushover
from tests.support.vendors import Reply, Request

GOOD = {"token": TOKEN, "user": USER, "message": "m", "title": "t", "priority": "1", "url": "https://a.example"}


def asked(fields: dict[str, str], *, path: str = "/1/messages.json", content_type: str | None = None) -> Reply:
    headers = {"content-type": content_type or "application/x-www-form-urlencoded"}
    reply = Pushover()(Request("POST", HOST, path, {}, headers, urlencode(fields).encode()))
    assert isinstance(reply, Reply)
    return reply


def test_a_message_as_documented_is_taken() -> None:
    assert asked(GOOD).status == 200
    assert asked(GOOD | {"message": "🔥" * 1024, "title": "é" * 250}).status == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("token", "x" * 30),
        ("user", "x" * 30),
        ("message", ""),
        ("message", "m" * 1025),
        ("title", "t" * 251),
        ("url", "u" * 513),
        ("url_title", "u" * 101),
        ("priority", "2"),
        ("priority", "high"),
        ("device", "my phone"),
        ("colour", "red"),
    ],
)
def test_what_pushover_refuses_is_refused(field: str, value: str) -> None:
    reply = asked(GOOD | {field: value})
    assert (reply.status, json.loads(reply.body)["status"]) == (400, 0)


def test_another_path_or_content_type_is_refused() -> None:
    assert asked(GOOD, path="/1/messages.xml").status == 404
    assert asked(GOOD, content_type="application/json").status == 400
