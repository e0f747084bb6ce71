"""A case on its way through a deciding transaction: what it is, what surrounds it, what was decided."""

from __future__ import annotations

from msgspec import Struct

from control_plane.domain.alerting.alerting import MonitorFacts
from control_plane.domain.judging.case import Case, Decision
from control_plane.domain.judging.schedule import vote_window_ms
from control_plane.store.cases import IncidentRow, JudgedMonitor


def window_of(monitor: JudgedMonitor, cadence_ms: int) -> int:
    """How long (ms) a vote about this monitor lives at this cadence."""
    return vote_window_ms(cadence_ms=cadence_ms, timeout_ms=monitor.timeout_ms)


class Judged(Struct, frozen=True, kw_only=True):
    """One judged monitor. `incident` is the one that was open before the decision.

    `misread`: a vote's row says degraded by other confirmations than are asked for now.
    """

    case: Case
    monitor: JudgedMonitor
    incident: IncidentRow | None
    decision: Decision
    misread: bool = False

    @property
    def facts(self) -> MonitorFacts:
        """What messages say of the monitor."""
        m = self.monitor
        return MonitorFacts(id=m.id, number=m.number, name=m.name, kind=m.kind, tags=m.tags, group=m.group)
