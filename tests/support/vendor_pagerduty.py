"""PagerDuty's Events API as it is documented: what it takes, what it refuses, and which alerts are open.

https://developer.pagerduty.com/docs/send-alert-event, https://developer.pagerduty.com/docs/send-change-event
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.support.vendors import Reply, Request

KEY = "0123456789abcdef0123456789ABCDEF"
ACTIONS = ("trigger", "acknowledge", "resolve")
SEVERITIES = ("critical", "error", "warning", "info")
TEXTS = ("summary", "source", "severity", "component", "group", "class", "timestamp")


@dataclass
class PagerDutyJudge:
    """`open` are the alerts by their key; `later` are answers that come before the rules, one for each request."""

    key: str = KEY
    open: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    later: list[Reply | None] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        said = self.later.pop(0) if self.later else None
        return self.judge(request) if said is None else said

    def judge(self, request: Request) -> Reply:
        if request.method != "POST" or request.path not in ("/v2/enqueue", "/v2/change/enqueue"):
            return Reply(404, b"")
        if not request.headers.get("content-type", "").startswith("application/json"):
            return Reply(400, refusal("Content-Type must be application/json"))
        if len(request.body) > 512 * 1024:
            return Reply(413, b"")
        try:
            event = json.loads(request.body)
        except ValueError:
            return Reply(400, refusal("invalid JSON"))
        errors = [*self._key_errors(event)]
        is_change = request.path == "/v2/change/enqueue"
        errors += change_errors(event) if is_change else alert_errors(event)
        if errors:
            return Reply(400, refusal(*errors))
        if is_change:
            self.changes.append(event)
        else:
            self._take(event)
        return Reply(202, json.dumps({"status": "success", "message": "Event processed"}).encode())

    def _key_errors(self, event: dict[str, Any]) -> list[str]:
        key = event.get("routing_key")
        if not isinstance(key, str) or not re.fullmatch("[A-Za-z0-9]{32}", key):
            return ["'routing_key' is missing or invalid"]
        return [] if key == self.key else ["Invalid routing key"]

    def _take(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        match event["event_action"]:
            case "trigger":
                self.open[event["dedup_key"]] = "triggered"
            case "acknowledge" if event["dedup_key"] in self.open:
                self.open[event["dedup_key"]] = "acknowledged"
            case "resolve":
                self.open.pop(event["dedup_key"], None)


def refusal(*errors: str) -> bytes:
    """The document of a 400."""
    said = {"status": "invalid event", "message": "Event object is invalid", "errors": list(errors)}
    return json.dumps(said).encode()


def alert_errors(event: dict[str, Any]) -> list[str]:
    """What is wrong with an alert event."""
    action, key = event.get("event_action"), event.get("dedup_key", "")
    if action not in ACTIONS:
        return ["'event_action' is missing or invalid"]
    errors = ["'dedup_key' is invalid"] if not isinstance(key, str) or len(key) > 255 else []
    if action != "trigger":
        return errors + (["'dedup_key' is missing"] if not key else [])
    return errors + payload_errors(event, required=("summary", "source", "severity"))


def change_errors(event: dict[str, Any]) -> list[str]:
    """What is wrong with a change event."""
    return payload_errors(event, required=("summary",))


def payload_errors(event: dict[str, Any], *, required: tuple[str, ...]) -> list[str]:
    payload = event.get("payload")
    if not isinstance(payload, dict):
        return ["'payload' is missing"]
    errors = [f"'payload.{name}' is missing or blank" for name in required if not payload.get(name)]
    errors += [f"'payload.{name}' must be a string" for name in TEXTS if not isinstance(payload.get(name, ""), str)]
    if len(str(payload.get("summary", ""))) > 1024:
        errors.append("'payload.summary' is too long")
    if payload.get("severity", "info") not in SEVERITIES:
        errors.append("'payload.severity' is invalid")
    if "timestamp" in payload and not _is_time(payload["timestamp"]):
        errors.append("'payload.timestamp' is invalid")
    links = event.get("links", [])
    if any(not isinstance(link, dict) or not str(link.get("href", "")).startswith("http") for link in links):
        errors.append("'links' is invalid")
    return errors


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
