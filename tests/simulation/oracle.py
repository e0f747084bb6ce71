"""The rules of the world: what must never happen, checked after each commit, at each outage's deadline, and at the end.

It knows the truth (the targets' scripts), what each result really saw, and what was acknowledged; it reads of the
product only what was committed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from control_plane.store import decisions, ingest
from control_plane.store.deliveries import OWE
from shared.clock import to_unix_ms
from shared.results import CheckResult, Outcome
from tests.simulation.breaks import Break, RuleBrokenError
from tests.simulation.deadlines import RECOVERY_MS, Deadlines
from tests.simulation.ledger import Ledger
from tests.simulation.levels import Level, Levels, Open
from tests.simulation.outbox import Request
from tests.simulation.plan import PlannedMonitor
from tests.simulation.recount import Count, Verdict, Voice, may_vote, votes_needed
from tests.simulation.truth import MINUTE

if TYPE_CHECKING:
    from tests.simulation.world import World

BACKS_OFF_MS = 10 * MINUTE


class Oracle:
    """`breaks` is empty as long as all is as it should be."""

    def __init__(self, world: World) -> None:
        self.breaks: list[Break] = []
        self.stops = False
        """Whether the first broken rule ends the world."""
        self.opened = self.resolved = self.false_incidents = 0
        self.deadlines: Deadlines
        self.ledger = Ledger(world, self)
        self._world = world
        self._counts: dict[UUID, Count] = {}
        self._levels: Levels
        self._events: dict[UUID, int] = {}
        self._slug_of = world.plan.regions

    def begin(self) -> None:
        world = self._world
        for monitor in world.plan.monitors:
            voices = {
                region_id: Voice(window=monitor.window_ms, confirmations=monitor.confirmations)
                for region_id in monitor.regions
            }
            self._counts[monitor.id] = Count(voices, r=monitor.required, now=world.plan.start)
        self._levels = Levels(world.plan.monitors, self._counts)
        self.deadlines = Deadlines(world, self, self._levels)

    def broken(self, rule: str, what: str) -> None:
        now = self._world.now
        self.breaks.append(Break(now, rule, what))
        self._world.trace.add(now, f"BROKEN {rule}: {what}")
        if self.stops:
            raise RuleBrokenError(f"{rule}: {what}")

    def changed(self, before: PlannedMonitor, monitor: PlannedMonitor) -> None:
        """Somebody changed the monitor, in the transaction that is looked at next."""
        count, level = self._counts[monitor.id], self._levels.of[monitor.id]
        voices = count.voices
        if (before.version, before.enabled) != (monitor.version, monitor.enabled):
            regions = monitor.regions if monitor.enabled else ()
            voices = {r: Voice(window=monitor.window_ms, confirmations=monitor.confirmations) for r in regions}
        for voice in voices.values():
            voice.ask(monitor.confirmations)
        needed = votes_needed(monitor.policy.name, monitor.policy.k, len(voices))
        count.configure(voices, r=needed)
        level.monitor = monitor
        self.deadlines.changed(monitor.id)
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
        region_id = request.region_id
        fresh = [seen for seen in self.ledger.commit(request) if self._may_vote(seen.result, request, now)]
        for seen in sorted(fresh, key=lambda seen: seen.result.slot) if len(fresh) > 1 else fresh:
            result = seen.result
            if seen.was_down and result.outcome is Outcome.DOWN:
                self.deadlines.notice_first(seen)
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
        self._expect_evidence(monitor, row[11], {self._slug_of[r]: voice for r, voice in accusing.items()})
        if sum(voice.honest for voice in accusing.values()) < count.r and not self._was_out(monitor, now):
            self.false_incidents += 1
            self.broken("false incident", f"{monitor.name}: {row[6]}")
        self.deadlines.measure(monitor, now)

    def _expect_evidence(
        self, monitor: PlannedMonitor, evidence: list[dict[str, Any]], accusing: dict[str, Voice]
    ) -> None:
        proofs = {e["region"]: e for e in evidence}
        for slug, voice in accusing.items():
            proof = proofs.get(slug)
            if proof is None or not proof["fresh"] or proof["slots"] < voice.asked:
                self.broken("proof", f"{monitor.name} keeps no proof from {slug}: {proof}")

    def _was_out(self, monitor: PlannedMonitor, now: int) -> bool:
        """Whether the target was down so lately that honest votes may still say so: longer if it was backed off."""
        since = now - monitor.window_ms - (10 * MINUTE if monitor.backs_off else 0)
        outages = monitor.target.outages(self._counts[monitor.id].r)
        return any(start <= now and end >= since for start, end in outages)

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
                self.deadlines.expect_prompt_recovery(level, now)
            wrong = "an incident that was not open resolved" if level is None else level.resolves(now, row[2])
            if wrong is not None:
                self.broken("levels", wrong)
            self.resolved += 1
            if level is not None:
                self._tell(f"{level.monitor.name} incident resolves: {row[2]}")

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

    def end(self) -> None:
        """What must be so when all has become quiet."""
        world = self._world
        for agent in world.agents:
            old = agent.outbox.older_than(world.now - RECOVERY_MS)
            if old:
                self.broken("recovery", f"{agent.me.name} still has {old} results")
        self.ledger.audit()
        for notice, missing in world.backend.notices_missing():
            self.broken("notices", f"{notice}: {missing}")

    def _name(self, monitor_id: UUID) -> str:
        return self._world.monitors[monitor_id].name

    def _tell(self, line: str) -> None:
        self._world.trace.add(self._world.now, line)


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
