"""Pushover, as a judge of what reaches it, with the rules of https://pushover.net/api."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.support.vendors import Reply, Request

HOST = "api.pushover.net"
TOKEN = "azGDORePK8gMaC0QOYAMyEEuzJnyUi"  # the example of Pushover's own page
USER = "uQiRzpo4DXghDmr9QzzfQu27cmVRsG"
LIMITS = {"message": 1024, "title": 250, "url": 512, "url_title": 100}
"""Characters, each of up to four bytes of UTF-8."""
FIELDS = frozenset(
    {"token", "user", "message", "title", "device", "url", "url_title", "priority", "html", "ttl", "timestamp", "sound"}
)


@dataclass
class Pushover:
    """One application and one user. `next` answers before any rule."""

    sent: list[dict[str, str]] = field(default_factory=list)
    next: list[Reply] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        if self.next:
            return self.next.pop(0)
        if (request.host, request.method, request.path) != (HOST, "POST", "/1/messages.json"):
            return answer(404, {"status": 0, "errors": ["not found"]})
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return refused("message cannot be blank", message="cannot be blank")
        pairs = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
        return self._take(dict(pairs)) if len(dict(pairs)) == len(pairs) else refused("a field is given twice")

    def _take(self, fields: dict[str, str]) -> Reply:
        if fields.get("token") != TOKEN:
            return refused("application token is invalid", token="invalid")
        if fields.get("user") != USER:
            return refused("user identifier is not a valid user, group, or subscribed user key", user="invalid")
        if not fields.get("message", "").strip():
            return refused("message cannot be blank", message="cannot be blank")
        if set(fields) - FIELDS:
            return refused(f"unknown field {min(set(fields) - FIELDS)}")
        for name, limit in LIMITS.items():
            if len(fields.get(name, "")) > limit:
                return refused(f"{name} is longer than {limit} characters")
        if not re.fullmatch(r"-2|-1|0|1", fields.get("priority", "0")):
            return refused("priority is invalid; 2 needs retry and expire")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,25}(,[A-Za-z0-9_-]{1,25})*", fields.get("device", "x")):
            return refused("device name is invalid", device="invalid for this user")
        self.sent.append(fields)
        return answer(200, {"status": 1, "request": "647d2300-702c-4b38-8b2f-d56326ae460b"})


def answer(status: int, body: Mapping[str, Any], **headers: str) -> Reply:
    """A JSON answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json", **named})


def refused(error: str, **fields: str) -> Reply:
    """400 as Pushover says it."""
    return answer(400, {**fields, "errors": [error], "status": 0, "request": "5042853c-402d-4a18-abcb-168734a801de"})
