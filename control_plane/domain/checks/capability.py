"""Regions that cannot run a check at all: their agents lack ICMP, an address family, or the kind itself.

Such a region never votes. It still counts among the regions assigned, so it is shown with its reason, never as silent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from control_plane.domain.judging.verdict import Policy, quorum, required
from shared.protocol import ANY_KIND

CANNOT = "Its agents cannot run this check"
"""Where nobody says more."""


def lacking(kind: str, agents: Collection[Collection[str]]) -> str | None:
    """Why no live agent of a region can run the kind, by what each has said of itself; None where one can.

    An agent that says nothing of itself may be able to; a region without live agents is silent, not incapable.
    """
    if not agents or any(not told or kind in told for told in agents):
        return None
    whose = "Its agent does" if len(agents) == 1 else "Its agents do"
    return f"{whose} not run {kind} checks"


def is_beyond(kind: str, told: Collection[str]) -> bool:
    """Whether an agent that says this of itself could not read an answer with a check of the kind in it.

    Agents that say nothing of themselves are not ours to judge; those that hold any kind do so themselves.
    """
    return bool(told) and kind not in told and ANY_KIND not in told


def beyond_words(kind: str) -> str:
    """What such an agent is to say of the check's slots."""
    return f"This agent does not know checks of kind {kind}; update it"


def explained(incapable: Mapping[str, str], *, policy: Policy, assigned: int) -> tuple[str, ...]:
    """Sentences about the regions (by name) that cannot run the check, and about what can still be proven."""
    found = [f"{region} cannot run this check: {reason}" for region, reason in sorted(incapable.items())]
    left = assigned - len(incapable)
    beyond = [
        f"{what} cannot be proven: it takes {_regions(needed)}, and {left} can vote"
        for what, needed in (("Up", quorum(policy, assigned)), ("Down", required(policy, assigned)))
        if found and left < needed
    ]
    return (*found, *beyond)


def _regions(n: int) -> str:
    return f"{n} region" if n == 1 else f"{n} regions"
