"""Whether an incident has to be open: levels, holds, flapping and back-off, from the rules as they are written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from tests.simulation.plan import PlannedMonitor
from tests.simulation.recount import Count, Verdict, Voice
from tests.simulation.truth import HOUR, MINUTE, SECOND

CALM_MS = 10 * MINUTE
LONGEST_WAIT_MS = 61 * SECOND
"""An opening waits a minute at most for its upstreams, and is looked at again each second."""


class Open(Struct, frozen=True):
    id: UUID
    type: str


class Level:
    """One monitor's incidents as they ought to be."""

    def __init__(self, monitor: PlannedMonitor, count: Count) -> None:
        self.monitor = monitor
        self.count = count
        self.open: Open | None = None
        self.well_since: int | None = None
        self.held = False
        self.hold_ended: int | None = None
        """When a hold ended under which it was not well; older votes then do not count towards opening."""
        self.down_until = 0
        """When the verdict was last known to be down."""
        self._openings: list[int] = []
        self._waits_since: int | None = None

    def judged(self, now: int, *, held: bool) -> None:
        """A judgement was made, while something held it or not."""
        proven = self.count.proven(now)
        well = proven in ("up", "degraded")
        self.well_since = (self.well_since or now) if well else None
        at_ease = well and not self._slow_alert(now)
        if held:
            self.held = True
        else:
            if self.held:
                self.hold_ended = now
            self.held = False
            if at_ease:
                self.hold_ended = None
        if held and self.hold_ended is not None:
            self.hold_ended = None
        if self.count.verdict == "down":
            self.down_until = now

    def _slow_alert(self, now: int) -> bool:
        slow = self.count.tally(now)[3] >= self.count.q
        return self.count.proven(now) == "degraded" and slow and self.monitor.alert_on == "degraded"

    def _counting(self, voices: Iterable[Voice]) -> int:
        ended = self.hold_ended
        if ended is None:
            return sum(1 for _ in voices)
        return sum(v.newest > ended and (v.good == 0 if v.vote == "down" else v.slow > 0) for v in voices)

    def may_open(self, now: int) -> str | None:
        """The kind of incident that the votes call for now, if nothing waits."""
        if self.held:
            return None
        count = self.count
        fresh = [voice for voice in count.voices.values() if voice.is_fresh(now)]
        if count.proven(now) == "down":
            enough = self._counting(v for v in fresh if v.vote == "down") >= count.r
            return self._kind(now) if enough else None
        if self._slow_alert(now):
            enough = self._counting(v for v in fresh if v.vote == "up" and v.is_slow) >= count.q
            return "degraded" if enough else None
        return None

    def _kind(self, now: int) -> str:
        return "flapping" if sum(now - at < HOUR for at in self._openings) >= 2 else "down"

    def opens(self, now: int, found: Open) -> str | None:
        """An incident opened; what is wrong with that."""
        wanted = self.may_open(now)
        wrong = None if wanted == found.type and self.open is None else f"{found.type} opens, {wanted=}, {self.open}"
        self.open, self._waits_since, self.hold_ended = found, None, None
        self._openings.append(now)
        return wrong

    def resolves(self, now: int, resolution: str) -> str | None:
        """It resolved; what is wrong with that."""
        found, self.open = self.open, None
        if found is None:
            return "nothing was open"
        if resolution != "recovered":
            return None if resolution == "paused" and not self.monitor.enabled else f"it resolves as {resolution}"
        proven = self.count.proven(now)
        if proven not in ("up", "degraded"):
            return f"it resolves, and {proven} is proven"
        if found.type == "flapping" and not self._calm(now):
            return f"it flaps, and is well since {self.well_since} only"
        return None

    def _calm(self, now: int) -> bool:
        return self.well_since is not None and now - self.well_since >= CALM_MS

    def wrong(self, now: int, *, waits: bool) -> str | None:
        """What is wrong after a judgement. `waits`: the product says that it waits for its upstreams."""
        found, proven = self.open, self.count.proven(now)
        if found is None:
            return self._unopened(now, waits=waits)
        self._waits_since = None
        if proven == "down" and found.type == "degraded":
            return "it is down, and its incident says degraded"
        stays = proven not in ("up", "degraded")
        stays = stays or (found.type == "flapping" and not self._calm(now))
        stays = stays or (
            found.type == "degraded" and proven == "degraded" and self.count.tally(now)[3] >= self.count.q
        )
        return None if stays else f"it is {proven}, and its incident ({found.type}) stays open"

    def _unopened(self, now: int, *, waits: bool) -> str | None:
        wanted = self.may_open(now)
        if wanted is None:
            self._waits_since = None
            return None
        if not (waits and self.monitor.depends_on and wanted != "degraded"):
            return f"it is {wanted}, and no incident says so"
        if self._waits_since is None:
            self._waits_since = now
        if now - self._waits_since > LONGEST_WAIT_MS:
            return f"its incident has waited for upstreams since {self._waits_since}"
        return None


class Levels:
    """All monitors', with what holds each of them."""

    def __init__(self, monitors: Sequence[PlannedMonitor], counts: Mapping[UUID, Count]) -> None:
        self.of = {monitor.id: Level(monitor, counts[monitor.id]) for monitor in monitors}
        self.covers: dict[UUID, list[tuple[int, int]]] = {}
        """Maintenance of each monitor, [start, end)."""
        self._above = {monitor.id: _above(monitor, {m.id: m for m in monitors}) for monitor in monitors}

    def verdict(self, monitor_id: UUID) -> Verdict:
        return self.of[monitor_id].count.verdict

    def is_held(self, monitor_id: UUID, now: int) -> bool:
        """Whether maintenance or something upstream holds it now."""
        if any(start <= now < end for start, end in self.covers.get(monitor_id, ())):
            return True
        return any(self.verdict(one) == "down" for one in self._above[monitor_id])

    def was_held(self, monitor_id: UUID, since: int, now: int) -> bool:
        """Whether something held it at any time of a span."""
        if any(start <= now and end >= since for start, end in self.covers.get(monitor_id, ())):
            return True
        return any(self.verdict(u) == "down" or self.of[u].down_until >= since for u in self._above[monitor_id])


def _above(monitor: PlannedMonitor, monitors: Mapping[UUID, PlannedMonitor]) -> frozenset[UUID]:
    found: set[UUID] = set()
    todo = list(monitor.depends_on)
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += monitors[one].depends_on
    return frozenset(found)
