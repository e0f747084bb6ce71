"""Outages have to be seen, and recoveries, in time: how soon, and whether they were."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from tests.simulation.levels import CALM_MS, LONGEST_WAIT_MS, Level, Levels
from tests.simulation.plan import PlannedMonitor
from tests.simulation.truth import MINUTE, SECOND

if TYPE_CHECKING:
    from tests.simulation.oracle import Oracle
    from tests.simulation.seen import Seen
    from tests.simulation.world import World

SLACK_MS = 90 * SECOND
"""What lost messages and aborted transactions may add to the time in which an outage has to be seen."""

RECOVERY_MS = 60 * SECOND
"""How long after the last fault all has to be right, besides the one interval until each monitor is looked at again."""

SETTLING_MS = MINUTE
"""How long after a fault of an agent or its way to us its region does not count as healthy: leases and retries."""


class Outage(Struct):
    """A time in which enough honest regions could not reach a target. `first_bad`: end of the first check that saw.

    `promised`: how soon after it an incident has to open (ms), where nothing stands in the way.
    """

    start: int
    end: int
    first_bad: int | None = None
    promised: int | None = None
    is_brief: bool = False
    """Whether a failing check is over before the next re-check is due, so that no scheduled one gets between them."""
    opened: int | None = None


class Deadlines:
    def __init__(self, world: World, oracle: Oracle, levels: Levels) -> None:
        self.missed = 0
        self.delays: list[int] = []
        """From the end of the first bad check of an outage to its incident, in ms."""
        self.beyond_promise: list[int] = []
        """How much more than promised it took, in ms, where nothing stood in the way: negative is sooner."""
        self.outages: dict[UUID, list[Outage]] = {}
        self._world = world
        self._broken = oracle.broken
        self._levels = levels
        self._changed_at: dict[UUID, int] = {}
        self._unsettled: dict[int, int] = {}
        """When something was last wrong with a region, agents or way."""
        for monitor in world.plan.monitors:
            self._plan(monitor)
        for window in world.plan.windows:
            for monitor_id in window.monitors:
                monitor = world.monitors[monitor_id]
                world.at(window.end + _needed(monitor), self._expect_open, monitor.id, Outage(window.end, window.end))

    def _plan(self, monitor: PlannedMonitor) -> None:
        outages = [Outage(start, end) for start, end in monitor.target.outages(monitor.required, honest=True)]
        self.outages[monitor.id] = outages
        for outage in outages:
            if outage.end - outage.start >= _needed(monitor):
                self._world.at(outage.start + _needed(monitor), self._expect_open, monitor.id, outage)
        self._world.at(self._well_by(monitor), self._expect_well, monitor.id)

    def changed(self, monitor_id: UUID) -> None:
        """Somebody changed the monitor: what began before is not held to a time."""
        self._changed_at[monitor_id] = self._world.now

    def _well_by(self, monitor: PlannedMonitor) -> int:
        cadence = max(monitor.interval_s * 1000, 5 * MINUTE if monitor.backs_off else 0)
        return self._world.plan.quiet_from + cadence + monitor.timeout + RECOVERY_MS

    def notice_first(self, seen: Seen) -> None:
        """A check saw a target down."""
        for outage in self.outages[seen.result.monitor_id]:
            if outage.start <= seen.began < outage.end:
                if outage.first_bad is None:
                    outage.first_bad = seen.ended
                    outage.promised = self._promise(self._world.monitors[seen.result.monitor_id], outage)
                    outage.is_brief = seen.ended - seen.began < 2 * SECOND
                return

    def _promise(self, monitor: PlannedMonitor, outage: Outage) -> int | None:
        """Confirmations x (2 s + what a failing check takes) + 1 s, if all regions have been well and fail now."""
        spells = [view.at(outage.start) for view in monitor.target.views.values()]
        voices = self._levels.of[monitor.id].count.voices.values()
        is_plain = not (self._world.plan.faults.names or monitor.target.lies or monitor.depends_on)
        was_well = all(voice.vote == "up" and voice.bad == 0 for voice in voices)
        takes = [spell.takes_ms for spell in spells if spell is not None and spell.condition == "down"]
        if not is_plain or not was_well or len(takes) < len(spells):
            return None
        return monitor.confirmations * (2 * SECOND + max(takes)) + SECOND

    def measure(self, monitor: PlannedMonitor, now: int) -> None:
        """An incident opens."""
        for outage in self.outages[monitor.id]:
            if outage.start <= now < outage.end and outage.opened is None and outage.first_bad is not None:
                outage.opened = now
                self.delays.append(now - outage.first_bad)
                if outage.promised is not None and not self._levels.was_held(monitor.id, outage.start, now):
                    late = now - outage.first_bad - outage.promised
                    self.beyond_promise.append(late)
                    if late > 0 and outage.is_brief:
                        self._broken(
                            "promise", f"{monitor.name} took {late} ms more than the {outage.promised} promised"
                        )

    def expect_prompt_recovery(self, level: Level, now: int) -> None:
        """Without faults a recovery is confirmed as fast as an outage, from the first good slot on."""
        monitor, world = level.monitor, self._world
        ended = max(
            (spell.end for view in monitor.target.views.values() for spell in view.spells if spell.end <= now),
            default=0,
        )
        is_plain = not (world.plan.faults.names or monitor.target.lies or monitor.backs_off)
        is_up = all(view.at(now) is None for view in monitor.target.views.values())
        if level.open is None or level.open.type != "down" or not (is_plain and is_up):
            return
        longest = monitor.interval_s * 1000 + monitor.timeout + (monitor.confirmations + 1) * 3 * SECOND
        if now - ended > longest:
            self._broken("recovery", f"{monitor.name} resolves {now - ended} ms after all was well")

    def unsettle(self, region_id: int, until: int) -> None:
        """Something is wrong with the region until then; what it says is not to be counted on."""
        self._unsettled[region_id] = max(self._unsettled.get(region_id, 0), until + SETTLING_MS)

    def _expect_open(self, monitor_id: UUID, outage: Outage) -> None:
        monitor, now = self._world.monitors[monitor_id], self._world.now
        if not monitor.enabled or self._changed_at.get(monitor_id, 0) >= outage.start:
            return
        if now < outage.start + _needed(monitor):
            self._world.at(outage.start + _needed(monitor), self._expect_open, monitor_id, outage)
            return
        healthy = sum(
            region_id in monitor.regions
            and monitor.target.honest(region_id)
            and self._unsettled.get(region_id, 0) <= outage.start
            and any(s.condition == "down" and s.start <= outage.start and s.end >= now for s in view.spells)
            for region_id, view in monitor.target.views.items()
        )
        if self._levels.was_held(monitor.id, outage.start, now):
            return
        found = self._levels.of[monitor.id].open
        if healthy >= monitor.required and (found is None or found.type == "degraded"):
            self.missed += 1
            self._broken("missed outage", f"{monitor.name} has been down since {outage.start}")

    def _expect_well(self, monitor_id: UUID) -> None:
        level, now = self._levels.of[monitor_id], self._world.now
        count, monitor = level.count, level.monitor
        due = self._well_by(monitor)
        if now < due:
            self._world.at(due, self._expect_well, monitor_id)
            return
        if level.open is not None and level.open.type == "flapping" and level.well_since is not None:
            calm_at = level.well_since + CALM_MS + 20 * SECOND
            if now < calm_at:
                self._world.at(calm_at, self._expect_well, monitor_id)
                return
        if count.verdict != "up":
            self._broken("recovery", f"{monitor.name} is {count.verdict}, and nothing is wrong any more")
        if level.open is not None:
            self._broken("recovery", f"{monitor.name} has an open incident, and nothing is wrong any more")


def _needed(monitor: PlannedMonitor) -> int:
    """How long an outage has to last, in ms, so that missing it is an error."""
    slack = SLACK_MS + (LONGEST_WAIT_MS if monitor.depends_on else 0)
    return (monitor.confirmations + 2) * monitor.interval_s * 1000 + 2 * monitor.timeout + slack
