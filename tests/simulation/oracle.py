"""The rules of the world: what must never happen, checked after each commit, at each outage's deadline, and at the end.

It knows the truth (the targets' scripts), what each result really saw, and what was acknowledged; it reads of the
product only what was committed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct

from control_plane.store import decisions, ingest
from control_plane.store.deliveries import OWE
from shared.clock import to_unix_ms
from shared.protocol import MAX_AGE_MS, MAX_FUTURE_MS
from shared.results import OUTCOMES, CheckResult, Outcome
from tests.simulation.levels import CALM_MS, LONGEST_WAIT_MS, Level, Levels, Open
from tests.simulation.outbox import Request
from tests.simulation.plan import PlannedAgent, PlannedMonitor
from tests.simulation.recount import Count, Verdict, Voice, may_vote, votes_needed
from tests.simulation.truth import MINUTE, SECOND

if TYPE_CHECKING:
    from tests.simulation.sim_agent import Seen
    from tests.simulation.world import World

Key = tuple[UUID, int, int]
SLACK_MS = 90 * SECOND
"""What lost messages and aborted transactions may add to the time in which an outage has to be seen."""

BACKS_OFF_MS = 10 * MINUTE
RECOVERY_MS = 60 * SECOND
"""How long after the last fault all has to be right, besides the one interval until each monitor is looked at again."""

SETTLING_MS = MINUTE
"""How long after a fault of an agent or its way to us its region does not count as healthy: leases and retries."""


class Break(Struct, frozen=True):
    """A rule that was broken, and when (virtual Unix ms)."""

    at: int
    rule: str
    what: str


class RuleBrokenError(Exception):
    """Raised at the first broken rule where that ends the world."""


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


class Oracle:
    """`breaks` is empty as long as all is as it should be."""

    def __init__(self, world: World) -> None:
        self.breaks: list[Break] = []
        self.stops = False
        """Whether the first broken rule ends the world."""
        self.opened = self.resolved = self.false_incidents = self.missed = 0
        self.delays: list[int] = []
        """From the end of the first bad check of an outage to its incident, in ms."""
        self.beyond_promise: list[int] = []
        """How much more than promised it took, in ms, where nothing stood in the way: negative is sooner."""
        self.outages: dict[UUID, list[Outage]] = {}
        self._world = world
        self._counts: dict[UUID, Count] = {}
        self._real: dict[Key, bool] = {}
        """Stored slots: whether the row is a real result, no error."""
        self._acknowledged: dict[Key, Outcome] = {}
        self._events: dict[UUID, int] = {}
        self._slug_of = world.plan.regions
        self._changed_at: dict[UUID, int] = {}
        self._unsettled: dict[int, int] = {}
        """When something was last wrong with a region, agents or way."""

    def begin(self) -> None:
        world = self._world
        for monitor in world.plan.monitors:
            voices = {
                region_id: Voice(window=monitor.window_ms, confirmations=monitor.confirmations)
                for region_id in monitor.regions
            }
            self._counts[monitor.id] = Count(voices, r=monitor.required, now=world.plan.start)
            outages = [Outage(start, end) for start, end in monitor.target.outages(monitor.required, honest=True)]
            self.outages[monitor.id] = outages
            for outage in outages:
                needed = _needed(monitor)
                if outage.end - outage.start >= needed:
                    world.at(outage.start + needed, self._expect_open, monitor, outage)
            world.at(self._well_by(monitor), self._expect_well, monitor)
        self._levels = Levels(world.plan.monitors, self._counts)
        for window in world.plan.windows:
            for monitor_id in window.monitors:
                monitor = world.monitors[monitor_id]
                world.at(window.end + _needed(monitor), self._expect_open, monitor, Outage(window.end, window.end))

    def _well_by(self, monitor: PlannedMonitor) -> int:
        cadence = max(monitor.interval_s * 1000, 5 * MINUTE if monitor.backs_off else 0)
        return self._world.plan.quiet_from + cadence + monitor.timeout + RECOVERY_MS

    def broken(self, rule: str, what: str) -> None:
        now = self._world.now
        self.breaks.append(Break(now, rule, what))
        self._world.trace.add(now, f"BROKEN {rule}: {what}")
        if self.stops:
            raise RuleBrokenError(f"{rule}: {what}")

    def changed(self, before: PlannedMonitor, monitor: PlannedMonitor) -> None:
        """Somebody changed the monitor, in the transaction that is looked at next."""
        count, level, now = self._counts[monitor.id], self._levels.of[monitor.id], self._world.now
        voices = count.voices
        if (before.version, before.enabled) != (monitor.version, monitor.enabled):
            regions = monitor.regions if monitor.enabled else ()
            voices = {r: Voice(window=monitor.window_ms, confirmations=monitor.confirmations) for r in regions}
        for voice in voices.values():
            voice.confirmations = monitor.confirmations
        needed = votes_needed(monitor.policy.name, monitor.policy.k, len(voices))
        count.configure(voices, r=needed)
        level.monitor, self._changed_at[monitor.id] = monitor, now
        self._tell(f"{monitor.name} changed: version {monitor.version}, enabled {monitor.enabled}")

    # -- after each commit

    def committed(self, writes: list[tuple[str, Any]], request: Request | None) -> None:
        """Follow one transaction: count what it stored, and hold what it decided against that."""
        now = self._world.now
        judged: dict[UUID, tuple[Any, ...]] = {}
        for text, rows in writes:
            if text == decisions.SAVE_STATE:
                judged |= {row[1]: row for row in rows}
        changes = {monitor_id: self._counts[monitor_id].expire(now) for monitor_id in judged}
        if request is not None:
            self._hear(request, now)
        if not writes:
            return
        held = {monitor_id: self._levels.is_held(monitor_id, now) for monitor_id in judged}
        for monitor_id, row in judged.items():
            changes[monitor_id] += self._counts[monitor_id].judge(now)
            self._compare_state(monitor_id, row, now)
            self._levels.of[monitor_id].judged(now, held=held[monitor_id])
        for text, rows in writes:
            follow = _FOLLOW.get(text)
            if follow is not None:
                follow(self, rows, now)
        self._compare_transitions(writes, changes)
        for monitor_id, row in judged.items():
            waits = row[17] is not None and to_unix_ms(row[17]) > now
            wrong = self._levels.of[monitor_id].wrong(now, waits=waits)
            if wrong is not None:
                self.broken("levels", f"{self._name(monitor_id)}: {wrong}")

    def _hear(self, request: Request, now: int) -> None:
        batch = request.batch
        if len(batch) > 1:
            batch = sorted(batch, key=lambda seen: (seen.result.outcome is Outcome.ERROR, seen.result.slot))
        real = self._real
        fresh: list[Seen] = []
        region_id = request.region_id
        for seen in batch:
            result = seen.result
            if not now - MAX_AGE_MS <= result.slot <= now + MAX_FUTURE_MS:
                continue
            key = (result.monitor_id, region_id, result.slot)
            is_real = result.outcome is not Outcome.ERROR
            if real.get(key, False) or (key in real and not is_real):
                continue
            real[key] = is_real
            if is_real and self._may_vote(result, request, now):
                fresh.append(seen)
        for seen in sorted(fresh, key=lambda seen: seen.result.slot) if len(fresh) > 1 else fresh:
            result = seen.result
            if seen.was_down and result.outcome is Outcome.DOWN:
                self._notice_first(seen)
            self._counts[result.monitor_id].voices[region_id].hear(result, was_down=seen.was_down, now=now)

    def _may_vote(self, result: CheckResult, request: Request, now: int) -> bool:
        is_asked_for = result.check_version == self._world.monitors[result.monitor_id].version
        is_asked_for = is_asked_for and request.region_id in self._counts[result.monitor_id].voices
        return is_asked_for and may_vote(result, sent_at=request.sent_at, now=now)

    def _compare_state(self, monitor_id: UUID, row: tuple[Any, ...], now: int) -> None:
        count = self._counts[monitor_id]
        told, tally = row[2], tuple(row[7:12])
        if told != count.verdict or tally != count.tally(now):
            name = self._world.monitors[monitor_id].name
            self.broken("verdict", f"{name}: {told} {tally}, recounted {count.verdict} {count.tally(now)}")
            count.verdict = told

    def _compare_transitions(
        self, writes: list[tuple[str, Any]], changes: dict[UUID, list[tuple[int, Verdict]]]
    ) -> None:
        told: dict[UUID, list[tuple[int, Verdict]]] = {}
        for text, rows in writes:
            if text == decisions.APPEND_TRANSITION:
                for row in rows:
                    told.setdefault(row[1], []).append((to_unix_ms(row[2]), row[5]))
        for monitor_id, expected in changes.items():
            if told.get(monitor_id, []) != expected:
                name = self._world.monitors[monitor_id].name
                self.broken("transitions", f"{name}: {told.get(monitor_id)}, recounted {expected}")

    # -- what was written

    def _saw_votes(self, rows: list[tuple[Any, ...]], now: int) -> None:
        for row in rows:
            monitor_id, region_id, newest, vote, renewed, degraded = row[0], row[1], row[5], row[6], row[7], row[8]
            voice = self._counts[monitor_id].voices.get(region_id)
            if voice is None:
                self.broken("votes", f"{self._name(monitor_id)}: {self._slug_of[region_id]} votes and is not assigned")
                continue
            found = (newest, vote, renewed, degraded, row[10], row[11])
            expected = (voice.newest, voice.vote, voice.is_earned, voice.is_slow, voice.bad, voice.good)
            if found != expected:
                name = self._world.monitors[monitor_id].name
                self.broken("votes", f"{name} {self._slug_of[region_id]}: {found}, recounted {expected}")

    def _saw_transitions(self, rows: list[tuple[Any, ...]], now: int) -> None:
        for row in rows:
            self._tell(f"{self._name(row[1])} {row[4]} > {row[5]} at {to_unix_ms(row[2])}: {row[6]}")

    def _saw_opened(self, rows: list[tuple[Any, ...]], now: int) -> None:
        for row in rows:
            monitor = self._world.monitors[row[3]]
            self._tell(f"{monitor.name} incident {row[2]} opens: {row[4]}, {row[6]}, up {row[10]}")
            wrong = self._levels.of[monitor.id].opens(now, Open(row[1], row[4]))
            if wrong is not None:
                self.broken("levels", f"{monitor.name}: {wrong}")
            self.opened += 1
            self._judge_opening(monitor, row, now)

    def _judge_opening(self, monitor: PlannedMonitor, row: tuple[Any, ...], now: int) -> None:
        count = self._counts[monitor.id]
        if row[4] == "degraded":
            return
        accusing = {r: v for r, v in count.voices.items() if v.vote == "down" and v.is_fresh(now)}
        slugs = tuple(sorted(self._slug_of[region_id] for region_id in accusing))
        if len(accusing) < count.r or slugs != tuple(row[9]):
            self.broken("proof", f"{monitor.name} opens by {row[9]}, recounted {slugs} of {count.r} needed")
        elif to_unix_ms(row[7]) != count.started(now):
            self.broken("proof", f"{monitor.name} began {to_unix_ms(row[7])}, recounted {count.started(now)}")
        self._expect_evidence(monitor, row[11], slugs)
        if sum(voice.honest for voice in accusing.values()) < count.r and not self._was_out(monitor, now):
            self.false_incidents += 1
            self.broken("false incident", f"{monitor.name}: {row[6]}")
        self._measure(monitor, now)

    def _expect_evidence(self, monitor: PlannedMonitor, evidence: list[dict[str, Any]], slugs: tuple[str, ...]) -> None:
        proofs = {e["region"]: e for e in evidence}
        for slug in slugs:
            proof = proofs.get(slug)
            if proof is None or not proof["fresh"] or proof["slots"] < monitor.confirmations:
                self.broken("proof", f"{monitor.name} keeps no proof from {slug}: {proof}")

    def _was_out(self, monitor: PlannedMonitor, now: int) -> bool:
        """Whether the target was really down so lately that honest votes may still say so."""
        since = now - monitor.window_ms
        outages = monitor.target.outages(self._counts[monitor.id].r)
        return any(start <= now and end >= since for start, end in outages)

    def _measure(self, monitor: PlannedMonitor, now: int) -> None:
        for outage in self.outages[monitor.id]:
            if outage.start <= now < outage.end and outage.opened is None and outage.first_bad is not None:
                outage.opened = now
                self.delays.append(now - outage.first_bad)
                if outage.promised is not None and not self._levels.was_held(monitor.id, outage.start, now):
                    late = now - outage.first_bad - outage.promised
                    self.beyond_promise.append(late)
                    if late > 0 and outage.is_brief:
                        self.broken(
                            "promise", f"{monitor.name} took {late} ms more than the {outage.promised} promised"
                        )

    def _saw_joined(self, rows: list[tuple[Any, ...]], now: int) -> None:
        for row in rows:
            self._tell(f"incident joined by {row[2]}")

    def _saw_worsened(self, rows: list[tuple[Any, ...]], now: int) -> None:
        for row in rows:
            level = self._level_of(row[1])
            if level is None:
                self.broken("levels", "an incident that was not open worsens")
                continue
            level.open = Open(row[1], "down")
            self._tell(f"{level.monitor.name} incident worsens: {row[3]}")

    def _saw_resolved(self, rows: list[tuple[Any, ...]], now: int) -> None:
        for row in rows:
            level = self._level_of(row[1])
            if level is not None:
                self._expect_prompt_recovery(level, now)
            wrong = "an incident that was not open resolved" if level is None else level.resolves(now, row[2])
            if wrong is not None:
                self.broken("levels", wrong)
            self.resolved += 1
            if level is not None:
                self._tell(f"{level.monitor.name} incident resolves: {row[2]}")

    def _expect_prompt_recovery(self, level: Level, now: int) -> None:
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
            self.broken("recovery", f"{monitor.name} resolves {now - ended} ms after all was well")

    def _level_of(self, incident_id: UUID) -> Level | None:
        levels = self._levels.of.values()
        return next((level for level in levels if level.open is not None and level.open.id == incident_id), None)

    def _saw_cadence(self, rows: list[tuple[Any, ...]], now: int) -> None:
        for monitor_id, cadence_s, window_ms in rows:
            monitor, count = self._world.monitors[monitor_id], self._counts[monitor_id]
            self._tell(f"{monitor.name} cadence {cadence_s}")
            proven = count.verdict == "down" and now - count.since >= BACKS_OFF_MS
            if cadence_s is not None and not (monitor.backs_off and proven):
                self.broken("back-off", f"{monitor.name} backs off, {count.verdict} since {count.since}")
            for voice in count.voices.values():
                voice.window = max(voice.window, window_ms)

    def _saw_window(self, rows: list[tuple[Any, ...]], now: int) -> None:
        for monitor_id, window_ms in rows:
            for voice in self._counts[monitor_id].voices.values():
                voice.window = window_ms

    def covered(self, rows: list[tuple[list[UUID], int, int]]) -> None:
        """Maintenance has begun for these monitors, until then."""
        for monitor_ids, start, end in rows:
            for monitor_id in monitor_ids:
                self._levels.covers.setdefault(monitor_id, []).append((start, end))

    def _saw_events(self, rows: list[tuple[Any, ...]], now: int) -> None:
        for row in rows:
            expected = self._events.get(row[0], 0) + 1
            if row[1] != expected:
                self.broken("event numbers", f"{row[1]} follows {expected - 1}")
            self._events[row[0]] = row[1]

    def _saw_rechecks(self, rows: list[tuple[Any, ...]], now: int) -> None:
        self._tell(f"{self._name(rows[0][3])} re-checks: {len(rows)} from {rows[0][5]}")

    def _saw_owed(self, rows: list[dict[str, Any]], now: int) -> None:
        for row in rows:
            self._tell(f"{self._name(row['monitor_id'])} owes {row['notice']} as {row['number']}")

    # -- what was acknowledged

    def acknowledged(self, agent: PlannedAgent, batch: list[Seen], statuses: tuple[str, ...]) -> None:
        """The agent has the answer and forgets the batch."""
        world = self._world
        if len(statuses) != len(batch):
            self.broken("ledger", f"{len(batch)} items, {len(statuses)} answers")
        for seen, status in zip(batch, statuses, strict=False):
            result = seen.result
            if not status.startswith("rejected"):
                self._acknowledged[result.monitor_id, agent.region_id, result.slot] = result.outcome
            world.trace.add(world.now, f"{agent.name} {self._name(result.monitor_id)} {result.slot} {status}")

    def _notice_first(self, seen: Seen) -> None:
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
        voices = self._counts[monitor.id].voices.values()
        is_plain = not (self._world.plan.faults.names or monitor.target.lies or monitor.depends_on)
        was_well = all(voice.vote == "up" and voice.bad == 0 for voice in voices)
        takes = [spell.takes_ms for spell in spells if spell is not None and spell.condition == "down"]
        if not is_plain or not was_well or len(takes) < len(spells):
            return None
        return monitor.confirmations * (2 * SECOND + max(takes)) + SECOND

    # -- deadlines

    def unsettle(self, region_id: int, until: int) -> None:
        """Something is wrong with the region until then; what it says is not to be counted on."""
        self._unsettled[region_id] = max(self._unsettled.get(region_id, 0), until + SETTLING_MS)

    def _expect_open(self, monitor: PlannedMonitor, outage: Outage) -> None:
        monitor, now = self._world.monitors[monitor.id], self._world.now
        if not monitor.enabled or self._changed_at.get(monitor.id, 0) >= outage.start:
            return
        if now < outage.start + _needed(monitor):
            self._world.at(outage.start + _needed(monitor), self._expect_open, monitor, outage)
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
            self.broken("missed outage", f"{monitor.name} has been down since {outage.start}")

    def _expect_well(self, monitor: PlannedMonitor) -> None:
        count, level, now = self._counts[monitor.id], self._levels.of[monitor.id], self._world.now
        due = self._well_by(self._world.monitors[monitor.id])
        if now < due:
            self._world.at(due, self._expect_well, monitor)
            return
        if level.open is not None and level.open.type == "flapping" and level.well_since is not None:
            calm_at = level.well_since + CALM_MS + 20 * SECOND
            if now < calm_at:
                self._world.at(calm_at, self._expect_well, monitor)
                return
        if count.verdict != "up":
            self.broken("recovery", f"{monitor.name} is {count.verdict}, and nothing is wrong any more")
        if level.open is not None:
            self.broken("recovery", f"{monitor.name} has an open incident, and nothing is wrong any more")

    def end(self) -> None:
        """What must be so when all has become quiet."""
        world = self._world
        for agent in world.agents:
            old = agent.outbox.older_than(world.now - RECOVERY_MS)
            if old:
                self.broken("recovery", f"{agent.me.name} still has {old} results")
        self._audit_results()
        self._audit_notices()

    def _audit_results(self) -> None:
        stored = self._world.backend.outcomes()
        for key, outcome in self._acknowledged.items():
            found = stored.get(key)
            if found is None:
                self.broken("ledger", f"{self._name(key[0])} {key[1:]} was acknowledged and is not there")
            elif OUTCOMES[found] is Outcome.ERROR and outcome is not Outcome.ERROR:
                self.broken("ledger", f"{self._name(key[0])} {key[1:]} was {outcome} and is an error")
        if stored.keys() != self._real.keys():
            self.broken("ledger", f"{len(stored.keys() ^ self._real.keys())} rows are not those that were committed")

    def _audit_notices(self) -> None:
        for notice, missing in self._world.backend.notices_missing():
            self.broken("notices", f"{notice}: {missing}")

    def _name(self, monitor_id: UUID) -> str:
        return self._world.monitors[monitor_id].name

    def _tell(self, line: str) -> None:
        self._world.trace.add(self._world.now, line)


def _needed(monitor: PlannedMonitor) -> int:
    """How long an outage has to last, in ms, so that missing it is an error."""
    slack = SLACK_MS + (LONGEST_WAIT_MS if monitor.depends_on else 0)
    return (monitor.confirmations + 2) * monitor.interval_s * 1000 + 2 * monitor.timeout + slack


_FOLLOW: dict[str, Callable[[Oracle, Any, int], None]] = {
    decisions.SET_CADENCE: Oracle._saw_cadence,
    decisions.SET_WINDOW: Oracle._saw_window,
    ingest.LANE_SAVE_VOTE: Oracle._saw_votes,
    decisions.APPEND_TRANSITION: Oracle._saw_transitions,
    decisions.OPEN_INCIDENT: Oracle._saw_opened,
    decisions.WORSEN_INCIDENT: Oracle._saw_worsened,
    decisions.JOIN_REGIONS: Oracle._saw_joined,
    decisions.RESOLVE_INCIDENT: Oracle._saw_resolved,
    decisions.APPEND_EVENT: Oracle._saw_events,
    decisions.WRITE_RECHECK: Oracle._saw_rechecks,
    OWE: Oracle._saw_owed,
}
