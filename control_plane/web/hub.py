"""Hints between processes: PostgreSQL's NOTIFY, fanned out to whoever waits in this one.

A hint says "look again", never what is so: it may be lost (a reconnect, a full queue), doubled or late. So every wait
has a timeout after which the caller looks by itself, and everything is right without a single hint arriving.
A topic is "<channel>:<key>"; the key is the payload, save on the channel of live checks, where it is the tenant.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple, Protocol, Self
from uuid import UUID

DISPATCH = "farwatch_dispatch"
"""Payload: a region's id. Work was ordered, or work that waited for it may now be due."""
ASSIGNMENTS = "farwatch_assignments"
"""Payload: a region's id. Its assignments changed."""
DELIVERIES = "farwatch_deliveries"
"""No payload. A delivery is owed."""
EVENTS = "farwatch_events"
"""Payload: a tenant's id. It has a new event. The topic without a key hears of every tenant's."""
WATCH = "farwatch_watch"
"""Payload: a tenant's id. Somebody watches its checks for the next WATCH_S."""
CHECKS = "farwatch_checks"
"""Payload: a tenant's id, a space, and a JSON list of results that have just been stored."""
TESTS = "farwatch_tests"
"""Payload: the id of a dispatch. The outcome of this test is stored."""

JUDGE = "farwatch_judge"
"""No payload. Verdicts changed on which others may rest."""

JOBS = "farwatch_jobs"
"""Payload: the id of a job that went on, or nothing: one waits to be done."""

CHANNELS = (DISPATCH, ASSIGNMENTS, DELIVERIES, EVENTS, WATCH, CHECKS, TESTS, JUDGE, JOBS)

WATCH_S = 30.0
QUEUE_LIMIT = 256
"""Hints waiting for one subscriber. One that falls further behind is cut off."""


class Listens(Protocol):
    """The part of Database that a hub needs."""

    async def listen(self, channel: str, callback: Callable[[str], None]) -> None: ...


class Hint(NamedTuple):
    topic: str
    payload: str


class Subscription:
    """The hints of some topics, in order. An async iterator that ends when it is closed or cut off."""

    def __init__(self) -> None:
        self._hints: deque[Hint] = deque()
        self._ready = asyncio.Event()
        self.closed = False
        self.overrun = False
        """Cut off because too many hints were waiting: look again, then subscribe anew."""

    def offer(self, hint: Hint) -> None:
        """Queue a hint; never blocks and never raises."""
        if self.closed or hint in self._hints:  # a hint that is still waiting says it all
            return
        if len(self._hints) >= QUEUE_LIMIT:
            self.overrun = True
            self.close()
            return
        self._hints.append(hint)
        self._ready.set()

    async def get(self, timeout: float) -> Hint | None:
        """The next hint, or None after `timeout` seconds or once closed and empty."""
        if not self._hints and not self.closed:
            try:
                async with asyncio.timeout(max(timeout, 0)):
                    await self._ready.wait()
            except TimeoutError:
                return None
        return self._take()

    def close(self) -> None:
        self.closed = True
        self._ready.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Hint:
        if not self._hints and not self.closed:
            await self._ready.wait()
        hint = self._take()
        if hint is None:
            raise StopAsyncIteration
        return hint

    def _take(self) -> Hint | None:
        hint = self._hints.popleft() if self._hints else None
        if not self._hints and not self.closed:
            self._ready.clear()
        return hint


class Hub:
    """One per process. `clock` gives monotonic seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._subscribers: dict[str, set[Subscription]] = {}
        self._watched_until: dict[str, float] = {}
        self._heard_at: dict[str, float] = {}
        self._looked_at: dict[tuple[str, UUID], float] = {}
        self.closed = False

    async def start(self, database: Listens) -> None:
        """Begin to listen on every channel."""
        for channel in CHANNELS:
            await database.listen(channel, partial(self._notified, channel))

    def close(self) -> None:
        """End every wait and subscription, so that long polls and streams let the process stop."""
        self.closed = True
        for subscription in {each for group in self._subscribers.values() for each in group}:
            subscription.close()

    @contextmanager
    def subscribe(self, *topics: str) -> Iterator[Subscription]:
        """A subscription to some topics that lives as long as the block."""
        subscription = Subscription()
        if self.closed:
            subscription.close()
        for topic in topics:
            self._subscribers.setdefault(topic, set()).add(subscription)
        try:
            yield subscription
        finally:
            subscription.close()
            for topic in topics:
                self._forget(topic, subscription)

    async def wait(self, topic: str, timeout: float) -> bool:
        """Wait for one hint, at most `timeout` seconds: True when it came."""
        with self.subscribe(topic) as subscription:
            return await subscription.get(timeout) is not None

    def publish(self, topic: str, payload: str = "") -> None:
        """Hand a hint to this process's own subscribers."""
        if topic.startswith(ASSIGNMENTS):
            self._heard_at[topic] = self._clock()
        for subscription in tuple(self._subscribers.get(topic, ())):
            subscription.offer(Hint(topic, payload))

    def looked(self, topic: str, reader: UUID) -> None:
        """The reader is looking right now: hints so far are old news to it."""
        self._looked_at[topic, reader] = self._clock()

    def missed(self, topic: str, reader: UUID) -> bool:
        """Whether a hint of an assignments topic came while the reader was not waiting: after it last looked."""
        looked_at = self._looked_at.setdefault((topic, reader), self._clock())
        return self._heard_at.get(topic, looked_at) > looked_at

    def watched_tenants(self) -> frozenset[str]:
        """The tenants whose checks somebody watches, as canonical UUID texts."""
        now = self._clock()
        for tenant in [each for each, until in self._watched_until.items() if until <= now]:
            del self._watched_until[tenant]
        return frozenset(self._watched_until)

    def _notified(self, channel: str, payload: str) -> None:
        match channel:
            case "farwatch_watch":
                self._watched_until[payload] = self._clock() + WATCH_S
            case "farwatch_checks":
                self.publish(f"{channel}:{payload[:36]}", payload[37:])
            case "farwatch_events":
                self.publish(f"{channel}:{payload}", payload)
                self.publish(f"{channel}:")
            case _:
                self.publish(f"{channel}:{payload}", payload)

    def _forget(self, topic: str, subscription: Subscription) -> None:
        group = self._subscribers.get(topic)
        if group is None:
            return
        group.discard(subscription)
        if not group:
            del self._subscribers[topic]
