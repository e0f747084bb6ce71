"""Whole days of Farwatch under faults, each from a seed: nothing false, nothing missed, and the same at every run.

TEST_FARWATCH_SIMULATED_DAYS: how many days, in as many tests as there are tens of them.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.run import Day, Total, simulate

DAYS = int(os.environ.get("TEST_FARWATCH_SIMULATED_DAYS", "20"))
AT_A_TIME = 5
FIRST_SEED = 1_000


def told(day: Day) -> str:
    """What pytest shows of a broken day: enough to run it again."""
    breaks = "\n".join(f"  at {each.at}: {each.rule}: {each.what}" for each in day.breaks[:10])
    return f"python -m tests.simulation --days 1 --seed {day.seed}\nfaults: {day.faults}\n{breaks}"


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FIRST_SEED, FIRST_SEED + DAYS, AT_A_TIME))
def test_no_simulated_day_has_a_false_incident_a_missed_outage_or_a_broken_rule(first: int) -> None:
    total = Total()
    for seed in range(first, min(first + AT_A_TIME, FIRST_SEED + DAYS)):
        day = simulate(seed)
        assert day.breaks == [], told(day)
        total.add(day)
    assert (total.false, total.missed) == (0, 0)
    assert total.opened > 0
    assert total.delays


def test_a_seed_is_the_same_run_in_every_process() -> None:
    program = "from tests.simulation.run import simulate; print(simulate(7, hours=3).digest)"
    digests = {simulate(7, hours=3).digest}
    for hash_seed in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        digests.add(ran.stdout.strip())
    assert len(digests) == 1


def test_another_seed_is_another_run() -> None:
    assert simulate(7, hours=1.5).digest != simulate(8, hours=1.5).digest


def test_without_faults_an_outage_is_an_incident_as_soon_as_is_promised() -> None:
    days = [simulate(seed, hours=8, calm=True) for seed in range(4)]
    assert [told(day) for day in days if day.breaks] == []
    beyond = [late for day in days for late in day.beyond_promise]
    assert len(beyond) >= 20
    assert sorted(beyond)[int(len(beyond) * 0.99)] <= 0
