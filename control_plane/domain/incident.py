"""Incidents are levels, not edges: after every judgement this says what must change, if anything.

verdict down, none open, not hushed            one opens
verdict degraded by votes, alert_on degraded   one of type degraded opens (severity minor); it becomes down in place
verdict up or degraded, one open               it resolves (a degraded one only at up)
verdict unknown                                nothing opens or closes
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from control_plane.domain.reason_words import in_words
from control_plane.domain.verdict import Judgement, Policy, quorum, required
from control_plane.domain.votes import Vote
from shared.clock import from_unix_ms

IncidentType = Literal["down", "degraded", "flapping"]
Severity = Literal["minor", "major", "critical"]
AlertOn = Literal["down", "degraded"]


class RegionVote(Struct, frozen=True):
    """A region and what it says."""

    region: str
    vote: Vote


class OpenIncident(Struct, frozen=True):
    """What the decision needs to know of the incident that is open."""

    type: IncidentType
    regions_down: tuple[str, ...]


class Proof(Struct, frozen=True):
    """Why an incident is what it is: stored with it. `started_at` in Unix ms."""

    cause: str
    started_at: int
    regions_down: tuple[str, ...]
    regions_up: tuple[str, ...]
    evidence: tuple[dict[str, Any], ...]


class Opens(Struct, frozen=True):
    type: IncidentType
    severity: Severity
    proof: Proof


class Worsens(Struct, frozen=True):
    """A degraded incident becomes down in place."""

    severity: Severity
    proof: Proof


class Joins(Struct, frozen=True):
    """Further regions voted down while it was open."""

    regions: tuple[str, ...]


class Resolves(Struct, frozen=True):
    pass


Step = Opens | Worsens | Joins | Resolves


def next_step(
    judgement: Judgement,
    *,
    votes: Sequence[RegionVote],
    policy: Policy,
    now_ms: int,
    open_incident: OpenIncident | None,
    hushed: bool,
    alert_on: AlertOn,
    severity: Severity,
) -> Step | None:
    """The one thing that this judgement changes about the monitor's automatic incident; None for nothing."""
    match judgement.verdict:
        case "unknown":
            return None
        case "down":
            if open_incident is None and (hushed or not judgement.proven):
                return None
            proof = prove(votes, policy=policy, assigned=judgement.tally.assigned, now_ms=now_ms, verdict="down")
            if open_incident is None:
                return Opens("down", severity, proof)
            if open_incident.type == "degraded":
                return Worsens(severity, proof) if judgement.proven else None
            joined = tuple(r for r in proof.regions_down if r not in open_incident.regions_down)
            return Joins(joined) if joined else None
        case "up":
            return Resolves() if open_incident and judgement.proven else None
        case "degraded":
            return _when_degraded(
                judgement,
                votes=votes,
                policy=policy,
                now_ms=now_ms,
                open_incident=open_incident,
                hushed=hushed,
                alert_on=alert_on,
            )


def _when_degraded(
    judgement: Judgement,
    *,
    votes: Sequence[RegionVote],
    policy: Policy,
    now_ms: int,
    open_incident: OpenIncident | None,
    hushed: bool,
    alert_on: AlertOn,
) -> Step | None:
    if not judgement.proven:
        return None
    if open_incident is not None:
        stays = open_incident.type == "degraded" and judgement.by_degraded_votes
        return None if stays else Resolves()
    if alert_on == "degraded" and judgement.by_degraded_votes and not hushed:
        assigned = judgement.tally.assigned
        proof = prove(votes, policy=policy, assigned=assigned, now_ms=now_ms, verdict="degraded")
        return Opens("degraded", "minor", proof)
    return None


def prove(
    votes: Sequence[RegionVote], *, policy: Policy, assigned: int, now_ms: int, verdict: Literal["down", "degraded"]
) -> Proof:
    """The stored proof: cause, regions, and each region's vote with its evidence."""
    ordered = sorted(votes, key=lambda v: v.region)
    accusing = [v for v in ordered if v.vote.fresh(now_ms) and _accuses(v.vote, verdict)]
    regions_up = tuple(v.region for v in ordered if v.vote.fresh(now_ms) and v.vote.vote == "up")
    return Proof(
        cause=cause(accusing, assigned=assigned, verdict=verdict),
        started_at=_started_at(accusing, (required if verdict == "down" else quorum)(policy, assigned), now_ms),
        regions_down=tuple(v.region for v in accusing),
        regions_up=tuple(r for r in regions_up if r not in {v.region for v in accusing}),
        evidence=tuple(_evidence(v, now_ms) for v in ordered),
    )


def cause(accusing: Sequence[RegionVote], *, assigned: int, verdict: str) -> str:
    """ "Down from 2 of 3 regions: TLS handshake timed out", with the words of the region that saw it first."""
    head = f"{verdict.capitalize()} from {len(accusing)} of {assigned} region{'s' if assigned != 1 else ''}"
    told = [v for v in accusing if in_words(v.vote.message, v.vote.reason)]
    if not told:
        return head
    first = min(told, key=lambda v: (v.vote.first_bad_slot or v.vote.newest_slot, v.region))
    return f"{head}: {in_words(first.vote.message, first.vote.reason)}"


def _accuses(vote: Vote, verdict: str) -> bool:
    return vote.vote == "down" or (verdict == "degraded" and vote.degraded)


def _started_at(accusing: Sequence[RegionVote], r: int, now_ms: int) -> int:
    """The r-th earliest first bad slot among the accusing regions: when it began for people."""
    firsts = sorted(v.vote.first_bad_slot or v.vote.vote_since or v.vote.newest_slot for v in accusing)
    return firsts[min(r, len(firsts)) - 1] if firsts else now_ms


def _evidence(region_vote: RegionVote, now_ms: int) -> dict[str, Any]:
    vote = region_vote.vote
    bad = vote.vote == "down" or vote.degraded or vote.bad_run > 0
    return {
        "region": region_vote.region,
        "vote": vote.vote,
        "fresh": vote.fresh(now_ms),
        "degraded": vote.degraded,
        "slots": max(vote.earned, vote.bad_run if vote.vote == "down" else vote.good_run),
        "since": _instant(vote.vote_since),
        "first_bad_slot": _instant(vote.first_bad_slot),
        "newest_slot": _instant(vote.newest_slot or None),
        "reason": vote.reason if bad else None,
        "message": vote.message if bad else None,
        "evidence": msgspec.json.decode(vote.evidence) if bad and vote.evidence else None,
    }


def _instant(slot: int | None) -> str | None:
    return None if slot is None else from_unix_ms(slot).isoformat(timespec="milliseconds").replace("+00:00", "Z")
