"""Counting decisions for Prometheus, once they are committed."""

from __future__ import annotations

from collections.abc import Iterable

from control_plane.domain.judging.case import Decision
from control_plane.domain.judging.incident import Opens, Resolves
from control_plane.metrics import INCIDENTS, JUDGEMENTS, RECHECKS, TRANSITIONS


def count_decisions(decisions: Iterable[Decision]) -> None:
    """Call it after the commit: what was rolled back did not happen."""
    for decision in decisions:
        JUDGEMENTS.inc()
        if decision.recheck_slots:
            RECHECKS.inc(len(decision.recheck_slots))
        for transition in decision.transitions:
            TRANSITIONS.labels(transition.verdict).inc()
        match decision.step:
            case Opens():
                INCIDENTS.labels("opened").inc()
            case Resolves():
                INCIDENTS.labels("resolved").inc()
            case _:
                pass
