"""The ntfy server of the tests refuses what ntfy documents as refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.ntfy_server import Refusal, read_publish
from tests.support.receiver import Received


def request(body: Any, *, path: str = "/", method: str = "POST") -> Received:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Received(method, path, {}, raw)


def test_a_publish_as_documented_is_taken() -> None:
    document = {"topic": "alerts", "title": "T", "message": "m", "priority": 4, "tags": ["x"], "click": "https://a"}
    assert read_publish(request(document)) == document


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        (request(b"no json"), 400),
        (request([]), 400),
        (request({"message": "no topic"}), 400),
        (request({"topic": "a b"}), 400),
        (request({"topic": "x" * 65}), 400),
        (request({"topic": "t", "priority": 6}), 400),
        (request({"topic": "t", "priority": "high"}), 400),
        (request({"topic": "t", "tags": "warning"}), 400),
        (request({"topic": "t", "sequence_id": "a/b"}), 400),
        (request({"topic": "t", "title": 3}), 400),
        (request({"topic": "t", "actions": [{"action": "open", "label": "L", "url": "https://a"}]}), 400),
        (request({"topic": "t", "actions": [{"action": "view", "label": "L"}]}), 400),
        (request({"topic": "t", "actions": [{"action": "view", "label": "L", "url": "https://a"}] * 4}), 400),
        (request({"topic": "t", "message": "é" * 2049}), 413),
        (request(b" " * 8193), 413),
        (request({"topic": "t"}, path="/t"), 404),
        (request({"topic": "t"}, method="GET"), 404),
    ],
)
def test_what_ntfy_refuses_is_refused(refused: Received, status: int) -> None:
    with pytest.raises(Refusal) as answered:
        read_publish(refused)
    assert answered.value.status == status
