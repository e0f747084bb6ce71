"""Two control-plane processes take two regions' deciding batches at the same instant, again and again.

Majority of three regions; ap is up throughout. Region eu reports to one control plane and us to the other. Each has one
contradicting slot; then both deciding batches leave together. Whoever commits second must see the other's vote: after
the down batches exactly one incident is open per monitor, after the up batches none. A monitor has two outages, and
then others take its place: the third within an hour would be flapping, and stay open after it.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import aiohttp
import msgspec
import pytest

from shared.protocol import BatchReceipt, ResultBatch
from shared.results import CheckResult, Outcome, Reason
from tests.support.farm import Farm, a_farm, free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CYCLES = int(os.environ.get("TEST_FARWATCH_DECIDING_CYCLES", "150"))
"""Two pairs of deciding batches a cycle."""

MONITORS = 2
OUTAGES = 2
"""Of one monitor."""
OPEN = "SELECT monitor_id FROM incidents WHERE state <> 'resolved'"


class Voice:
    """A region's agent, as far as sending results goes, at one control plane."""

    def __init__(self, farm: Farm, region: str, port: int) -> None:
        headers = {"Authorization": f"Bearer {farm.home.probe_keys[region]}", "Content-Type": "application/json"}
        self.client = aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers)

    async def say(self, monitors: Sequence[UUID], outcome: Outcome, slot: int) -> None:
        reason = Reason.CONNECT if outcome is Outcome.DOWN else Reason.NONE
        items = tuple(CheckResult(monitor, 1, slot, outcome, reason, total=1.0) for monitor in monitors)
        body = msgspec.json.encode(ResultBatch(time.time_ns() // 1_000_000, items))
        async with self.client.post("/api/agent/v1/results", data=body) as response:
            receipt = msgspec.json.decode(await response.read(), type=BatchReceipt)
        assert set(receipt.statuses) == {"stored"}


async def test_no_outage_is_lost_or_doubled_between_two_control_planes(dsn: str, tmp_path: Path) -> None:
    async with a_farm(dsn, tmp_path) as farm:
        second = free_port()
        await farm.start_control_plane()
        await farm.start_control_plane(port=second)
        ap, eu, us = Voice(farm, "ap", farm.port), Voice(farm, "eu", farm.port), Voice(farm, "us", second)
        slots = itertools.count(time.time_ns() // 1_000_000 - 60_000, 5)
        monitors: list[UUID] = []
        for cycle in range(CYCLES):
            if cycle % OUTAGES == 0:
                monitors = await _watch(farm, cycle)
                for voice in (ap, eu, us):
                    await voice.say(monitors, Outcome.UP, next(slots))
            orders = (monitors, monitors if cycle % 2 else monitors[::-1])
            await _turn((eu, us), orders, Outcome.DOWN, slots)
            opened = [row["monitor_id"] for row in await farm.rows(OPEN)]
            assert sorted(opened) == sorted(monitors), f"cycle {cycle}"
            await _turn((eu, us), orders, Outcome.UP, slots)
            assert await farm.rows(OPEN) == [], f"cycle {cycle}"
        counted = await farm.rows("SELECT count(*) AS n FROM incidents")
        assert counted[0]["n"] == MONITORS * CYCLES
        assert await farm.audit() == []
        await asyncio.gather(*(voice.client.close() for voice in (ap, eu, us)))


async def _turn(
    voices: Sequence[Voice], orders: Sequence[Sequence[UUID]], outcome: Outcome, slots: Iterator[int]
) -> None:
    """One contradicting slot each, then the two that decide at the same instant."""
    for _ in range(2):
        await asyncio.gather(
            *(voice.say(order, outcome, next(slots)) for voice, order in zip(voices, orders, strict=True))
        )


async def _watch(farm: Farm, cycle: int) -> list[UUID]:
    made = []
    async with farm.api() as api:
        for number in range(MONITORS):
            page = f"{cycle}-{number}"
            response = await api.post("/monitors", json={"name": page, "check": farm.site.url(f"/{page}")})
            assert response.status_code == 201, response.text
            made.append(UUID(response.json()["id"]))
    return made
