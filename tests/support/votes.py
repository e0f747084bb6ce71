"""Short words for votes and slots. A story is a string of slots: U up, S slow (degraded), D down, E error."""

from __future__ import annotations

from msgspec.structs import replace

from control_plane.domain.judging.incident import RegionVote
from control_plane.domain.judging.votes import Seen, Vote, count
from shared.results import Outcome, Reason

NOW = 1_800_000_000_000
EVERY = 60_000
WINDOW = 160_000

LETTERS = {"U": Outcome.UP, "S": Outcome.DEGRADED, "D": Outcome.DOWN, "E": Outcome.ERROR}
EMPTY = Vote(region_id=1, check_version=1, window_ms=WINDOW)


def seen(letter: str, slot: int, *, message: str | None = None, reason: Reason = Reason.NONE) -> Seen:
    """One slot of check version 1."""
    return Seen(slot, 1, LETTERS[letter], reason, message)


def after(story: str, *, confirmations: int = 2, start: Vote = EMPTY, first: int = NOW, every: int = EVERY) -> Vote:
    """The vote after these slots, each counted the moment it was due, the first at `first`."""
    vote = start
    for i, letter in enumerate(story):
        slot = first + i * every
        vote = count(vote, seen(letter, slot), confirmations=confirmations, now_ms=slot)
    return vote


def up(*, fresh: bool = True, degraded: bool = False) -> Vote:
    """An up vote, seen from NOW."""
    vote = after("SS" if degraded else "U", first=NOW - 2 * EVERY, every=EVERY)
    return vote if fresh else _expired(vote)


def down(*, fresh: bool = True, first_bad_slot: int = NOW - 2 * EVERY, message: str | None = None) -> Vote:
    """A down vote on two slots, seen from NOW."""
    slots = (first_bad_slot, max(first_bad_slot + 1, NOW - EVERY))
    vote = EMPTY
    for slot in slots:
        vote = count(vote, seen("D", slot, message=message), confirmations=1, now_ms=slot)
    vote = replace(vote, bad_run=2)
    return vote if fresh else _expired(vote)


def silent() -> Vote:
    """A region that has not spoken yet."""
    return EMPTY


def regions(*votes: Vote) -> tuple[RegionVote, ...]:
    """Regions a, b, c … with these votes."""
    return tuple(RegionVote("abcdefgh"[i], replace(vote, region_id=i + 1)) for i, vote in enumerate(votes))


def _expired(vote: Vote) -> Vote:
    return replace(vote, newest_slot=NOW - WINDOW)
