"""Regional advisories: a region that has said "down" for a while and is not enough to prove an outage.

The target may be unreachable from there alone, or the region itself may be unwell. It never pages: it is shown, with
one action that takes the region out of the monitor.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from control_plane.domain.judging.reason_words import in_words

RAISED_AFTER_SLOTS = 3


class LoneVote(Struct, frozen=True, kw_only=True):
    """A region whose fresh vote is down. Slots in Unix ms; `down_since` is the slot that made it its vote."""

    region: str
    down_since: int
    newest_slot: int
    reason: str | None = None
    message: str | None = None


class Advisory(Struct, frozen=True):
    """Which region, since when (Unix ms), over how many slots, and why: a sentence without its full stop."""

    region: str
    since_ms: int
    slots: int
    words: str


def advisories(
    votes: Iterable[LoneVote], *, verdict: str, verdict_since_ms: int, interval_ms: int
) -> tuple[Advisory, ...]:
    """Those of the regions voting down that have been below quorum for more than 3 slots, in order of name.

    While the verdict is down they are the quorum. A region that was part of an outage is below quorum only since the
    verdict left it; a slot's own judgement is at most an interval later than the slot.
    """
    if verdict == "down" or interval_ms <= 0:
        return ()
    found = []
    for vote in votes:
        below_since = max(vote.down_since, verdict_since_ms - interval_ms)
        slots = (vote.newest_slot - below_since) // interval_ms + 1
        if slots > RAISED_AFTER_SLOTS:
            since_ms = vote.down_since if below_since == vote.down_since else verdict_since_ms
            found.append(Advisory(vote.region, since_ms, slots, _words(vote, slots)))
    return tuple(sorted(found, key=lambda advisory: advisory.region))


def _words(vote: LoneVote, slots: int) -> str:
    told = in_words(vote.message, vote.reason)
    why = f": {told}" if told else ""
    return f"{vote.region} has called it down for {slots} slots, and too few regions agree for an outage{why}"
