"""A delay of our own loop is not told as the target's."""

from __future__ import annotations

import pytest

from agent.checks.check import CheckOutcome
from agent.health.own_delay import may_be_ours
from shared.checks import Check, DomainExpiryCheck, HttpCheck, PingCheck
from shared.results import Outcome, Reason

UP = CheckOutcome(outcome=Outcome.UP, total=3000.0)
REFUSED = CheckOutcome(outcome=Outcome.DOWN, reason=Reason.CONNECT, total=1.0)
TIMED_OUT = CheckOutcome(outcome=Outcome.DOWN, reason=Reason.TIMEOUT, total=1000.0)
UNRESOLVED = CheckOutcome(outcome=Outcome.ERROR, reason=Reason.UNHEALTHY, if_resolver_works=Reason.TIMEOUT)
LOST = CheckOutcome(outcome=Outcome.DOWN, reason=Reason.LOSS)
SLOW = CheckOutcome(outcome=Outcome.DEGRADED, reason=Reason.SLOW, total=900.0)
EXPIRING = CheckOutcome(outcome=Outcome.DEGRADED, reason=Reason.EXPIRING, total=900.0)
BLOCKED = CheckOutcome(outcome=Outcome.ERROR, reason=Reason.BLOCKED)

QUICK = HttpCheck(url="http://a.example/", timeout=1000, degraded_above_ms=500)
PATIENT = HttpCheck(url="http://a.example/", timeout=30_000)
PING = PingCheck(host="a.example", timeout=1000)
DOMAIN = DomainExpiryCheck(domain="a.example", timeout=1000)


@pytest.mark.parametrize(
    ("check", "outcome", "lag_ms", "ours"),
    [
        (QUICK, TIMED_OUT, 0.0, False),
        (QUICK, TIMED_OUT, 100.0, False),
        (QUICK, TIMED_OUT, 200.0, True),
        (QUICK, UNRESOLVED, 200.0, True),
        (QUICK, UNRESOLVED, 100.0, False),
        (PING, LOST, 200.0, True),
        (PATIENT, TIMED_OUT, 900.0, False),
        (PATIENT, TIMED_OUT, 1100.0, True),
        (QUICK, REFUSED, 900.0, False),
        (QUICK, REFUSED, 1100.0, True),
        (QUICK, SLOW, 399.0, False),
        (QUICK, SLOW, 400.0, True),
        (QUICK, SLOW, 4.0, False),
        (DOMAIN, SLOW, 400.0, False),
        (QUICK, EXPIRING, 5000.0, False),
        (QUICK, BLOCKED, 5000.0, False),
        (QUICK, UP, 5000.0, False),
    ],
)
def test_what_our_own_delay_may_have_caused(check: Check, outcome: CheckOutcome, lag_ms: float, ours: bool) -> None:
    assert may_be_ours(check, outcome, lag_ms=lag_ms) is ours
