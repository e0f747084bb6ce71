"""Results on their way out of an agent, as agent/shipping/ sends them.

Live results go newest first, one batch at a time; what an earlier boot left behind goes oldest first beside them, and
waits while live ones get no answer. Whatever is not acknowledged is sent again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.backoff import exponential

if TYPE_CHECKING:
    from tests.simulation.seen import Seen
    from tests.simulation.sim_agent import SimAgent

GATHER_MS, BREATH_MS, TIMEOUT_MS, BACKLOG_ITEMS = 1_000, 5, 15_000, 2_000
_BASE, _CAP = timedelta(seconds=0.5), timedelta(seconds=15)


class Request:
    """A batch under way. `is_open` until it is answered or given up."""

    __slots__ = ("batch", "is_backlog", "is_open", "region_id", "sent", "sent_at")

    def __init__(self, agent: SimAgent, batch: list[Seen], *, is_backlog: bool) -> None:
        self.batch = batch
        self.region_id = agent.me.region_id
        self.sent = agent.world.now
        """When, by the virtual clock."""
        self.sent_at = int(agent.now_ms())
        """When, by the agent's."""
        self.is_backlog = is_backlog
        self.is_open = True


class Outbox:
    def __init__(self, agent: SimAgent) -> None:
        self.tail: list[Seen] = []
        self.backlog: list[Seen] = []
        self._incoming: list[Seen] = []
        self._agent = agent
        self._under_way: Request | None = None
        self._old_under_way: Request | None = None
        self._failures = 0
        self._flush_at = 0
        self._waits = False

    def older_than(self, instant: int) -> int:
        """How many results wait that were there before this instant."""
        return sum(seen.ended < instant for seen in (*self.tail, *self.backlog, *self._incoming))

    def put(self, seen: Seen, *, urgent: bool) -> None:
        world, incoming = self._agent.world, self._incoming
        at = world.now + (BREATH_MS if urgent else GATHER_MS)
        if not incoming or at < self._flush_at:
            self._flush_at = at
            world.at(at, self._flush, self._agent.boots, at)
        incoming.append(seen)

    def _flush(self, boots: int, at: int) -> None:
        if boots == self._agent.boots and self._incoming and at == self._flush_at:
            self.tail += self._incoming
            self._incoming = []
            self._send()

    def crash(self) -> None:
        """What was not yet on disk is lost; the rest is the next boot's."""
        self._incoming = []
        self.backlog += self.tail
        self.tail = []
        for request in (self._under_way, self._old_under_way):
            if request is not None:
                request.is_open = False
        self._under_way = self._old_under_way = None

    def recall(self) -> None:
        self._failures, self._waits = 0, False

    def kick(self, boots: int) -> None:
        """The control plane can be reached again."""
        if boots == self._agent.boots:
            self._waits = False
            self._send()
            self._send_backlog()

    def _send(self) -> None:
        agent = self._agent
        if self._under_way is not None or self._waits or not self.tail or not agent.is_linked:
            return
        world = agent.world
        batch = self.tail[-world.plan.faults.batch_limit :]
        request = Request(agent, batch, is_backlog=False)
        self._under_way = request
        world.network.post(agent, request)

    def _send_backlog(self) -> None:
        agent = self._agent
        if self._old_under_way is not None or self._waits or not self.backlog or not agent.is_linked:
            return
        world = agent.world
        batch = self.backlog[: min(BACKLOG_ITEMS, world.plan.faults.batch_limit)]
        request = Request(agent, batch, is_backlog=True)
        self._old_under_way = request
        world.network.post(agent, request)

    def acknowledged(self, request: Request) -> None:
        """The answer came: forget the batch and go on."""
        if not request.is_open:
            return
        request.is_open = False
        if request.is_backlog:
            self._old_under_way = None
            del self.backlog[: len(request.batch)]
            world = self._agent.world
            if self.backlog:
                world.at(world.now + 5 + len(request.batch) // 10, self._go_on, self._agent.boots)
            return
        self._under_way = None
        self._failures = 0
        self._forget(request.batch)
        self._send()
        if self.backlog:
            self._send_backlog()

    def _forget(self, batch: list[Seen]) -> None:
        tail, first = self.tail, batch[0]
        if tail[0] is first:
            del tail[: len(batch)]
            return
        at = next(n for n, seen in enumerate(tail) if seen is first)
        del tail[at : at + len(batch)]

    def _go_on(self, boots: int) -> None:
        if boots == self._agent.boots:
            self._send_backlog()

    def failed(self, request: Request) -> None:
        """No answer, or that the database is away: again later."""
        if not request.is_open:
            return
        request.is_open = False
        agent = self._agent
        world = agent.world
        if request.is_backlog:
            self._old_under_way = None
        else:
            self._under_way = None
        self._failures += 1
        self._waits = True
        wait = exponential(attempt=min(self._failures, 30), base=_BASE, cap=_CAP, jitter=world.rng.random())
        world.at(world.now + int(wait.total_seconds() * 1000), self.kick, agent.boots)
