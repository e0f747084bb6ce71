"""What the verdicts of its members say about a composite: "at least N of them up".

    up        at least N members are up; degraded ones count as up
    down      that has become impossible: too few are up or unknown
    no vote   neither: it depends on members that are unknown

A paused member is left out. One in maintenance counts with its verdict, which goes on being judged: a composite that
is to rest in a window has to be in that window itself. N counts no more members than are left, so that no outage is
proven unless a member is down; without members there is no vote.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.domain.judging.sole_vote import SoleVote
from control_plane.domain.judging.verdict import VerdictName
from shared.results import Reason

_NAMED = 5
_IN_EVIDENCE = 50


class Member(Struct, frozen=True, kw_only=True):
    """A monitor whose verdict counts, and since when (Unix ms) it has that verdict."""

    id: UUID
    name: str
    verdict: VerdictName
    since_ms: int
    enabled: bool = True


def sole_vote(members: Sequence[Member], *, at_least: int) -> SoleVote:
    """The composite's vote. Its start is the instant at which the deciding member turned."""
    counted = [member for member in members if member.enabled]
    needed = min(at_least, len(counted))
    up = [member for member in counted if member.verdict in ("up", "degraded")]
    down = [member for member in counted if member.verdict == "down"]
    if not counted:
        return SoleVote(message=_nobody(members))
    evidence = _evidence(counted, needed)
    words = _words(counted, up, needed)
    if len(up) >= needed:
        return SoleVote(say="up", since_ms=_turned(up, needed), evidence=evidence)
    bearable = len(counted) - needed
    if len(down) > bearable:
        since_ms = _turned(down, bearable + 1)
        return SoleVote(
            say="down",
            since_ms=since_ms,
            first_bad_ms=since_ms,
            reason=Reason.ASSERTION.value,
            message=f"{words}: {_named(down, 'down')}",
            evidence=evidence,
        )
    unknown = [member for member in counted if member.verdict == "unknown"]
    return SoleVote(message=f"{words}: {_named(unknown, 'unknown')}", evidence=evidence)


def _turned(members: Sequence[Member], how_many: int) -> int:
    """When so many of them had their verdict."""
    return sorted(member.since_ms for member in members)[how_many - 1]


def _nobody(members: Sequence[Member]) -> str:
    return "all of its members are paused" if members else "it has no members"


def _words(counted: Sequence[Member], up: Sequence[Member], needed: int) -> str:
    verb = "is" if len(up) == 1 else "are"
    return f"{len(up)} of {_monitors(len(counted))} {verb} up, {needed} {'is' if needed == 1 else 'are'} needed"


def _monitors(n: int) -> str:
    return f"{n} monitor" if n == 1 else f"{n} monitors"


def _named(members: Sequence[Member], state: str) -> str:
    names = [f"“{name}”" for name in sorted(member.name for member in members)]
    if len(names) > _NAMED:
        names = [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} more"]
    told = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"{told} {'is' if len(members) == 1 else 'are'} {state}"


def _evidence(counted: Sequence[Member], needed: int) -> dict[str, Any]:
    """The worst first; of very many, the first ones."""
    order = ("down", "unknown", "degraded", "up")
    worst = sorted(counted, key=lambda member: (order.index(member.verdict), member.name, member.id))
    shown = [{"id": str(m.id), "name": m.name, "verdict": m.verdict} for m in worst[:_IN_EVIDENCE]]
    return {"needed": needed, "counted": len(counted), "members": shown}
