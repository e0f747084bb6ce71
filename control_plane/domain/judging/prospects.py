"""What would change a verdict, in words: the other half of explaining it."""

from __future__ import annotations

from collections.abc import Mapping

from control_plane.domain.judging.verdict import Policy, Tally, VerdictName, quorum, required

SOLE_RULE = "No region checks it: its one vote is the verdict"
"""The rule of a kind without regions."""


_SOLE: Mapping[str, tuple[tuple[VerdictName, str], ...]] = {
    "heartbeat": (
        ("down", "Down: a ping that says it failed, a run that does not end in time, or no ping by its deadline"),
        ("up", "Up: a ping that says it went well"),
    ),
    "composite": (
        ("down", "Down: so many members down that too few are left"),
        ("up", "Up: as many members up as it needs"),
    ),
}


def rule(policy: Policy, regions: int) -> str:
    """The policy as a sentence about this many regions."""
    r, q = required(policy, regions), quorum(policy, regions)
    if regions == 0:
        return "No region is assigned, so nothing can be proven"
    return f"Of {_count(regions)}, {r} voting down prove an outage; {q} voting up prove that it is up"


def prospects(counts: Tally, *, policy: Policy, verdict: VerdictName) -> tuple[str, ...]:
    """Sentences that say what would bring each other verdict about. At least one."""
    n = counts.assigned
    if n == 0:
        return ("Assign a region, or resume the monitor",)
    r, q = required(policy, n), quorum(policy, n)
    found = []
    if verdict != "down":
        found.append(f"Down: {_more(r - counts.fresh_down)} voting down")
    if verdict in ("down", "unknown"):
        found.append(f"Up: {_up(counts, r, q)}")
    if verdict in ("up", "degraded"):
        fresh = counts.fresh_up + counts.fresh_down
        found.append(f"Unknown: {_more(fresh - q + 1)} falling silent, so that fewer than {q} report")
    if verdict == "degraded" and counts.fresh_down:
        found.append(f"Up: the {_count(counts.fresh_down)} voting down coming back")
    return tuple(found)


def sole_prospects(kind: str, *, verdict: VerdictName, enabled: bool) -> tuple[str, ...]:
    """The same for a kind without regions. Empty for a kind that this version does not know."""
    if not enabled:
        return ("Resume the monitor",)
    return tuple(sentence for brings, sentence in _SOLE.get(kind, ()) if brings != verdict)


def run_of(*, vote: str | None, bad_run: int, good_run: int, degraded_run: int, confirmations: int) -> str | None:
    """ "1 of 2 bad slots": how far a region is on its way to another vote; None when it is not on its way."""
    if vote != "down" and 0 < bad_run < confirmations:
        return f"{bad_run} of {confirmations} bad slots"
    if vote == "down" and 0 < good_run < confirmations:
        return f"{good_run} of {confirmations} good slots"
    if vote == "up" and 0 < degraded_run < confirmations:
        return f"{degraded_run} of {confirmations} degraded slots"
    return None


def slots_expected(*, phase_ms: int, interval_ms: int, start_ms: int, end_ms: int) -> int:
    """How many scheduled slots (k x interval + phase) lie in [start, end)."""
    if end_ms <= start_ms:
        return 0
    return (end_ms - 1 - phase_ms) // interval_ms - (start_ms - 1 - phase_ms) // interval_ms


def _up(counts: Tally, r: int, q: int) -> str:
    parts = []
    if counts.last_down >= r:
        parts.append(f"{_count(counts.last_down - r + 1)} no longer voting down")
    if counts.fresh_up < q:
        parts.append(f"{_more(q - counts.fresh_up)} voting up")
    return " and ".join(parts) or "the next judgement"


def _count(n: int) -> str:
    return f"{n} region" if n == 1 else f"{n} regions"


def _more(n: int) -> str:
    return f"{max(n, 1)} more {'region' if n <= 1 else 'regions'}"
