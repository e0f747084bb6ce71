"""What the votes prove.

With N assigned regions the policy gives r, the votes that prove an outage:

    any        r = 1
    majority   r = N // 2 + 1
    all        r = N
    count k    r = min(k, N)

and q = min(r, N - r + 1) is how many fresh up votes prove that it is up. Then, over fresh (F) and last (L) votes:

    F(down) >= r                       down
    L(down) < r and F(up) >= q         up; degraded if F(down) > 0, or q fresh up votes are degraded
    otherwise                          stays, while a fresh vote agrees with it and q votes are fresh; else unknown

The first two exclude each other, since a fresh down vote is also a last one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from control_plane.domain.judging.votes import Vote

VerdictName = Literal["up", "degraded", "down", "unknown"]
PolicyName = Literal["any", "majority", "all", "count"]


class Policy(Struct, frozen=True):
    """How many regions prove an outage; `k` belongs to `count` alone."""

    name: PolicyName = "majority"
    k: int | None = None


class Tally(Struct, frozen=True):
    """Counts of votes at one instant. The sweep compares them with those of the last judgement."""

    assigned: int = 0
    fresh_up: int = 0
    fresh_down: int = 0
    fresh_degraded: int = 0
    last_down: int = 0


class Judgement(Struct, frozen=True):
    """A verdict, the counts it rests on, and whether degraded votes (not a region below quorum) made it degraded."""

    verdict: VerdictName
    tally: Tally
    proven: bool
    by_degraded_votes: bool = False


class Change(Struct, frozen=True):
    """A verdict that took another's place at an instant (Unix ms)."""

    at_ms: int
    judgement: Judgement


def required(policy: Policy, regions: int) -> int:
    """r: how many fresh down votes prove an outage among this many regions (0 for none)."""
    match policy.name:
        case "any":
            return min(1, regions)
        case "majority":
            return regions // 2 + 1 if regions else 0
        case "all":
            return regions
        case "count":
            return min(policy.k or 1, regions)


def quorum(policy: Policy, regions: int) -> int:
    """q: how many fresh up votes prove that it is up, and how many fresh votes keep a verdict alive."""
    r = required(policy, regions)
    return min(r, regions - r + 1) if regions else 0


def tally(votes: Iterable[Vote], *, assigned: int, now_ms: int) -> Tally:
    """Count the votes of the assigned regions at this instant."""
    up = down = degraded = last_down = 0
    for vote in votes:
        last_down += vote.vote == "down"
        if not vote.fresh(now_ms):
            continue
        if vote.vote == "down":
            down += 1
        else:
            up += 1
            degraded += vote.degraded
    return Tally(assigned, up, down, degraded, last_down)


def judge(counts: Tally, *, policy: Policy, current: VerdictName) -> Judgement:
    """The verdict that these counts prove, given the one in force. Judging twice changes nothing."""
    n = counts.assigned
    if n == 0:
        return Judgement("unknown", counts, proven=False)
    r, q = required(policy, n), quorum(policy, n)
    if counts.fresh_down >= r:
        return Judgement("down", counts, proven=True)
    if counts.last_down < r and counts.fresh_up >= q:
        by_votes = counts.fresh_degraded >= q
        degraded = by_votes or counts.fresh_down > 0
        return Judgement("degraded" if degraded else "up", counts, proven=True, by_degraded_votes=by_votes)
    agreeing = counts.fresh_down if current == "down" else counts.fresh_up
    lives = current != "unknown" and agreeing > 0 and counts.fresh_up + counts.fresh_down >= q
    return Judgement(current if lives else "unknown", counts, proven=False)


def changes_by_expiry(
    votes: Sequence[Vote], *, assigned: int, policy: Policy, current: VerdictName, since_ms: int, now_ms: int
) -> list[Change]:
    """The changes of verdict that expiries alone brought between the last judgement and now, each at its instant."""
    changes: list[Change] = []
    for instant in sorted({v.expires_at for v in votes if since_ms < v.expires_at <= now_ms}):
        judgement = judge(tally(votes, assigned=assigned, now_ms=instant), policy=policy, current=current)
        if judgement.verdict != current:
            current = judgement.verdict
            changes.append(Change(instant, judgement))
    return changes
