"""How the work goes that every process does by itself: told by each process, put together for the operator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct, structs


class JobRun(Struct, frozen=True, kw_only=True):
    """How one job goes in one process. `failures` and `runs` count since the process began.

    `next_run_at` is null while it runs; some jobs run until their process stops. `last_error` is the kind of the last
    fault, whose words are in the log alone.
    """

    is_running: bool = False
    last_run_at: datetime | None = None
    last_success_at: datetime | None = None
    next_run_at: datetime | None = None
    runs: int = 0
    failures: int = 0
    last_error: str | None = None

    def began(self, now: datetime) -> JobRun:
        """It runs now."""
        return structs.replace(self, is_running=True, last_run_at=now, next_run_at=None)

    def ended(self, now: datetime, *, next_run_at: datetime, error: str | None = None) -> JobRun:
        """It ran to its end, or to a fault of this kind."""
        return structs.replace(
            self,
            is_running=False,
            last_success_at=now if error is None else self.last_success_at,
            next_run_at=next_run_at,
            runs=self.runs + 1,
            failures=self.failures + (error is not None),
            last_error=error or self.last_error,
        )


class ProcessJob(JobRun, frozen=True, kw_only=True):
    """The same with the process that told it."""

    process_id: UUID


class BackgroundJob(JobRun, frozen=True, kw_only=True):
    """A job over all live processes: its latest run and success, its earliest next run, the sums of its counts."""

    name: str
    processes: list[ProcessJob]


def gathered(told: Iterable[tuple[UUID, Mapping[str, object]]]) -> list[BackgroundJob]:
    """The jobs of these processes, by name. What a process of another version tells in other words is left out."""
    by_name: dict[str, list[ProcessJob]] = {}
    for process_id, jobs in told:
        for name, run in jobs.items():
            try:
                one = msgspec.convert(run, JobRun)
            except msgspec.ValidationError:
                continue
            by_name.setdefault(name, []).append(ProcessJob(process_id=process_id, **structs.asdict(one)))
    return [_whole(name, runs) for name, runs in sorted(by_name.items())]


def _whole(name: str, runs: list[ProcessJob]) -> BackgroundJob:
    latest = max(runs, key=lambda run: (run.last_run_at is not None, run.last_run_at))
    return BackgroundJob(
        name=name,
        is_running=any(run.is_running for run in runs),
        last_run_at=latest.last_run_at,
        last_success_at=max((run.last_success_at for run in runs if run.last_success_at), default=None),
        next_run_at=min((run.next_run_at for run in runs if run.next_run_at), default=None),
        runs=sum(run.runs for run in runs),
        failures=sum(run.failures for run in runs),
        last_error=next((run.last_error for run in runs if run.last_error), None),
        processes=runs,
    )
