"""The life of a heartbeat: pings in, its state and deadline out. Pure.

| state | a success | /fail, exit 1-255 | /start | /log | the deadline passes |
|---|---|---|---|---|---|
| new | up | down | a run begins | – | down, where something was expected |
| up | up | down | a run begins | – | down |
| down | up | down | a run begins | – | – |

The deadline is data: `due_ms` is worked out when a ping comes, and whoever judges compares it. Without an open run it
is the last finish + period + grace, or the first cron instant after that finish + grace. An open run that began in time
takes the place of that: it has until its own limit. Only a success leads out of `down`; each deadline of the schedule
that passes then is newer proof of the same outage, which counts where a hold asked for some: one that passed inside a
maintenance window pages nobody at the window's end, the next one does.

A deadline that passed because the ping door was closed proves nothing: see `advance`.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import structs

from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.heartbeats.heartbeat_state import (
    MAX_OPEN_RUNS,
    Applied,
    EndedRun,
    Heartbeat,
    Ping,
    PingKind,
    Run,
    RunOutcome,
    evidence,
)
from control_plane.domain.heartbeats.heartbeat_times import around, expected_after, plausible_from
from control_plane.domain.heartbeats.ping_door import ALWAYS_OPEN, Closure, PingDoor
from control_plane.domain.judging.sole_vote import SoleVote
from shared.results import Reason

__all__ = [
    "MAX_OPEN_RUNS",
    "Applied",
    "EndedRun",
    "Heartbeat",
    "Ping",
    "PingKind",
    "Run",
    "advance",
    "apply",
    "rescheduled",
    "rested",
    "resumed",
    "run_limit",
    "sole_vote",
]


def apply(
    state: Heartbeat, ping: Ping, *, check: HeartbeatCheck, paused: bool, door: PingDoor = ALWAYS_OPEN
) -> Applied:
    """The state after this ping. Times do not run backwards: an earlier instant counts as that of the last ping.

    While paused a ping is counted and its run kept, and nothing else happens.
    """
    ping = structs.replace(ping, at_ms=max(ping.at_ms, state.last_ping_ms or 0))
    before = state.runs
    state = state if paused else advance(state, check, now_ms=ping.at_ms, door=door)
    state = structs.replace(state, pings=state.pings + 1, last_ping_ms=ping.at_ms, last_kind=ping.kind.value)
    given_up = _abandoned(tuple(run for run in before if run not in state.runs))
    match ping.kind:
        case PingKind.LOG:
            return Applied(state=state, ended=given_up)
        case PingKind.START:
            applied = _start(state, ping)
            applied = structs.replace(applied, ended=(*given_up, *applied.ended))
        case PingKind.SUCCESS | PingKind.FAIL:  # the finish of a run that was given up is heard after all
            applied = _finish(structs.replace(state, runs=before), ping, check=check, paused=paused)
    return structs.replace(applied, state=_with_due(applied.state, check, paused=paused))


def advance(state: Heartbeat, check: HeartbeatCheck, *, now_ms: int, door: PingDoor = ALWAYS_OPEN) -> Heartbeat:
    """The same state, down if its deadline has passed: a start that comes later does not undo that it was missed.

    Down since the deadline. A ping was missing since it was expected, a run since its limit. Where the ping door was
    closed when the ping may have been sent, nothing is proven instead: it is unknown, and the next deadline counts from
    the closure's end, as if the ping had come then.
    """
    now_ms = door.judged_at(now_ms)
    while state.due_ms is not None and _is_missed(state, now_ms):
        closure = door.closed_within(_awaited_from(state, check), state.due_ms)
        if closure is None:
            return _missed(state, check, due_ms=state.due_ms)
        state = _excused(state, check, closure, due_ms=state.due_ms)
    return state


def _missed(state: Heartbeat, check: HeartbeatCheck, *, due_ms: int) -> Heartbeat:
    return structs.replace(
        state,
        phase="down",
        since_ms=due_ms,
        first_bad_ms=due_ms if state.due_run else due_ms - check.grace * 1000,
        reason=Reason.TIMEOUT.value,
        message="a run did not end in time" if state.due_run else "no ping came in time",
    )


def _awaited_from(state: Heartbeat, check: HeartbeatCheck) -> int:
    """Since when the ping that is missing may have been sent: a run may end at any time after its start."""
    if state.due_run:
        return min(state.runs, key=lambda run: run_limit(check, run)).started_ms
    return max(state.counted_from_ms or 0, plausible_from(check, due_ms=state.due_ms or 0))


def _excused(state: Heartbeat, check: HeartbeatCheck, closure: Closure, *, due_ms: int) -> Heartbeat:
    """Runs that may have ended unheard are given up; what else was expected may have come, no later than the end."""
    oldest = min(state.runs, key=lambda run: run_limit(check, run), default=None)
    runs = tuple(run for run in state.runs if run != oldest and run_limit(check, run) > due_ms)
    counted_ms = max(state.counted_from_ms or 0, closure.until_ms)
    if check.cron is not None and not state.due_run:
        counted_ms = max(counted_ms, due_ms - check.grace * 1000)
    what = "this run may have ended" if state.due_run else "this ping was expected"
    message = f"{closure.in_words()}, when {what}"
    state = structs.replace(
        state, phase="new", since_ms=due_ms, runs=runs, counted_from_ms=counted_ms, reason=None, message=message
    )
    return _with_due(state, check, paused=False)


def rescheduled(state: Heartbeat, check: HeartbeatCheck, *, now_ms: int) -> Heartbeat:
    """After a change of the schedule deadlines count anew from now. `advance` by the old one first."""
    counted = None if state.counted_from_ms is None else now_ms
    runs = tuple(structs.replace(run, started_ms=max(run.started_ms, now_ms)) for run in state.runs)
    due = _with_due(structs.replace(state, counted_from_ms=counted, runs=runs), check, paused=False)
    return structs.replace(due, runs=state.runs)


def resumed(state: Heartbeat, check: HeartbeatCheck, *, now_ms: int) -> Applied:
    """After a pause nothing is proven. What has been pinged before is expected again; open runs are given up."""
    expected = None if state.last_ping_ms is None else now_ms
    fresh = Heartbeat(
        since_ms=now_ms,
        counted_from_ms=expected,
        pings=state.pings,
        last_ping_ms=state.last_ping_ms,
        last_kind=state.last_kind,
    )
    return Applied(state=_with_due(fresh, check, paused=False), ended=_abandoned(state.runs))


def rested(state: Heartbeat) -> Heartbeat:
    """While paused no deadline runs."""
    return structs.replace(state, phase="new", due_ms=None, first_bad_ms=None, reason=None, message=None)


def sole_vote(state: Heartbeat, check: HeartbeatCheck, *, now_ms: int, door: PingDoor = ALWAYS_OPEN) -> SoleVote:
    """What the pings say at this instant."""
    match advance(state, check, now_ms=now_ms, door=door):
        case Heartbeat(phase="new") as new:
            return SoleVote(message=new.message or "no ping has come yet", due_ms=new.due_ms)
        case Heartbeat(phase="up") as up:
            return SoleVote(say="up", since_ms=up.since_ms, message="pinged in time", due_ms=up.due_ms)
        case Heartbeat(phase="down") as down:
            newest_ms, due_ms = _newest_proof(down, check, door.judged_at(now_ms), door)
            return SoleVote(
                say="down",
                since_ms=down.since_ms,
                first_bad_ms=down.first_bad_ms,
                reason=down.reason,
                message=down.message,
                evidence=evidence(down),
                due_ms=due_ms,
                newest_ms=newest_ms,
            )
        case other:
            raise AssertionError(other.phase)


def _newest_proof(
    state: Heartbeat, check: HeartbeatCheck, now_ms: int, door: PingDoor
) -> tuple[int | None, int | None]:
    """The newest failure or missed deadline of one that is down, and when there will be another.

    Silence while the door was closed proves nothing new.
    """
    if state.due_ms is None or not _is_due(state, now_ms):
        return state.counted_from_ms, state.due_ms
    newest_ms, due_ms = around(check, missed_ms=state.due_ms, now_ms=now_ms)
    counted_ms = state.counted_from_ms or 0
    while closure := door.closed_within(max(counted_ms, plausible_from(check, due_ms=newest_ms)), newest_ms):
        if closure.from_ms < state.due_ms:
            return state.counted_from_ms, due_ms
        newest_ms, _ = around(check, missed_ms=state.due_ms, now_ms=closure.from_ms)
    return newest_ms, due_ms


def _start(state: Heartbeat, ping: Ping) -> Applied:
    """A start that was sent twice, as its run id shows, begins one run."""
    if ping.rid is not None and any(run.rid == ping.rid for run in state.runs):
        return Applied(state=state)
    run = Run(state.pings, ping.at_ms, ping.rid)
    runs = (*state.runs, run)
    ended: tuple[EndedRun, ...] = ()
    if len(runs) > MAX_OPEN_RUNS:
        ended, runs = _abandoned(runs[1:2]), runs[:1] + runs[2:]
    return Applied(state=structs.replace(state, runs=runs), started=run, ended=ended)


def _finish(state: Heartbeat, ping: Ping, *, check: HeartbeatCheck, paused: bool) -> Applied:
    good = ping.kind is PingKind.SUCCESS
    own = _runs_of(state, ping.rid)
    ended = [*_abandoned(own[:-1]), *(_ended(run, ping, "success" if good else "fail") for run in own[-1:])]
    left = tuple(run for run in state.runs if run not in own)
    overdue = [run for run in left if good and run_limit(check, run) <= ping.at_ms]
    ended += [EndedRun(number=run.number, outcome="overdue") for run in overdue]
    runs = tuple(run for run in left if run not in overdue)
    state = structs.replace(state, runs=runs, counted_from_ms=ping.at_ms)
    if not paused:
        state = _went_well(state, ping) if good else _went_wrong(state, ping)
    return Applied(state=state, ended=tuple(ended))


def _runs_of(state: Heartbeat, rid: UUID | None) -> tuple[Run, ...]:
    """The open runs that a finish with this run id ends: one without an id ends all without one."""
    return tuple(run for run in state.runs if run.rid == rid)


def _went_well(state: Heartbeat, ping: Ping) -> Heartbeat:
    if state.phase == "up":
        return state
    return structs.replace(state, phase="up", since_ms=ping.at_ms, first_bad_ms=None, reason=None, message=None)


def _went_wrong(state: Heartbeat, ping: Ping) -> Heartbeat:
    """Down at once; an outage that goes on keeps its beginning and tells its newest failure."""
    since = state.since_ms if state.phase == "down" else ping.at_ms
    first_bad = state.first_bad_ms if state.phase == "down" else ping.at_ms
    reason, message = Reason.ASSERTION.value, "it said that it failed"
    if ping.exit_code is not None:
        reason, message = Reason.STATUS.value, f"it ended with exit code {ping.exit_code}"
    return structs.replace(state, phase="down", since_ms=since, first_bad_ms=first_bad, reason=reason, message=message)


def run_limit(check: HeartbeatCheck, run: Run) -> int:
    """Until when this run has to have ended. Unix ms."""
    if check.max_run_s is not None:
        return run.started_ms + check.max_run_s * 1000
    return expected_after(check, run.started_ms) + check.grace * 1000


def _with_due(state: Heartbeat, check: HeartbeatCheck, *, paused: bool) -> Heartbeat:
    if paused:
        return structs.replace(state, due_ms=None, due_run=False)
    if state.runs:
        return structs.replace(state, due_ms=min(run_limit(check, run) for run in state.runs), due_run=True)
    if state.counted_from_ms is None:
        return structs.replace(state, due_ms=None, due_run=False)
    due_ms = expected_after(check, state.counted_from_ms) + check.grace * 1000
    return structs.replace(state, due_ms=due_ms, due_run=False)


def _is_missed(state: Heartbeat, now_ms: int) -> bool:
    return state.phase != "down" and _is_due(state, now_ms)


def _is_due(state: Heartbeat, now_ms: int) -> bool:
    return state.due_ms is not None and state.due_ms <= now_ms


def _ended(run: Run, ping: Ping, outcome: RunOutcome) -> EndedRun:
    return EndedRun(
        number=run.number,
        outcome=outcome,
        ended_ms=ping.at_ms,
        duration_ms=ping.at_ms - run.started_ms,
        exit_code=ping.exit_code,
    )


def _abandoned(runs: tuple[Run, ...]) -> tuple[EndedRun, ...]:
    return tuple(EndedRun(number=run.number, outcome="abandoned") for run in runs)
