"""Was it the target or were we late ourselves? Pure: what a delay of our own event loop may have done to an outcome."""

from __future__ import annotations

from agent.checks.check import CheckOutcome
from agent.health.lag import NOTABLE_MS
from agent.health.self_test import MAX_LAG_MS
from shared.checks import Check
from shared.results import Outcome, Reason

_TURNS = 8
"""A check is at most about as many turns of the loop long (name, connection, handshake, answer), and a loop that is
late may be so at each of them: from this part of the time-out on, running out of it says nothing of the target."""


def may_be_ours(check: Check, outcome: CheckOutcome, *, lag_ms: float) -> bool:
    """`lag_ms`: the greatest delay of our loop while the check was under way."""
    if lag_ms <= NOTABLE_MS:
        return False
    if outcome.reason is Reason.SLOW:
        limit = getattr(check, "degraded_above_ms", None)
        return limit is not None and (outcome.total or 0.0) - lag_ms <= limit
    reason = outcome.if_resolver_works or outcome.reason
    if outcome.outcome is not Outcome.DOWN and outcome.if_resolver_works is None:
        return False
    ran_out_of_time = reason in (Reason.TIMEOUT, Reason.LOSS)
    return lag_ms > (min(MAX_LAG_MS, check.timeout / _TURNS) if ran_out_of_time else MAX_LAG_MS)
