"""The Alertmanager of the tests refuses what Alertmanager refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.alertmanager_server import Refusal, read_alerts
from tests.support.receiver import Received

ALERT: dict[str, Any] = {
    "labels": {"alertname": "A"},
    "annotations": {"summary": "s"},
    "startsAt": "2026-01-01T00:00:00Z",
    "endsAt": "2026-01-01T00:00:00Z",
}


def request(
    body: Any, *, path: str = "/api/v2/alerts", method: str = "POST", content: str = "application/json"
) -> Received:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Received(method, path, {"content-type": content}, raw)


def test_alerts_as_documented_are_taken() -> None:
    assert read_alerts(request([ALERT])) == [ALERT]
    assert read_alerts(request([ALERT], path="/am/api/v2/alerts"), prefix="/am") == [ALERT]


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        (request(b"no json"), 400),
        (request(ALERT), 400),
        (request([{}]), 400),
        (request([ALERT | {"labels": {"alertname": ""}}]), 400),
        (request([ALERT | {"labels": {"tag-x": "y"}}]), 400),
        (request([ALERT | {"labels": {"number": 1}}]), 400),
        (request([ALERT | {"annotations": {"0a": "y"}}]), 400),
        (request([ALERT | {"startsAt": "2026-01-01T00:00:01Z"}]), 400),
        (request([ALERT | {"endsAt": "soon"}]), 400),
        (request([ALERT], content="text/plain"), 415),
        (request([ALERT], method="GET"), 405),
        (request([ALERT], path="/api/v1/alerts"), 404),
    ],
)
def test_what_alertmanager_refuses_is_refused(refused: Received, status: int) -> None:
    with pytest.raises(Refusal) as answered:
        read_alerts(refused)
    assert answered.value.status == status
