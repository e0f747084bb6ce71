"""python -m tests.simulation --days N --seed S: simulate N days, a seed each, and say how they went.

Ends with 1 when a rule was broken; the day's seed, the virtual time and the end of its trace are then printed.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.run import Day, Total, simulate_days

TAIL = 40


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--days", type=int, default=20, help="how many days, each a world of its own")
    parser.add_argument("--seed", type=int, default=1, help="the first day's seed; each next one is one more")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    began, total = time.perf_counter(), Total()
    for day in simulate_days(options.seed, options.days, jobs=options.jobs):
        total.add(day)
        if day.breaks:
            tell_breaks(day)
    for line in total.lines():
        print(line)
    print(f"took              {time.perf_counter() - began:.1f} s")
    return 1 if total.broken else 0


def tell_breaks(day: Day) -> None:
    print(f"seed {day.seed}: {len(day.breaks)} broken rules; faults: {', '.join(day.faults) or 'none'}")
    for each in day.breaks[:10]:
        print(f"  at {each.at}: {each.rule}: {each.what}")
    for line in day.tail[-TAIL:]:
        print(f"    {line}")


if __name__ == "__main__":
    sys.exit(main())
