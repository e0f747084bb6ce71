"""The verdict as a sentence: the `reason` of a monitor's state and of its transitions."""

from __future__ import annotations

from collections.abc import Sequence

from control_plane.domain.judging.incident import SOLE, RegionVote, cause
from control_plane.domain.judging.reason_words import in_words
from control_plane.domain.judging.verdict import Judgement, Policy, quorum, required


def reason(judgement: Judgement, *, votes: Sequence[RegionVote], policy: Policy, now_ms: int) -> str:
    """Why the verdict is what it is, in one sentence for people. Never empty."""
    counts = judgement.tally
    n = counts.assigned
    sole = next((v for v in votes if v.region == SOLE), None)
    if sole is not None:
        return _of_sole(judgement, sole)
    if n == 0:
        return "No region is assigned"
    r, q = required(policy, n), quorum(policy, n)
    down = [v for v in votes if v.vote.vote == "down" and v.vote.fresh(now_ms)]
    match judgement.verdict:
        case "down":
            return cause(down, assigned=n, verdict="down")
        case "up":
            return f"Up from {counts.fresh_up} of {_regions(n)}"
        case "degraded":
            if judgement.by_degraded_votes:
                slow = [v for v in votes if v.vote.degraded and v.vote.fresh(now_ms)]
                return cause(slow, assigned=n, verdict="degraded")
            if down:
                return f"Only {_named(down)} of {_regions(n)} cannot reach it, {r} would be an outage{_words(down)}"
            return f"Degraded from {counts.fresh_degraded} of {_regions(n)}"
        case "unknown":
            fresh = counts.fresh_up + counts.fresh_down
            if fresh == 0:
                return _without_votes(votes)
            if fresh < q:
                return f"Coverage lost: {fresh} of {_regions(n)} report, {q} are needed"
            return f"Not proven: {counts.fresh_up} up and {counts.fresh_down} down of {_regions(n)}"


def _of_sole(judgement: Judgement, sole: RegionVote) -> str:
    """A kind without regions says it in its own words."""
    if judgement.verdict == "down":
        return cause([sole], assigned=1, verdict="down")
    head = "Not proven" if judgement.verdict == "unknown" else judgement.verdict.capitalize()
    told = in_words(sole.vote.message, sole.vote.reason)
    return f"{head}: {told}" if told else head


def _without_votes(votes: Sequence[RegionVote]) -> str:
    if any(v.vote.vote is not None for v in votes):
        return "Coverage lost: no region reports any more"
    if any(v.vote.bad_run for v in votes):
        return "Not proven yet: a first failure waits to be confirmed"
    return "No region has reported yet"


def _regions(n: int) -> str:
    return f"{n} region" if n == 1 else f"{n} regions"


def _named(votes: Sequence[RegionVote]) -> str:
    return ", ".join(sorted(v.region for v in votes))


def _words(votes: Sequence[RegionVote]) -> str:
    told = next(filter(None, (in_words(v.vote.message, v.vote.reason) for v in votes)), None)
    return f": {told}" if told else ""
