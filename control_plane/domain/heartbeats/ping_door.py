"""When pings could come in, as far as it is written down: what was missed while they could not proves nothing. Pure.

The door is open while any process marks that it could store pings. From one mark to the next nothing is known, so
deadlines wait for the mark after them. A time that no process has marked is a closure, and so is one in which a serving
process turned pings away: a load balancer might have sent any ping there.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from shared.clock import from_unix_ms

UNSEEN_MS = 10_000
"""Without a mark for longer than this the door counts as closed since the last one."""

AFTER_OPENING_MS = 2_000
"""A process marks the door a moment before it listens; a closure is counted so much longer."""


class Closure(Struct, frozen=True):
    """From when to when no ping, or not every ping, could come in. Unix ms."""

    from_ms: int
    until_ms: int

    def in_words(self) -> str:
        return f"the ping door was closed from {_to_the_second(self.from_ms)} to {_to_the_second(self.until_ms)}"


class PingDoor(Struct, frozen=True, kw_only=True):
    """What is known of the door: its closures, and until when (Unix ms; None: nothing is noted, it counts as open)."""

    closures: tuple[Closure, ...] = ()
    seen_ms: int | None = None

    def judged_at(self, now_ms: int) -> int:
        """The instant up to which deadlines can be judged."""
        return now_ms if self.seen_ms is None else min(now_ms, self.seen_ms)

    def closed_within(self, from_ms: int, until_ms: int) -> Closure | None:
        """The closure that reaches into this time, the last one if there are several."""
        touching = (one for one in self.closures if one.from_ms < until_ms and one.until_ms > from_ms)
        return max(touching, key=lambda one: one.until_ms, default=None)


ALWAYS_OPEN = PingDoor()


def as_noted(
    gaps: Iterable[Closure], *, refusals: Iterable[Closure] = (), seen_ms: int | None, now_ms: int
) -> PingDoor:
    """What the rows tell: the times between marks of any process, those of refused pings, and the newest mark."""
    closures = [*(Closure(gap.from_ms, gap.until_ms + AFTER_OPENING_MS) for gap in gaps), *refusals]
    if seen_ms is not None and now_ms - seen_ms > UNSEEN_MS:
        closures.append(Closure(seen_ms, now_ms))
        seen_ms = now_ms
    return PingDoor(closures=tuple(sorted(closures, key=lambda one: one.from_ms)), seen_ms=seen_ms)


def _to_the_second(at_ms: int) -> str:
    return from_unix_ms(at_ms).strftime("%Y-%m-%d %H:%M:%S UTC")
