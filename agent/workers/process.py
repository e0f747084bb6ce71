"""A worker process: it runs its part of an agent's checks, and knows nobody but the main process that started it.

Started by `agent.workers.member` as `python -m agent.workers.process FD`; it ends when the other end of the socket pair
closes.
"""

from __future__ import annotations

import asyncio
import functools
import signal
import socket
import sys
from collections import Counter

import msgspec
import structlog

from agent.dns.resolver import Server
from agent.health.lag import LagMeter
from agent.health.vouching import make_self_test
from agent.link.server_clock import ServerClock
from agent.region import context_for
from agent.schedule.jobs import Job
from agent.tally import Tally
from agent.tls.contexts import TlsContexts
from agent.work import LocalWork
from agent.workers.messages import (
    Clock,
    Drain,
    Drained,
    Grant,
    Order,
    Pause,
    Put,
    Ran,
    Remove,
    Report,
    Send,
    ShareAmong,
    Start,
    Tested,
    orders,
    write,
)
from shared.logs import configure_logs
from shared.results import CheckResult

log = structlog.get_logger()

REPORT_S = 1.0
SELF_TEST_S = 10.0
GATHER_S = 0.05
"""How long an ordinary result waits for company on its way to the main process."""


class Worker:
    def __init__(self, start: Start, writer: asyncio.StreamWriter) -> None:
        settings = start.settings
        self._writer = writer
        self._clock = ServerClock()
        self._clock.adopt(start.base_ms)
        self._lag = LagMeter()
        self._tally = Tally()
        heard: dict[Server, float] = {}
        self._self_test = make_self_test(settings, lag=self._lag, tally=self._tally, heard=heard)
        tls = TlsContexts(ca_file=settings.ca_file)
        self._work = LocalWork(
            settings=settings,
            me=start.me,
            grant=start.grant,
            context_of=functools.partial(context_for, settings=settings, tls=tls, clock=self._clock, heard=heard),
            clock=self._clock,
            self_test=self._self_test,
            lag=self._lag,
            tally=self._tally,
            deliver=self._deliver,
            concurrency=start.concurrency,
        )
        self._gathered: list[bytes] = []
        self._is_urgent = False
        self._flush: asyncio.TimerHandle | None = None
        self._told: Counter[tuple[str, str]] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._self_test.on_change(self._report)

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Until the main process closes the connection."""
        self._lag.start()
        await self._work.start()
        regularly = [asyncio.create_task(self._report_regularly()), asyncio.create_task(self._test_regularly())]
        try:
            async for order in orders(reader):
                await self._take(order)
                self._work.wake()
        finally:
            for task in regularly:
                task.cancel()
            await asyncio.gather(*regularly, return_exceptions=True)
            await self._work.stop()
            self._lag.stop()

    async def _take(self, order: Order) -> None:
        work = self._work
        match order:
            case Put(assignments):
                for assignment in assignments:
                    work.put(assignment)
            case Remove(monitor_ids):
                for monitor_id in monitor_ids:
                    work.remove(monitor_id)
            case ShareAmong(agents, me):
                await work.share_among(agents, me)
            case Pause(reason):
                work.paused = reason
            case Grant(grant):
                work.take_grant(grant)
            case Send(dispatch):
                work.send(dispatch)
            case Clock():
                self._set_clock(order)
            case Drain(seconds):
                self._drain(seconds)

    def _set_clock(self, clock: Clock) -> None:
        self._clock.adopt(clock.base_ms)
        if clock.is_set_back:
            self._work.clock_set_back()

    def _drain(self, seconds: float) -> None:
        """Drain beside the orders that still come."""

        async def drain() -> None:
            await self._work.drain(seconds)
            self._send_gathered()
            write(self._writer, Drained())

        task = asyncio.create_task(drain())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _deliver(self, job: Job, result: CheckResult, urgent: bool) -> None:
        if job.dispatch is not None and job.dispatch.kind == "test":
            write(self._writer, Tested(job.dispatch, result))
            return
        self._gathered.append(msgspec.json.encode(result))
        self._is_urgent |= urgent
        if urgent:
            self._send_gathered()
        elif self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(GATHER_S, self._send_gathered)

    def _send_gathered(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if self._gathered:
            write(self._writer, Ran(tuple(self._gathered), self._is_urgent))
            self._gathered, self._is_urgent = [], False

    async def _report_regularly(self) -> None:
        while True:
            self._report()
            self._work.tidy()
            await asyncio.sleep(REPORT_S)

    async def _test_regularly(self) -> None:
        """A self-test now and then even when nothing fails."""
        while True:
            await self._self_test.after_now()
            await asyncio.sleep(SELF_TEST_S)

    def _report(self) -> None:
        now: Counter[tuple[str, str]] = Counter(
            {(outcome.value, reason.value): count for (outcome, reason), count in self._tally.checks.items()}
        )
        counts = tuple((*key, count) for key, count in (now - self._told).items())
        self._told = now
        write(self._writer, Report(self._work.look(anew=True), self._work.health_reason, counts))


async def main(descriptor: int) -> None:
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=descriptor))
    async for order in orders(reader):
        assert isinstance(order, Start)
        configure_logs(level=order.settings.log_level, format=order.settings.log_format)
        structlog.contextvars.bind_contextvars(worker=order.number)
        await Worker(order, writer).run(reader)
        return


if __name__ == "__main__":
    from agent.event_loop import run

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the main process says when to end, also when a whole group is told
    run(main(int(sys.argv[1])))
