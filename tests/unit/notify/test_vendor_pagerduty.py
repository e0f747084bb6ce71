"""The PagerDuty of the tests refuses what PagerDuty documents as refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.vendor_pagerduty import KEY, PagerDutyJudge
from tests.support.vendors import Request

PAYLOAD = {"summary": "Down", "source": "API", "severity": "error", "timestamp": "2026-01-01T00:00:00+00:00"}
EVENT: dict[str, Any] = {"routing_key": KEY, "event_action": "trigger", "dedup_key": "a", "payload": PAYLOAD}


def request(
    body: Any, *, path: str = "/v2/enqueue", method: str = "POST", content: str = "application/json"
) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method, "events.pagerduty.com", path, {}, {"content-type": content}, raw)


def test_an_alert_opens_is_acknowledged_and_ends() -> None:
    judge = PagerDutyJudge()
    for action, state in (("trigger", {"a": "triggered"}), ("acknowledge", {"a": "acknowledged"}), ("resolve", {})):
        assert judge(request(EVENT | {"event_action": action})).status == 202
        assert judge.open == state


def test_a_change_needs_only_a_summary() -> None:
    judge = PagerDutyJudge()
    change = {"routing_key": KEY, "payload": {"summary": "Changed"}}
    assert judge(request(change, path="/v2/change/enqueue")).status == 202
    assert judge.changes == [change]


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        (request(b"no json"), 400),
        (request(EVENT, content="text/plain"), 400),
        (request(EVENT | {"routing_key": "short"}), 400),
        (request(EVENT | {"routing_key": "x" * 32}), 400),
        (request(EVENT | {"event_action": "open"}), 400),
        (request(EVENT | {"dedup_key": "k" * 256}), 400),
        (request({"routing_key": KEY, "event_action": "resolve"}), 400),
        (request({"routing_key": KEY, "event_action": "trigger"}), 400),
        (request(EVENT | {"payload": PAYLOAD | {"summary": "x" * 1025}}), 400),
        (request(EVENT | {"payload": PAYLOAD | {"summary": ""}}), 400),
        (request(EVENT | {"payload": PAYLOAD | {"source": ""}}), 400),
        (request(EVENT | {"payload": PAYLOAD | {"severity": "major"}}), 400),
        (request(EVENT | {"payload": PAYLOAD | {"timestamp": "yesterday"}}), 400),
        (request(EVENT | {"payload": PAYLOAD | {"component": None}}), 400),
        (request(EVENT | {"links": [{"href": "x"}]}), 400),
        (request({"routing_key": KEY, "payload": {}}, path="/v2/change/enqueue"), 400),
        (request(EVENT | {"client": "x" * 600_000}), 413),
        (request(EVENT, path="/v1/enqueue"), 404),
        (request(EVENT, method="PUT"), 404),
    ],
)
def test_what_pagerduty_refuses_is_refused(refused: Request, status: int) -> None:
    judge = PagerDutyJudge()
    assert judge(refused).status == status
    assert judge.events == judge.changes == []
