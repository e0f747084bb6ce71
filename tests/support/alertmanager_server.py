"""An Alertmanager on loopback that takes and refuses alerts as Alertmanager's API describes it.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml; what is invalid is in types/types.go.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.support.receiver import Behaviour, Received, Receiver, a_receiver, answer

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """What is answered instead of taking the alerts."""

    status: int
    error: str


@dataclass
class AlertmanagerServer:
    """`alerts` are the latest of each set of labels; `authorization` is demanded where it is set."""

    receiver: Receiver
    prefix: str = ""
    authorization: str | None = None
    alerts: dict[tuple[tuple[str, str], ...], dict[str, Any]] = field(default_factory=dict)
    later: list[Behaviour] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.receiver.port}{self.prefix}"

    def firing(self, now: datetime) -> list[dict[str, str]]:
        """The labels of those that have not ended."""
        return [alert["labels"] for alert in self.alerts.values() if datetime.fromisoformat(alert["endsAt"]) > now]

    def take(self, request: Received) -> None:
        """Judge one request. Raises Refusal."""
        if self.authorization is not None and request.headers.get("authorization") != self.authorization:
            raise Refusal(401, "Unauthorized")
        for alert in read_alerts(request, prefix=self.prefix):
            self.alerts[tuple(sorted(alert["labels"].items()))] = alert


def read_alerts(request: Received, *, prefix: str = "") -> list[dict[str, Any]]:
    """The alerts of a request. Raises Refusal."""
    if request.path != f"{prefix}/api/v2/alerts":
        raise Refusal(404, "404 page not found")
    if request.method != "POST":
        raise Refusal(405, "method is not allowed")
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise Refusal(415, "unsupported media type, only application/json is allowed")
    try:
        alerts = json.loads(request.body)
    except ValueError:
        raise Refusal(400, "parsing alerts body failed") from None
    if not isinstance(alerts, list):
        raise Refusal(400, "parsing alerts body failed")
    for alert in alerts:
        wrong = fault_of(alert)
        if wrong is not None:
            raise Refusal(400, wrong)
    return alerts


def fault_of(alert: Any) -> str | None:
    """Why an alert is invalid, or None."""
    if not isinstance(alert, dict) or not isinstance(alert.get("labels"), dict):
        return "labels in body is required"
    if not any(alert["labels"].values()):
        return "at least one label pair required"
    for what in ("labels", "annotations"):
        for name, value in alert.get(what, {}).items():
            if not NAME.fullmatch(name) or not isinstance(value, str):
                return f'invalid {what[:-1]} set: invalid name "{name}"'
    try:
        starts, ends = (datetime.fromisoformat(alert[name]) for name in ("startsAt", "endsAt"))
    except (KeyError, ValueError):
        return "invalid time"
    return "start time must be before end time" if starts > ends else None


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@asynccontextmanager
async def an_alertmanager(*, prefix: str = "", authorization: str | None = None) -> AsyncIterator[AlertmanagerServer]:
    """A server that lives as long as the block."""
    async with a_receiver() as receiver:
        server = AlertmanagerServer(receiver, prefix, authorization)

        async def behave(writer: asyncio.StreamWriter) -> None:
            if server.later:
                await server.later.pop(0)(writer)
                return
            try:
                server.take(receiver.received[-1])
            except Refusal as refusal:
                await answer(refusal.status, json.dumps(refusal.error).encode())(writer)
                return
            await answer(200, b"")(writer)

        receiver.otherwise = behave
        yield server
