"""Batches as agents send them: what a plain HTTP check of a healthy site reports, or of a broken one."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from shared.protocol import ResultBatch
from shared.results import CheckResult, Detail, Evidence, Outcome, Reason
from tests.bench.population import Population

BATCH = 500

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Body:
    """One encoded batch and how many items are in it."""

    data: bytes
    items: int


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def up(monitor_id: UUID, slot: int, chance: random.Random) -> CheckResult:
    connect, ttfb, download = chance.uniform(0.2, 30), chance.uniform(1, 200), chance.uniform(0.05, 20)
    return CheckResult(
        monitor_id=monitor_id,
        check_version=1,
        slot=slot,
        outcome=Outcome.UP,
        http_status=200,
        dns=round(chance.uniform(0.1, 5), 3),
        connect=round(connect, 3),
        ttfb=round(ttfb, 3),
        download=round(download, 3),
        total=round(connect + ttfb + download + 0.4, 3),
        detail=Detail(address=f"192.0.2.{monitor_id.int % 250}:443", http_version="1.1"),
    )


def down(monitor_id: UUID, slot: int) -> CheckResult:
    evidence = Evidence(status_line="HTTP/1.1 500 Internal Server Error", headers={"content-type": "text/plain"})
    return CheckResult(
        monitor_id=monitor_id,
        check_version=1,
        slot=slot,
        outcome=Outcome.DOWN,
        reason=Reason.STATUS,
        http_status=500,
        connect=0.4,
        ttfb=2.1,
        download=0.1,
        total=2.9,
        detail=Detail(message="The status is 500, expected 200", address="192.0.2.1:443", evidence=evidence),
    )


def body(items: Sequence[CheckResult], *, gzip: bool) -> Body:
    data = _encode(ResultBatch(sent_at=now_ms(), items=tuple(items)))
    return Body(pack(data) if gzip else data, len(items))


def pack(data: bytes) -> bytes:
    """gzip as the agent does it: level 1."""
    packer = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    return packer.compress(data) + packer.flush()


def slot_items(
    population: Population, region_id: int, *, at: int, step_ms: int, chance: random.Random
) -> Iterator[list[CheckResult]]:
    """One slot of every monitor in a region, all up, in lists of BATCH. Slots lie in [at, at + step_ms)."""
    pairs = list(zip(population.ids, population.phases[region_id], strict=True))
    pairs.sort(key=lambda pair: pair[1] % step_ms)
    for start in range(0, len(pairs), BATCH):
        yield [up(each, at + phase % step_ms, chance) for each, phase in pairs[start : start + BATCH]]
