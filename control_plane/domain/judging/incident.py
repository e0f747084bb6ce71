"""Incidents are levels, not edges: after every judgement this says what must change, if anything.

verdict down, none open, not restrained        one opens; the third within an hour is of type flapping
verdict degraded by votes, alert_on degraded   one of type degraded opens (severity minor); it becomes down in place
verdict up or degraded, one open               it resolves (a degraded one only at up, a flapping one after ten minutes)
verdict unknown                                nothing opens or closes
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct

from control_plane.domain.judging.hold import counts
from control_plane.domain.judging.reason_words import in_words
from control_plane.domain.judging.verdict import Judgement, Policy, quorum, required
from control_plane.domain.judging.votes import Vote
from shared.clock import from_unix_ms

IncidentType = Literal["down", "degraded", "flapping"]
Severity = Literal["minor", "major", "critical"]
AlertOn = Literal["down", "degraded"]


FLAPPING_OPENINGS = 3
FLAPPING_WITHIN_MS = 3_600_000
"""The third opening within this time is of type flapping. It pages like any other."""

CALM_MS = 600_000
"""For so long up has to be proven before an incident of type flapping resolves."""


SOLE = ""
"""Stands for the region in the one vote of a kind without regions."""


class RegionVote(Struct, frozen=True):
    """A region and what it says."""

    region: str
    vote: Vote


class OpenIncident(Struct, frozen=True):
    """What the decision needs to know of the incident that is open.

    `held_open`: a person reopened it; it waits for a person, or for an outage to be proven again.
    """

    type: IncidentType
    regions_down: tuple[str, ...]
    held_open: bool = False


class Restraint(Struct, frozen=True):
    """What keeps an incident from opening, or from resolving, although the verdict says so.

    `hushed`: a person resolved it while down, none opens until up was proven. `held`: by maintenance or an upstream.
    `renewed_after_ms`: only votes with a newer down slot count (domain/hold). `waits`: for what upstreams say.
    `held_by`: what had held it back, named by the incident. `recent_openings`: automatic incidents of the monitor that
    opened within FLAPPING_WITHIN_MS. `well_since_ms`: since when up or degraded is proven without a break.
    """

    hushed: bool = False
    held: bool = False
    renewed_after_ms: int | None = None
    waits: bool = False
    held_by: str | None = None
    recent_openings: int = 0
    well_since_ms: int | None = None

    @property
    def flaps(self) -> bool:
        """Whether the next incident is one of type flapping."""
        return self.recent_openings + 1 >= FLAPPING_OPENINGS


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
    held_by: str | None = None


class Worsens(Struct, frozen=True):
    """A degraded incident becomes down in place."""

    severity: Severity
    proof: Proof


class Joins(Struct, frozen=True):
    """Further regions voted down while it was open. One that a person reopened is a level again from here on."""

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
    restraint: Restraint,
    alert_on: AlertOn,
    severity: Severity,
) -> Step | None:
    """The one thing that this judgement changes about the monitor's automatic incident; None for nothing."""
    match judgement.verdict:
        case "unknown":
            return None
        case "down":
            if open_incident is None and not may_open(
                judgement, votes, policy=policy, now_ms=now_ms, restraint=restraint
            ):
                return None
            proof = prove(votes, policy=policy, assigned=judgement.tally.assigned, now_ms=now_ms, verdict="down")
            if open_incident is None:
                return Opens("flapping" if restraint.flaps else "down", severity, proof, restraint.held_by)
            return _while_down(judgement, proof, incident=open_incident, severity=severity)
        case "up" | "degraded":
            return _while_well(
                judgement,
                votes,
                policy=policy,
                now_ms=now_ms,
                incident=open_incident,
                restraint=restraint,
                alert_on=alert_on,
            )


def wants_to_open(judgement: Judgement, *, restraint: Restraint) -> bool:
    """Whether an outage is proven that nothing but its upstreams' word may keep from opening an incident."""
    return judgement.verdict == "down" and judgement.proven and not restraint.hushed and not restraint.held


def may_open(
    judgement: Judgement, votes: Sequence[RegionVote], *, policy: Policy, now_ms: int, restraint: Restraint
) -> bool:
    """Whether an incident of type down opens: r votes count, and nothing restrains it."""
    if not wants_to_open(judgement, restraint=restraint) or restraint.waits:
        return False
    down = [v.vote for v in votes if v.vote.vote == "down" and v.vote.fresh(now_ms)]
    counting = sum(counts(vote, restraint.renewed_after_ms) for vote in down)
    return counting >= required(policy, judgement.tally.assigned)


def _while_down(judgement: Judgement, proof: Proof, *, incident: OpenIncident, severity: Severity) -> Step | None:
    if incident.type == "degraded":
        return Worsens(severity, proof) if judgement.proven else None
    if incident.held_open and not judgement.proven:
        return None
    joined = tuple(r for r in proof.regions_down if r not in incident.regions_down)
    return Joins(joined) if joined or incident.held_open else None


def _while_well(
    judgement: Judgement,
    votes: Sequence[RegionVote],
    *,
    policy: Policy,
    now_ms: int,
    incident: OpenIncident | None,
    restraint: Restraint,
    alert_on: AlertOn,
) -> Step | None:
    if not judgement.proven:
        return None
    slow = judgement.verdict == "degraded" and judgement.by_degraded_votes
    if incident is not None:
        stays = incident.held_open or (incident.type == "degraded" and slow)
        stays = stays or (incident.type == "flapping" and not _calm(restraint, now_ms))
        return None if stays else Resolves()
    if not slow or alert_on != "degraded" or restraint.hushed or restraint.held:
        return None
    assigned = judgement.tally.assigned
    degraded = [v.vote for v in votes if v.vote.degraded and v.vote.fresh(now_ms)]
    if sum(counts(vote, restraint.renewed_after_ms) for vote in degraded) < quorum(policy, assigned):
        return None
    # Never of type flapping: it has to become down in place.
    proof = prove(votes, policy=policy, assigned=assigned, now_ms=now_ms, verdict="degraded")
    return Opens("degraded", "minor", proof, restraint.held_by)


def _calm(restraint: Restraint, now_ms: int) -> bool:
    return restraint.well_since_ms is not None and now_ms - restraint.well_since_ms >= CALM_MS


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
        regions_down=tuple(v.region for v in accusing if v.region != SOLE),
        regions_up=tuple(r for r in regions_up if r != SOLE and r not in {v.region for v in accusing}),
        evidence=tuple(_evidence(v, now_ms) for v in ordered),
    )


def cause(accusing: Sequence[RegionVote], *, assigned: int, verdict: str) -> str:
    """ "Down from 2 of 3 regions: TLS handshake timed out", with the words of the region that saw it first."""
    head = f"{verdict.capitalize()} from {len(accusing)} of {assigned} region{'s' if assigned != 1 else ''}"
    if any(v.region == SOLE for v in accusing):
        head = verdict.capitalize()
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
        "region": region_vote.region or None,
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
