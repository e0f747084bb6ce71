"""Messages as the outbox hands them to a transport, and what transports are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from control_plane.domain.alerting.alerting import IncidentFacts, MonitorFacts, NoticeBody, notice_body
from control_plane.notify import render
from control_plane.notify.guarded_http import GuardedHttp
from control_plane.notify.render import Surroundings
from control_plane.notify.told import read_body
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Message
from control_plane.settings import Settings
from shared.netpolicy import Policy

NOW = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
TENANT = UUID("0197a2f0-0000-7000-8000-00000000000a")
INCIDENT = UUID("0197a2f0-0000-7000-8000-00000000000b")
MONITOR = UUID("0197a2f0-0000-7000-8000-00000000000c")
MESSAGE = UUID("0197a2f0-0000-7000-8000-000000000001")
LOOPBACK = Policy.of(["127.0.0.0/8"])


def tools(http: GuardedHttp | None = None, *, settings: Settings | None = None, timeout_s: float = 5) -> Tools:
    """By default the way to loopback, and no settings of the operator's."""
    return Tools(http or GuardedHttp(LOOPBACK, timeout=timedelta(seconds=timeout_s)), settings or Settings())


def a_body(event: str = "incident.opened", **over: Any) -> bytes:
    """A stored body. `over` goes into the incident, but for `name`, `tags` and `reason`."""
    resolved = event.endswith(".resolved")
    reason = over.pop("reason", "Up again in 3 of 3 regions" if resolved else "Down from 2 of 3 regions: timed out")
    monitor = MonitorFacts(
        id=MONITOR, number=12, name=over.pop("name", "Checkout API"), kind="http", tags=over.pop("tags", ("prod",))
    )
    facts: dict[str, Any] = {
        "id": INCIDENT,
        "number": 7,
        "type": "down",
        "severity": "major",
        "state": "resolved" if resolved else "triggered",
        "started_at": NOW - timedelta(minutes=2),
        "resolved_at": NOW if resolved else None,
        "cause": "Down from 2 of 3 regions: timed out",
        "regions_down": ("eu-west", "us-east"),
        "regions_up": ("ap-south",),
        "url": f"https://farwatch.example/app/incidents/{INCIDENT}",
    }
    incident = IncidentFacts(**(facts | over))
    body = NoticeBody(
        event=event,
        delivery_id=MESSAGE,
        occurred_at=NOW,
        tenant_id=TENANT,
        monitor=monitor,
        incident=incident,
        reason=reason,
    )
    return notice_body(body).encode()


def a_message(
    body: bytes | None = None,
    *,
    notice: str = "opened",
    others: Sequence[bytes] = (),
    attempt: int = 1,
    receipt: Mapping[str, Any] | None = None,
    around: Surroundings | None = None,
    message_id: UUID = MESSAGE,
) -> Message:
    """One attempt, in the words that are sent; without a body, the opening of an incident."""
    bodies = [a_body() if body is None else body, *others]
    words = render.words([read_body(each) for each in bodies], around or Surroundings(notice=notice, now=NOW))
    return Message(
        message_id=message_id,
        attempt=attempt,
        body=bodies[0],
        sent_at=NOW,
        words=words,
        notice=notice,
        incident_id=None if others else INCIDENT,
        receipt=receipt,
        others=tuple(others),
    )
