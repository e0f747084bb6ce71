"""Pings of hosts that answer with floods, in a process and a network namespace of their own.

The floods come from another thread, so that they do not share the checks' loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from agent import event_loop
from agent.checks import CHECKS
from agent.icmp.echo import IcmpSockets
from shared.checks.ping import PingCheck
from tests.support.hostile_checks import TIMEOUT_MS, Seen, Starvation, resident_mb
from tests.support.http_checks import context
from tests.support.icmp_targets import IcmpNet, Request, Script, answering, icmp_net

FLOOD = 100


def flood_of(make: Callable[[Request], bytes], *, then_answers: bool = False) -> Script:
    return lambda request: [make(request)] * FLOOD + ([request.reply()] if then_answers else [])


FLOODS: dict[str, Script] = {
    "other numbers": flood_of(lambda request: request.reply(sequence=request.sequence + 7)),
    "other numbers, then the answer": flood_of(
        lambda request: request.reply(sequence=request.sequence + 7), then_answers=True
    ),
    "other identifiers": flood_of(lambda request: request.reply(identifier=request.identifier ^ 1)),
    "other payloads": flood_of(lambda request: request.reply(payload=os.urandom(32))),
    "payloads of 60 KB": lambda request: [request.reply(payload=bytes(60_000))] * 10,
    "the same answer": flood_of(Request.reply),
    "errors": flood_of(lambda request: request.unreachable(target=request.target)),
    "errors about others": flood_of(lambda request: request.unreachable(target="127.0.9.9")),
    "messages of two bytes": flood_of(lambda _request: bytes(2)),
    "silence": lambda _request: [],
}
"""The hosts 127.0.1.1 and so on, in this order."""


def _script(request: Request) -> list[bytes]:
    return list(FLOODS.values())[int(request.target.rpartition(".")[2]) - 1](request)


@contextlib.contextmanager
def flooding(net: IcmpNet) -> Iterator[None]:
    """Hosts that answer from a thread of their own."""
    loop = asyncio.new_event_loop()
    is_up = threading.Event()
    is_over = asyncio.Event()

    async def work() -> None:
        async with answering(net, _script):
            is_up.set()
            await is_over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(work()))
    thread.start()
    is_up.wait(30)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join()
        loop.close()


class Pinger:
    def __init__(self, net: IcmpNet) -> None:
        self._using = dataclasses.replace(context(), icmp=IcmpSockets(net.opener))
        self._starvation = Starvation()

    async def run(self, number: int) -> Seen:
        before = time.perf_counter()
        check = PingCheck(host=f"127.0.1.{number + 1}", timeout=TIMEOUT_MS)
        outcome = await CHECKS["ping"].run(check, self._using)
        late_ms = await self._starvation.lateness_ms(before, TIMEOUT_MS)
        title = f"ping: {list(FLOODS)[number]}"
        return Seen(title, f"{outcome.outcome}/{outcome.reason}", outcome.detail.message or "", late_ms)

    async def all(self, count: int, *, at_once: int) -> list[Seen]:
        numbers = itertools.islice(itertools.cycle(range(len(FLOODS))), count)

        async def work() -> list[Seen]:
            return [await self.run(number) for number in numbers]

        return list(itertools.chain(*await asyncio.gather(*(work() for _ in range(at_once)))))


async def main(count: int) -> dict[str, Any]:
    """Each once, alone, and `count` pings for the memory."""
    with icmp_net() as net, flooding(net):
        pinger = Pinger(net)
        await pinger.run(len(FLOODS) - 1)
        seen = await pinger.all(len(FLOODS), at_once=1)
        await pinger.all(count // 2, at_once=60)
        before = resident_mb()
        many = await pinger.all(count, at_once=60)
        grown = resident_mb() - before
    return {"seen": [dataclasses.asdict(each) for each in seen], "checks": len(many), "grown_mb": grown}


if __name__ == "__main__":
    print(json.dumps(event_loop.run(main(int(sys.argv[1])))))
