"""The message of a test: shaped like a notice, so that a receiver's parser is tested too, and labelled as no alert."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from control_plane.domain.alerting.alerting import IncidentFacts, MonitorFacts, NoticeBody, notice_body

TEST_EVENT = "channel.test"

_NOTHING_IS_WRONG = "This is a test sent by Farwatch. Nothing is wrong."
_NIL = UUID(int=0)


def test_body(*, delivery_id: UUID, tenant_id: UUID, now: datetime) -> str:
    """The exact text that is signed and sent."""
    monitor = MonitorFacts(id=_NIL, number=0, name="Test (no monitor)", kind="http")
    incident = IncidentFacts(
        id=_NIL,
        number=0,
        type="down",
        severity="minor",
        state="resolved",
        started_at=now,
        resolved_at=now,
        cause=_NOTHING_IS_WRONG,
        regions_down=(),
        regions_up=(),
    )
    return notice_body(
        NoticeBody(
            event=TEST_EVENT,
            delivery_id=delivery_id,
            occurred_at=now,
            tenant_id=tenant_id,
            monitor=monitor,
            incident=incident,
            reason=_NOTHING_IS_WRONG,
        )
    )
