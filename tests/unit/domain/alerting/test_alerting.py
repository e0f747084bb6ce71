"""What listeners are told: events of a transition, and the body of a notice."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from control_plane.domain.alerting.alerting import (
    IncidentFacts,
    MonitorFacts,
    NoticeBody,
    incident_event,
    notice_body,
    verdict_events,
)
from control_plane.domain.judging.case import Transition
from control_plane.domain.judging.verdict import VerdictName
from tests.support.votes import NOW

ID = UUID("0193c5f0-7a3e-7d1a-9b4c-0123456789ab")
AT = datetime(2027, 1, 15, 8, tzinfo=UTC)
MONITOR = MonitorFacts(id=ID, number=7, name="Shop ☂", kind="http", tags=("eu",), group="front")
INCIDENT = IncidentFacts(
    id=ID,
    number=3,
    type="down",
    severity="major",
    state="triggered",
    started_at=AT,
    resolved_at=None,
    cause="Down from 2 of 3 regions: refused",
    regions_down=("ap", "eu"),
    regions_up=("us",),
)
BODY = NoticeBody(
    event="incident.opened",
    delivery_id=ID,
    occurred_at=AT,
    tenant_id=ID,
    monitor=MONITOR,
    incident=INCIDENT,
    reason="Down from 2 of 3 regions: refused",
)


def test_a_notice_has_the_fields_of_the_webhook_body() -> None:
    body = json.loads(notice_body(BODY))

    assert list(body) == ["event", "delivery_id", "occurred_at", "tenant_id", "monitor", "incident", "reason"]
    assert body["monitor"] == {
        "id": str(ID),
        "number": 7,
        "name": "Shop ☂",
        "kind": "http",
        "tags": ["eu"],
        "group": "front",
    }
    assert body["incident"] == {
        "id": str(ID),
        "number": 3,
        "type": "down",
        "severity": "major",
        "state": "triggered",
        "started_at": "2027-01-15T08:00:00Z",
        "resolved_at": None,
        "cause": "Down from 2 of 3 regions: refused",
        "regions_down": ["ap", "eu"],
        "regions_up": ["us"],
        "url": None,
    }


def test_a_notice_is_the_same_text_each_time() -> None:
    assert notice_body(BODY) == notice_body(BODY)


@pytest.mark.parametrize(
    ("previous", "verdict", "names"),
    [
        ("unknown", "up", ["verdict.changed"]),
        ("up", "down", ["verdict.changed"]),
        ("up", "unknown", ["verdict.changed"]),
        ("up", "degraded", ["verdict.changed", "monitor.degraded"]),
        ("down", "degraded", ["verdict.changed", "monitor.degraded"]),
        ("down", "up", ["verdict.changed", "monitor.recovered"]),
        ("degraded", "up", ["verdict.changed", "monitor.recovered"]),
    ],
)
def test_a_change_of_verdict_is_told_by_name(previous: VerdictName, verdict: VerdictName, names: list[str]) -> None:
    events = verdict_events(Transition(NOW, previous, verdict, "because"), MONITOR)

    assert [name for name, _ in events] == names
    data = json.loads(events[0][1])
    assert (data["previous"], data["verdict"], data["reason"]) == (previous, verdict, "because")
    assert (data["at"], data["monitor"]["number"]) == ("2027-01-15T08:00:00Z", 7)


def test_an_event_is_one_line_whatever_the_words_are() -> None:
    events = verdict_events(Transition(NOW, "up", "down", "a\nb\r\nc"), MONITOR)

    assert all("\n" not in data and "\r" not in data for _, data in events)
    assert "\n" not in incident_event(MONITOR, INCIDENT, "a\nb")
