"""Votes and verdicts counted a second time, from the rules as they are written down and from nothing of the product.

It is given every result that was committed, in the order of commits, and says what the product's rows have to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from shared.protocol import MAX_CLOCK_SKEW_MS
from shared.results import CheckResult, Outcome

Verdict = Literal["up", "degraded", "down", "unknown"]


class Voice:
    """One region of one monitor. `vote` is the last one; `is_earned`: earned since the last expiry.

    `honest`: whether each of the slots that made or keep it down was run while the target was really down.
    """

    __slots__ = (
        *(
            "asked",
            "bad",
            "confirmations",
            "first_bad",
            "good",
            "honest",
            "honest_run",
            "is_earned",
            "is_slow",
            "newest",
        ),
        *("slow", "vote", "window"),
    )

    def __init__(self, *, window: int, confirmations: int) -> None:
        self.window = window
        self.confirmations = confirmations
        self.asked = confirmations
        """The confirmations in force when it last turned down: raising them takes no vote back."""
        self.newest = 0
        self.vote: Literal["up", "down"] | None = None
        self.is_earned = True
        self.is_slow = False
        self.bad = self.good = self.slow = 0
        self.honest_run = 0
        self.honest = False
        self.first_bad: int | None = None

    def ask(self, confirmations: int) -> None:
        """So many slots are asked for from now on. An up vote is degraded by as many; all else waits for a slot."""
        self.confirmations = confirmations
        if self.vote == "up" and self.bad == 0:
            self.is_slow = self.slow >= confirmations

    def is_fresh(self, now: int) -> bool:
        return self.vote is not None and self.is_earned and now < self.newest + self.window

    def hear(self, result: CheckResult, *, was_down: bool, now: int) -> bool:
        """Count one slot; whether it counted."""
        slot = result.slot
        if result.outcome is Outcome.ERROR or slot <= self.newest:
            return False
        expires = self.newest + self.window
        if self.newest and (now >= expires or slot > expires):
            self.bad = self.good = self.slow = self.honest_run = 0
            self.is_earned = self.vote is None
        self.newest = slot
        if result.outcome is Outcome.DOWN:
            self._hear_bad(slot, was_down)
        else:
            self._hear_good(slot, result.outcome is Outcome.DEGRADED)
        return True

    def _hear_bad(self, slot: int, was_down: bool) -> None:
        if self.bad == 0 and not (self.vote == "down" and self.first_bad is not None):
            self.first_bad = slot
        self.bad += 1
        self.honest_run = self.honest_run + 1 if was_down else 0
        self.good = self.slow = 0
        if self.bad < self.confirmations:
            return
        if self.vote != "down" or not self.is_earned:
            self.asked = self.confirmations
            self.honest = self.honest_run >= self.confirmations
        elif self.honest_run >= self.confirmations:
            self.honest = True
        self.vote, self.is_earned, self.is_slow = "down", True, False

    def _hear_good(self, slot: int, is_slow: bool) -> None:
        self.bad = self.honest_run = 0
        self.good += 1
        self.slow = self.slow + 1 if is_slow else 0
        turns = self.vote is None or (self.vote == "down" and self.good >= self.confirmations)
        if self.vote == "down" and not turns:
            return
        if not is_slow:
            self.first_bad = None
        elif self.slow == 1 or turns:
            self.first_bad = slot
        self.vote, self.is_earned = "up", True
        self.is_slow = self.slow >= self.confirmations


class Count:
    """A monitor: its regions' voices and the verdict that they prove."""

    def __init__(self, voices: dict[int, Voice], *, r: int, now: int) -> None:
        self.configure(voices, r=r)
        self.verdict: Verdict = "unknown"
        self.since = now
        self.judged = now

    def configure(self, voices: dict[int, Voice], *, r: int) -> None:
        """These regions speak from now on, and so many of them prove an outage."""
        self.voices = voices
        self.r = r
        self.n = len(voices)
        self.q = min(r, self.n - r + 1) if voices else 0

    def tally(self, now: int) -> tuple[int, int, int, int, int]:
        """As monitor_states keeps it: assigned, fresh up, fresh down, fresh and degraded, last down."""
        up = down = slow = last = 0
        for voice in self.voices.values():
            last += voice.vote == "down"
            if voice.is_fresh(now):
                up += voice.vote == "up"
                down += voice.vote == "down"
                slow += voice.vote == "up" and voice.is_slow
        return self.n, up, down, slow, last

    def proven(self, now: int) -> Verdict | None:
        """What is proven at this instant, if anything is."""
        _, up, down, slow, last = self.tally(now)
        if self.n and down >= self.r:
            return "down"
        if self.n and last < self.r and up >= self.q:
            return "degraded" if down or slow >= self.q else "up"
        return None

    def verdict_at(self, now: int, current: Verdict) -> Verdict:
        proven = self.proven(now)
        if proven is not None:
            return proven
        _, up, down, _, _ = self.tally(now)
        agreeing = down if current == "down" else 0 if current == "unknown" else up
        return current if agreeing and up + down >= self.q else "unknown"

    def expire(self, now: int) -> list[tuple[int, Verdict]]:
        """Changes that the passing of time alone has brought since the last judgement."""
        edges = {voice.newest + voice.window for voice in self.voices.values()}
        return self._follow(sorted(at for at in edges if self.judged < at <= now))

    def judge(self, now: int) -> list[tuple[int, Verdict]]:
        """The change that holds now, with what has just been heard."""
        changes = self._follow([now])
        self.judged = now
        return changes

    def _follow(self, instants: Iterable[int]) -> list[tuple[int, Verdict]]:
        changes = []
        for at in instants:
            verdict = self.verdict_at(at, self.verdict)
            if verdict != self.verdict:
                self.since = max(self.since, at)
                changes.append((self.since, verdict))
                self.verdict = verdict
        return changes

    def started(self, now: int) -> int:
        """The r-th earliest first bad slot among the regions that say down."""
        firsts = sorted(v.first_bad or v.newest for v in self.voices.values() if v.vote == "down" and v.is_fresh(now))
        return firsts[self.r - 1]


def votes_needed(policy: str, k: int | None, regions: int) -> int:
    """How many down votes prove an outage; 0 where no region is assigned."""
    return (
        0
        if not regions
        else {"any": 1, "majority": regions // 2 + 1, "all": regions, "count": min(k or 1, regions)}[policy]
    )


def may_vote(result: CheckResult, *, sent_at: int, now: int) -> bool:
    """Whether the clocks of slot and sender are near enough to the server's."""
    return abs(now - sent_at) <= MAX_CLOCK_SKEW_MS and result.slot <= now + MAX_CLOCK_SKEW_MS
