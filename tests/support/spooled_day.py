"""What a day without a control plane costs an agent: `python -m tests.support.spooled_day DIRECTORY ITEMS` prints it.

A process of its own, for its memory is measured. Results are of all kinds, a thousand a minute, written as the agent
writes them, every second.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec
import psutil

from agent.shipping.spool import Spool
from shared.results import CertificateFacts, CheckResult, Detail, Outcome, PingFacts, Reason

A_MINUTE = 1000
MONITORS = 1000
_KINDS = ["http"] * 60 + ["tcp"] * 15 + ["dns"] * 10 + ["ping"] * 10 + ["tls_cert"] * 5
"""A monitor's kind by its number: what 100 of them are."""

_FAILING = 0.01


class Cost(msgspec.Struct):
    """`start_s`: seconds until a next process is ready to go on; `memory`: bytes by which this one has grown."""

    items: int
    disk: int
    memory: int
    start_s: float
    pending: int


def results(items: int) -> Iterator[bytes]:
    """Encoded results; random where the real ones differ from one to the next, seeded."""
    rng = random.Random(7)
    ids = [UUID(int=rng.getrandbits(128), version=4) for _ in range(MONITORS)]
    for number in range(items):
        slot = 1_800_000_000_000 + number // A_MINUTE * 60_000 + number % A_MINUTE * 60
        yield msgspec.json.encode(_result(rng, ids, number % MONITORS, slot))


def _result(rng: random.Random, ids: list[UUID], monitor: int, slot: int) -> CheckResult:
    kind = _KINDS[monitor % 100]
    phases = {name: round(rng.lognormvariate(3, 0.7), 3) for name in _PHASES[kind]}
    is_bad = rng.random() < _FAILING
    result = CheckResult(
        monitor_id=ids[monitor],
        check_version=1,
        slot=slot,
        outcome=Outcome.DOWN if is_bad else Outcome.UP,
        reason=Reason.CONNECT if is_bad else Reason.NONE,
        http_status=200 if kind == "http" else None,
        total=round(sum(phases.values()), 3),
        detail=_detail(rng, kind, monitor, "The connection was refused" if is_bad else None),
    )
    return msgspec.structs.replace(result, **phases)


_PHASES = {
    "http": ("dns", "connect", "tls", "ttfb", "download"),
    "tcp": ("dns", "connect"),
    "dns": ("ttfb",),
    "ping": ("dns", "ttfb"),
    "tls_cert": ("dns", "connect", "tls"),
}


def _detail(rng: random.Random, kind: str, monitor: int, message: str | None) -> Detail:
    address = f"203.0.113.{monitor % 250}"
    match kind:
        case "http":
            return Detail(message, address, "1.1", "TLSv1.3", "TLS_AES_256_GCM_SHA384", 1_810_000_000 + monitor)
        case "dns":
            return Detail(message, answers=tuple(f"198.51.100.{rng.randrange(250)}" for _ in range(2)))
        case "ping":
            least, mean, most = sorted(round(rng.lognormvariate(3, 0.3), 3) for _ in range(3))
            return Detail(message, address, ping=PingFacts(3, 3, least, mean, most, round(rng.random(), 3)))
        case "tls_cert":
            return Detail(message, address, None, "TLSv1.3", "TLS_AES_256_GCM_SHA384", certificate=_facts(monitor))
    return Detail(message, address)


def _facts(monitor: int) -> CertificateFacts:
    serial = random.Random(monitor)
    return CertificateFacts(
        subject=f"CN=site-{monitor}.example",
        issuer="CN=R11, O=Let's Encrypt, C=US",
        serial=f"{serial.getrandbits(144):x}",
        fingerprint=f"{serial.getrandbits(256):064x}",
        not_before=1_790_000_000 + monitor,
        not_after=1_810_000_000 + monitor,
        is_trusted=True,
        host_matches=True,
        names=(f"site-{monitor}.example", f"www.site-{monitor}.example"),
        names_total=2,
        chain=(f"CN=site-{monitor}.example", "CN=R11, O=Let's Encrypt, C=US"),
    )


def measure(directory: Path, items: int) -> Cost:
    process = psutil.Process()
    source = results(items)
    spool = Spool(directory)
    batch: list[bytes] = []
    before = process.memory_info().rss
    for item in source:
        batch.append(item)
        if len(batch) == A_MINUTE // 60:
            spool.append(batch)
            batch.clear()
    spool.append(batch)
    memory = process.memory_info().rss - before
    spool.close()
    disk = sum(path.stat().st_size for path in directory.iterdir())
    started = time.perf_counter()
    again = Spool(directory)
    return Cost(items, disk, memory, time.perf_counter() - started, again.pending)


if __name__ == "__main__":
    os.write(1, msgspec.json.encode(measure(Path(sys.argv[1]), int(sys.argv[2]))))
