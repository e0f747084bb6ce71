"""How a region's slots become its vote.

A region votes down after `confirmations` consecutive down slots, and up after as many consecutive good ones following a
down vote (the first good slot suffices when it has no vote yet). Between the two it keeps its vote. After an expiry
counting starts afresh: the last vote is remembered (it still keeps an incident open), but it has to be earned again
before it counts as fresh.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from shared.results import OUTCOMES, Outcome, Reason

Say = Literal["up", "down"]

UP, DEGRADED, DOWN, ERROR = (OUTCOMES.index(o) for o in (Outcome.UP, Outcome.DEGRADED, Outcome.DOWN, Outcome.ERROR))


class Vote(Struct, frozen=True, kw_only=True):
    """One region's row of `votes`. Slots in Unix ms; `newest_slot` 0 means that none was counted yet."""

    region_id: int
    check_version: int
    window_ms: int
    newest_slot: int = 0
    vote: Say | None = None
    renewed: bool = True
    degraded: bool = False
    bad_run: int = 0
    good_run: int = 0
    degraded_run: int = 0
    earned: int = 0
    """Consecutive slots that made the vote what it is; of a down vote that saw a good one since, its longest run."""
    first_bad_slot: int | None = None
    vote_since: int | None = None
    reason: str | None = None
    message: str | None = None
    evidence: str | None = None

    @property
    def expires_at(self) -> int:
        """Unix ms at which the vote stops being fresh."""
        return self.newest_slot + self.window_ms

    def fresh(self, now_ms: int) -> bool:
        """Whether it counts as a vote at this instant."""
        return self.vote is not None and self.renewed and now_ms < self.expires_at

    def steady(self, confirmations: int) -> int | None:
        """The outcome (index in OUTCOMES) that, seen next, would only lengthen the runs, if there is one."""
        if not self.renewed:
            return None
        if self.vote == "down":
            return DOWN if self.good_run == 0 and self.bad_run >= confirmations else None
        if self.vote is None or self.bad_run:
            return None
        if self.degraded_run == 0:
            return UP
        return DEGRADED if self.degraded_run >= confirmations else None


class Seen(Struct, frozen=True):
    """What counting needs to know of one result. `message` is in plain words, `evidence` JSON or null.

    `is_recheck`: a re-check after a contradiction asked for it, so it asks for none itself: a target that goes up and
    down all the time is looked at closely after each scheduled slot, not without end. One that a dependent's opening
    asked for contradicts as a scheduled slot does.
    """

    slot: int
    check_version: int
    outcome: Outcome
    reason: Reason = Reason.NONE
    message: str | None = None
    evidence: str | None = None
    is_recheck: bool = False
    ended_ms: int = 0
    """Unix ms at which the check ended, as far as its own duration tells; 0 if unknown."""


def count(vote: Vote, seen: Seen, *, confirmations: int, now_ms: int) -> Vote:
    """The region's vote after one more slot. An error, and a slot not newer than the newest counted, change nothing."""
    if seen.outcome is Outcome.ERROR or seen.slot <= vote.newest_slot:
        return vote
    if _expired(vote, seen.slot, now_ms):
        vote = replace(vote, bad_run=0, good_run=0, degraded_run=0, renewed=vote.vote is None)
    if seen.outcome is Outcome.DOWN:
        return _count_bad(vote, seen, confirmations)
    return _count_good(vote, seen, confirmations)


def contradicts(vote: Vote, seen: Seen, now_ms: int) -> bool:
    """Whether this slot calls for a fast confirmation: against the vote, or bad where there is no vote.

    A remembered vote that has to be earned again is contradicted by any bad slot, and by a good one if it is down.
    """
    if seen.outcome is Outcome.ERROR or seen.is_recheck:
        return False
    if seen.outcome is Outcome.DOWN:
        return vote.vote != "down" or not vote.fresh(now_ms)
    return vote.vote == "down"


def asked(vote: Vote, *, confirmations: int) -> Vote:
    """The vote as it stands by the confirmations that are asked for now, which may have been changed since its slot.

    An up vote is degraded by so many slots, whoever counted them. All else takes effect at the next slot: no vote turns
    because somebody changed a number.
    """
    degraded = vote.degraded_run >= confirmations
    if vote.vote != "up" or vote.bad_run or vote.degraded is degraded:
        return vote
    return replace(vote, degraded=degraded)


def settled(vote: Vote, now_ms: int) -> bool:
    """Whether a region is of one mind with itself: a fresh vote, and the newest slot agreed with it."""
    if not vote.fresh(now_ms):
        return False
    return vote.good_run == 0 if vote.vote == "down" else vote.bad_run == 0


def silent(vote: Vote, now_ms: int) -> bool:
    """Whether nothing was heard from the region for as long as a vote lives."""
    return now_ms >= vote.expires_at


def _expired(vote: Vote, slot: int, now_ms: int) -> bool:
    """By the slots' own distance, or by the clock when the vote ran out before this slot arrived."""
    return vote.newest_slot > 0 and (slot > vote.expires_at or now_ms >= vote.expires_at)


def _count_bad(vote: Vote, seen: Seen, confirmations: int) -> Vote:
    bad_run = vote.bad_run + 1
    proven = bad_run >= confirmations
    turned = proven and vote.vote != "down"
    begins = bad_run == 1
    keeps_first = vote.vote == "down" and vote.first_bad_slot is not None
    return replace(
        vote,
        newest_slot=seen.slot,
        bad_run=bad_run,
        good_run=0,
        degraded_run=0,
        vote="down" if proven else vote.vote,
        renewed=True if proven else vote.renewed,
        degraded=False if proven else vote.degraded,
        earned=bad_run if proven and (turned or not vote.renewed) else vote.earned,
        vote_since=seen.slot if turned else vote.vote_since,
        first_bad_slot=seen.slot if begins and not keeps_first else vote.first_bad_slot,
        reason=_told(seen.reason) if begins else vote.reason,
        message=seen.message if begins else vote.message,
        evidence=seen.evidence if begins else vote.evidence,
    )


def _count_good(vote: Vote, seen: Seen, confirmations: int) -> Vote:
    good_run = vote.good_run + 1
    degraded_run = vote.degraded_run + 1 if seen.outcome is Outcome.DEGRADED else 0
    turned = vote.vote is None or (vote.vote == "down" and good_run >= confirmations)
    up = turned or vote.vote == "up"
    tells = up and (degraded_run == 1 or (turned and degraded_run > 0))
    forgets = up and degraded_run == 0
    kept = vote.earned if up else max(vote.earned, vote.bad_run)
    return replace(
        vote,
        newest_slot=seen.slot,
        bad_run=0,
        good_run=good_run,
        degraded_run=degraded_run,
        vote="up" if up else vote.vote,
        renewed=True if up else vote.renewed,
        degraded=up and degraded_run >= confirmations,
        earned=good_run if turned or (up and not vote.renewed) else kept,
        vote_since=seen.slot if turned else vote.vote_since,
        first_bad_slot=seen.slot if tells else None if forgets else vote.first_bad_slot,
        reason=_told(seen.reason) if tells else None if forgets else vote.reason,
        message=seen.message if tells else None if forgets else vote.message,
        evidence=seen.evidence if tells else None if forgets else vote.evidence,
    )


def _told(reason: Reason) -> str | None:
    return None if reason is Reason.NONE else reason.value
