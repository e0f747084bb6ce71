"""An agent's checks of every hostile server, in a process of its own, whose time and memory are theirs alone."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import os
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent import event_loop
from agent.checks import CHECKS
from agent.checks.check import CheckContext, CheckOutcome
from agent.rdap.servers import RdapServers
from shared.checks import Check, kind_of
from shared.checks.dns import DnsCheck
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.checks.http import HttpCheck, JsonPathEquals
from shared.checks.tcp import TcpCheck
from shared.checks.tls_cert import TlsCertCheck
from tests.support.hostile_targets import HOSTILE, Hostile, domain_of
from tests.support.http_checks import context

TIMEOUT_MS = 1000
_TICK_S = 0.01


class Starvation:
    """How long this process was kept from running by others: the lateness of a timer, less our own work meanwhile.

    agent.health.lag.LagMeter counts both, so that a check which held its own loop up would be excused by it.
    """

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=10_000)
        self._arm()

    async def lateness_ms(self, started: float, timeout_ms: int) -> float:
        """How much longer than its timeout a check took that ends now, apart from what others took from it."""
        ended, due = time.perf_counter(), started + timeout_ms / 1000
        if ended <= due:
            return 0.0
        await asyncio.sleep(2 * _TICK_S)  # so that what held us up to the end has been measured
        lost = sum(lost for at, lost in self._late if due - 2 * _TICK_S <= at <= ended + 2 * _TICK_S)
        return round((ended - due - lost) * 1000, 1)

    def _arm(self) -> None:
        self._due, self._worked = time.perf_counter() + _TICK_S, time.thread_time()
        asyncio.get_running_loop().call_later(_TICK_S, self._measure)

    def _measure(self) -> None:
        now = time.perf_counter()
        lost = now - self._due - (time.thread_time() - self._worked)
        if lost > 0.001:
            self._late.append((now, lost))
        self._arm()


@dataclasses.dataclass(frozen=True)
class Seen:
    title: str
    came_out: str
    message: str
    late_ms: float
    """How much longer than its timeout it took, apart from the time that others had."""


class Agent:
    """`asked`: what hostile_targets.spawned gives."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self._ports: list[int] = asked["ports"]
        self._rdap = RdapServers(url=asked["list_url"])
        self._plain = dataclasses.replace(context(), rdap=self._rdap)
        self._starvation = Starvation()

    async def run(self, number: int) -> Seen:
        hostile = HOSTILE[number]
        check, using = self._check_of(hostile, self._ports[number])
        before = time.perf_counter()
        outcome: CheckOutcome = await CHECKS[kind_of(check)].run(check, using)
        late_ms = await self._starvation.lateness_ms(before, TIMEOUT_MS)
        came_out = f"{outcome.outcome}/{outcome.reason}"
        return Seen(hostile.title, came_out, outcome.detail.message or "", late_ms)

    def _check_of(self, hostile: Hostile, port: int) -> tuple[Check, CheckContext]:
        options = dict(hostile.options)
        match hostile.kind:
            case "http":
                return self._http(options, port)
            case "tcp":
                return TcpCheck(host="127.0.0.1", port=port, timeout=TIMEOUT_MS, **options), self._plain
            case "tls_cert":
                return TlsCertCheck(host="127.0.0.1", port=port, timeout=TIMEOUT_MS), self._plain
            case "dns" if options.get("own"):
                return DnsCheck(name="example.com", timeout=TIMEOUT_MS), context(dns=("127.0.0.1", port))
            case "dns":
                check = DnsCheck(name="example.com", resolver=f"127.0.0.1:{port}", timeout=TIMEOUT_MS)
                return check, self._plain
        return DomainExpiryCheck(domain=domain_of(hostile.name), timeout=TIMEOUT_MS), self._plain

    def _http(self, options: dict[str, Any], port: int) -> tuple[Check, CheckContext]:
        scheme = "https" if options.pop("over_tls", False) else "http"
        if options.pop("is_named", False):
            return HttpCheck(url="http://example.com/", timeout=TIMEOUT_MS), context(dns=("127.0.0.1", port))
        if "expected_json" in options:
            options["expected_json"] = JsonPathEquals(*options["expected_json"])
        url = f"{scheme}://127.0.0.1:{port}/"
        return HttpCheck(url=url, timeout=TIMEOUT_MS, verify_tls=False, **options), self._plain


async def run_all(agent: Agent, numbers: Sequence[int], *, at_once: int) -> list[Seen]:
    """Each of them, so many at a time."""
    waiting = iter(numbers)
    seen: list[Seen] = []

    async def work() -> None:
        seen.extend([await agent.run(number) for number in waiting])

    await asyncio.gather(*(work() for _ in range(at_once)))
    return seen


async def warmed_up(asked: dict[str, Any]) -> Agent:
    """After what only the first check of a process pays for."""
    agent = Agent(asked)
    await run_all(agent, [number for number, each in enumerate(HOSTILE) if each.name in _FIRST], at_once=1)
    return agent


_FIRST = ("status 000", "TLS, plain text", "reset", "gzip bomb for a pattern")


async def timed(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Each once, few at a time; what was late or came out otherwise, once more, alone."""
    agent = await warmed_up(asked)
    expected = {each.title: each.expected for each in HOSTILE}
    numbers = {each.title: number for number, each in enumerate(HOSTILE)}
    seen = []
    for first in await run_all(agent, range(len(HOSTILE)), at_once=4):
        is_doubtful = first.late_ms > 200 or first.came_out not in expected[first.title]
        seen.append(await agent.run(numbers[first.title]) if is_doubtful else first)
    return [dataclasses.asdict(each) for each in seen]


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def weighed(asked: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """How much this process grew over so many checks, after two of each."""
    agent = Agent(asked)
    for _ in range(2):
        await run_all(agent, range(len(HOSTILE)), at_once=20)
    before = resident_mb()
    numbers = list(itertools.islice(itertools.cycle(range(len(HOSTILE))), count))
    seen = await run_all(agent, numbers, at_once=20)
    broken = sorted({each.title for each in seen if each.came_out == "error/internal"})
    return [{"checks": len(seen), "grown_mb": resident_mb() - before, "broken": broken}]


if __name__ == "__main__":
    where = json.loads(sys.argv[1])
    work = weighed(where, int(sys.argv[2])) if len(sys.argv) > 2 else timed(where)
    print(json.dumps(event_loop.run(work)))
