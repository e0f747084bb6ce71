"""Random slots and what a region says of them by the letter of chapter 3, to hold the real counting against."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from control_plane.domain.judging.verdict import Policy, PolicyName
from control_plane.domain.judging.votes import Say, Vote, count
from tests.support.votes import EMPTY, EVERY, NOW, WINDOW, seen

NAMES: tuple[PolicyName, ...] = ("any", "majority", "all")
POLICIES = [*(Policy(name) for name in NAMES), *(Policy("count", k) for k in range(1, 6))]


class Arrival(Struct, frozen=True):
    """One slot of a region and when it reached us, and what was in force then, where that changes."""

    letter: str
    slot: int
    now_ms: int
    confirmations: int | None = None
    window_ms: int = WINDOW


LETTER = st.sampled_from("UUSDDE")
GAP = st.sampled_from([EVERY, EVERY, EVERY, 2_000, 0, -EVERY, WINDOW - 1, WINDOW + 1, 5 * WINDOW])
DELAY = st.sampled_from([0, 0, 0, 0, 1_000, EVERY, WINDOW - 1, WINDOW])
STEPS = st.lists(st.tuples(LETTER, GAP, DELAY), max_size=30)
CONFIRMATIONS = st.integers(1, 4)


def arrivals(steps: Sequence[tuple[str, int, int]], *, start: int = NOW) -> list[Arrival]:
    slot = now_ms = start
    found = []
    for letter, gap, delay in steps:
        slot += gap
        now_ms = max(now_ms, slot + delay)
        found.append(Arrival(letter, slot, now_ms))
    return found


def counted(story: Sequence[Arrival], confirmations: int, vote: Vote = EMPTY) -> Vote:
    for each in story:
        vote = count(vote, seen(each.letter, each.slot), confirmations=confirmations, now_ms=each.now_ms)
    return vote


class Said(Struct, frozen=True):
    """What a region says by the letter of the chapter; `earned`: since its latest expiry; `letter`: its newest slot."""

    say: Say | None
    earned: bool
    newest: int
    letter: str = ""


def by_the_letter(story: Sequence[Arrival], confirmations: int) -> Said:
    """The chapter read naively, on lists: no counters, one look back at the last slots after each new one."""
    said = Said(None, True, 0)
    since_expiry: list[str] = []
    for each in story:
        if each.letter == "E" or each.slot <= said.newest:
            continue
        expires = said.newest + each.window_ms
        if said.newest and (each.slot > expires or each.now_ms >= expires):
            since_expiry, said = [], replace(said, earned=said.say is None)
        since_expiry.append(each.letter)
        said = replace(_said(said, since_expiry, each.confirmations or confirmations, each.slot), letter=each.letter)
    return said


def _said(said: Said, since_expiry: Sequence[str], confirmations: int, slot: int) -> Said:
    last = since_expiry[-confirmations:]
    enough = len(last) == confirmations
    if enough and all(letter == "D" for letter in last):
        return Said("down", True, slot)
    good = last[-1] != "D"
    if good and (said.say in ("up", None) or (enough and all(letter != "D" for letter in last))):
        return Said("up", True, slot)
    return Said(said.say, said.earned, slot)
