"""S5: the scheduler alone, with a hundred thousand monitors."""

from __future__ import annotations

import sys

import msgspec

from tests.bench.figure import Figure, Row
from tests.bench.options import Options
from tests.bench.programs import output_of
from tests.bench.schedule_alone import ScheduleCost, ScheduleMemory

CADENCE_MS = 10_000


async def measure(options: Options) -> Figure:
    count, seconds = options.scaled(100_000, quick=2000), options.scaled(15, quick=3)
    figure = Figure(
        "S5",
        "Scheduler alone",
        [
            f"{count} monitors at distinct targets every {CADENCE_MS // 1000} s, by the real clock, for {seconds} s",
            "from becoming due to being taken and given back, crowds included; every check ends at once",
            (
                "memory: what is allocated for monitors that the agent holds and finds by their id anyway, counted by"
                " tracemalloc once each has run"
            ),
        ],
    )
    costs = [
        msgspec.json.decode(await _told("cost", count, CADENCE_MS, seconds), type=ScheduleCost)
        for _ in range(options.rounds)
    ]
    memory = msgspec.json.decode(await _told("memory", count, CADENCE_MS), type=ScheduleMemory)
    figure.checked, figure.wrong = sum(each.started for each in costs), sum(each.wrong for each in costs)
    figure.rows += [
        Row("share of a core", "%", [100 * each.cpu_s / each.seconds for each in costs], 4.0),
        Row("per check", "µs", [each.cpu_s / each.started * 1e6 for each in costs]),
        Row("memory each", "bytes", [memory.bytes_each], 64.0),
        Row("lateness, p99", "ms", [each.late_p99_ms for each in costs], 10.0),
        Row("drift: median lateness, last tenth less first", "ms", [_drift_ms(each) for each in costs], 1.0),
        Row("busiest 10 ms against the mean", "ratio", [each.busiest for each in costs], 1.5),
    ]
    return figure


def _drift_ms(told: ScheduleCost) -> float:
    return abs(told.late_last_ms - told.late_first_ms)


async def _told(what: str, *arguments: int) -> str:
    command = (sys.executable, "-m", "tests.bench.schedule_alone", what, *map(str, arguments))
    return "".join(await output_of(*command))
