"""Targets that mean harm, of every kind: each check ends in time, as the guide says, and the agent does not grow."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from agent.checks import CHECKS
from tests.support.hostile_targets import HOSTILE, spawned

ROOT = Path(__file__).parents[3]
GRACE_MS = 250
"""How much longer than its timeout a check may take."""

MOST_MB = 20
CHECKS_WEIGHED = 1000
PINGED = {"up/none", "down/loss", "error/internal"}
"""The last where the kernel had no room for an answer, as the guide says of `ping`."""


async def told_by(module: str, *arguments: str) -> Any:
    """What a process of ours says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.support.{module}", *arguments, stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), 400)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    return json.loads(said)


def test_every_kind_has_hostile_targets() -> None:
    assert {each.kind for each in HOSTILE} | {"ping"} == set(CHECKS)
    titles = [each.title for each in HOSTILE]
    assert len(titles) == len(set(titles))


async def test_every_check_of_a_hostile_target_ends_in_time_and_as_the_guide_says() -> None:
    async with spawned() as asked:
        seen = await told_by("hostile_checks", json.dumps(asked))
    expected = {each.title: each.expected for each in HOSTILE}
    assert {each["title"] for each in seen} == set(expected)
    assert [each for each in seen if each["came_out"] not in expected[each["title"]]] == []
    assert [each for each in seen if each["late_ms"] > GRACE_MS] == []


async def test_a_thousand_checks_of_hostile_targets_leave_the_agent_no_bigger_than_20_mb_more() -> None:
    async with spawned() as asked:
        (weighed,) = await told_by("hostile_checks", json.dumps(asked), str(CHECKS_WEIGHED))
    assert weighed["checks"] == CHECKS_WEIGHED
    assert weighed["broken"] == []
    assert weighed["grown_mb"] <= MOST_MB


async def test_pings_that_are_answered_with_floods_end_in_time_and_leave_nothing_behind() -> None:
    told = await told_by("hostile_echoes", str(CHECKS_WEIGHED))
    assert [each for each in told["seen"] if each["came_out"] not in PINGED] == []
    assert [each for each in told["seen"] if each["late_ms"] > GRACE_MS] == []
    assert told["checks"] == CHECKS_WEIGHED
    assert told["grown_mb"] <= MOST_MB
