"""The peer for single checks: Prometheus' blackbox_exporter, asked over kept connections as Prometheus asks it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.bench.cpu import cpu_seconds, difference
from tests.bench.http_client import HttpClient, http_client
from tests.bench.programs import find, free_port, listening, program
from tests.bench.rotation import Turn

PROGRAM = "prometheus-blackbox-exporter"

HTTP = "{prober: http, timeout: 5s, http: {preferred_ip_protocol: ip4}}"
"""The module that the plain figures use."""


@dataclass(frozen=True, slots=True)
class Blackbox:
    """Probes of one module, at the targets in turn."""

    port: int
    pid: int
    paths: Sequence[str]

    async def turn(self, *, window_s: float, concurrency: int, rate: float | None = None) -> Turn:
        """Closed loop, or `rate` probes a second shared evenly among `concurrency` connections."""
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(http_client(self.port)) for _ in range(concurrency)]
            before, until = cpu_seconds({PROGRAM: self.pid}), time.monotonic() + window_s
            gap = None if rate is None else concurrency / rate
            counts = await asyncio.gather(
                *(self._loop(each, until, gap, n, n / concurrency) for n, each in enumerate(clients))
            )
            used = difference(before, cpu_seconds({PROGRAM: self.pid}))
        count = sum(done for done, _ in counts)
        return Turn(used, count, sum(wrong for _, wrong in counts), extra={"rate": count / window_s})

    async def _loop(
        self, client: HttpClient, until: float, gap: float | None, first: int, part: float
    ) -> tuple[int, int]:
        count = wrong = 0
        due = time.monotonic() + part * (gap or 0)
        while time.monotonic() < until:
            if gap is not None:
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                due += gap
            status, answer = await client.get(self.paths[(first + count) % len(self.paths)])
            count += 1
            wrong += status != 200 or b"\nprobe_success 1\n" not in answer
        return count, wrong


@asynccontextmanager
async def blackbox(directory: Path, targets: Sequence[str], *, module: str = HTTP) -> AsyncIterator[Blackbox | None]:
    """`module`: its definition, YAML. None when it is not installed."""
    found = find(PROGRAM)
    if found is None:
        yield None
        return
    directory.mkdir()  # noqa: ASYNC240 - nothing else runs yet
    configuration = directory / "blackbox.yml"
    configuration.write_text(f"modules:\n  bench: {module}\n")
    port = free_port()
    options = (f"--config.file={configuration}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error")
    async with program(found, *options, log=directory / "blackbox.log") as process:
        await listening(port)
        yield Blackbox(port, process.pid, [f"/probe?module=bench&target={quote(each, safe='')}" for each in targets])
