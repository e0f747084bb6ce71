"""python -m tests.bench [S1 S6 S7 S8 …] [--rounds N] [--quick] [--write docs/benchmarks.md]"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from tests.bench import (
    agent_http,
    agent_https,
    agent_kinds,
    dashboard,
    detection,
    end_to_end,
    fault_to_incident,
    growth,
    honest_timing,
    ingest_cost,
    light,
    machine,
    mass_outage,
    overload,
    reads,
    restart,
    schedule_cost,
    streaming,
)
from tests.bench.figure import Figure, render, write_sections
from tests.bench.options import Options
from tests.bench.world import ignore_terminal

FIGURES: dict[str, Callable[[Options], Awaitable[Figure]]] = {
    "S1": agent_http.measure,
    "S2": agent_https.measure,
    "S3": agent_kinds.measure,
    "S4": honest_timing.measure,
    "S5": schedule_cost.measure,
    "S6": ingest_cost.measure,
    "S7": end_to_end.measure,
    "S8": detection.measure,
    "S8-fault": fault_to_incident.measure,
    "Outage": mass_outage.measure,
    "S10": reads.measure,
    "S11": growth.measure,
    "S12": streaming.measure,
    "Dashboard": dashboard.measure,
    "S13": restart.measure,
    "S14": overload.measure,
    "Light": light.measure,
}


def main() -> None:
    arguments = _arguments()
    options = Options(rounds=arguments.rounds or (2 if arguments.quick else 5), quick=arguments.quick)
    ignore_terminal()
    failed = False
    for name in arguments.figures or FIGURES:
        about = machine.describe()
        print(f"Measuring {name} …", file=sys.stderr, flush=True)
        figure = uvloop.run(_measured(FIGURES[name], options))
        text = f"{about}\n- {_command(name, options)}\n{render(figure)}"
        print(f"\n{figure.name} · {figure.title}\n\n{text}", flush=True)
        if arguments.write:
            path = Path(arguments.write)
            path.write_text(write_sections(path.read_text(), {figure.name: text}))
        failed = failed or not figure.counts
    sys.exit(1 if failed else 0)


async def _measured(measure: Callable[[Options], Awaitable[Figure]], options: Options) -> Figure:
    return await measure(options)


def _command(name: str, options: Options) -> str:
    words = ["python", "-m", "tests.bench", name, "--rounds", str(options.rounds), *(["--quick"] * options.quick)]
    return f"`{shlex.join(words)}`"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure what Farwatch costs here.")
    parser.add_argument("figures", nargs="*", choices=[[], *FIGURES], metavar="FIGURE", help=", ".join(FIGURES))
    parser.add_argument("--rounds", type=int, default=0, help="turns of each contestant (5, with --quick 2)")
    parser.add_argument("--quick", action="store_true", help="small counts: to see that it works")
    parser.add_argument("--write", metavar="FILE", help="put the figures into their sections of this file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
