"""Holds: while a maintenance window covers a monitor, or anything upstream of it is down, none of its incidents opens.

When a hold ends, an outage that began under it is not taken over as it is: only votes renewed by a down slot after the
end count towards opening, so re-checks are asked for at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.domain.judging.verdict import VerdictName
from control_plane.domain.judging.votes import Vote

LONGEST_WAIT_MS = 60_000
"""An opening waits no longer than this for what its upstreams say."""


class Hold(Struct, frozen=True):
    """What holds a monitor now, in words, and when that ends if it is known (Unix ms)."""

    words: str
    until_ms: int | None = None


class Held(Struct, frozen=True):
    """What is remembered of holds, all in Unix ms. `ended_ms`: older votes do not count towards opening.

    `by` outlives the hold until up was proven, or until the incident that it held back opens and names it.
    """

    since_ms: int | None = None
    by: str | None = None
    ended_ms: int | None = None


class Upstream(Struct, frozen=True, kw_only=True):
    """A monitor that another depends on, directly or through others.

    `newest_slot` in Unix ms, 0 for none. `settled`: each of its regions' newest slot agrees with that region's vote.
    """

    monitor_id: UUID
    name: str
    verdict: VerdictName
    newest_slot: int
    settled: bool
    confirmations: int
    timeout_ms: int
    runs: bool = True
    """Whether it has regions that can be asked: neither paused nor of a kind without regions."""


def advance(held: Held, hold: Hold | None, *, well: bool, now_ms: int) -> Held:
    """What to remember after this judgement. `well`: up or degraded was proven."""
    if hold is not None:
        return Held(now_ms if held.since_ms is None else held.since_ms, hold.words)
    if held.since_ms is not None:
        return Held(None, None, None) if well else Held(None, held.by, now_ms)
    return Held() if well else held


def counts(vote: Vote, ended_ms: int | None) -> bool:
    """Whether a fresh accusing vote counts towards opening: one from under a hold has to be renewed by such a slot."""
    if ended_ms is None:
        return True
    return vote.newest_slot > ended_ms and (vote.good_run == 0 if vote.vote == "down" else vote.degraded_run > 0)


def holding(upstreams: Sequence[Upstream]) -> Hold | None:
    """The hold that upstreams in verdict down are."""
    down = sorted(u.name for u in upstreams if u.verdict == "down")
    if not down:
        return None
    more = f" and {len(down) - 3} more" if len(down) > 3 else ""
    return Hold(f"{', '.join(f'“{name}”' for name in down[:3])}{more}, which {'is' if len(down) == 1 else 'are'} down")


def unheard(upstreams: Sequence[Upstream], *, first_bad_ms: int) -> tuple[Upstream, ...]:
    """The upstreams that have not said yet how they are since the outage began: asked once before an incident opens."""
    return tuple(u for u in upstreams if u.runs and (u.newest_slot < first_bad_ms or not u.settled))


def longest_wait_ms(upstreams: Sequence[Upstream], *, recheck_every_ms: int) -> int:
    """How long an opening waits for these: as long as proving their outage takes, within bounds."""
    longest = max((recheck_every_ms + u.timeout_ms) * (u.confirmations + 1) for u in upstreams)
    return min(longest, LONGEST_WAIT_MS)
