"""Keeps the region's assignments: polls for changes, checks the digest, and takes a fresh snapshot when it is off."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from uuid import UUID

import structlog

from agent.link.client import Client, Poll
from agent.link.server_clock import ServerClock
from agent.link.sharing import Sharing
from agent.work import Work
from shared.protocol import Assignment, Assignments, RegionGrant, digest_term

log = structlog.get_logger()

_MODULUS = 2**64
_STEPPED_MS = 2_000
"""A correction of the server's clock beyond this is told; when it goes back, slots are planned anew: otherwise every
monitor would wait for as long as the clock went back."""

_MAX_PAGES = 10_000

_MANY = 2_000
"""Assignments of a snapshot from which on it is worth a pause, of some 50 ms for a hundred thousand, to tidy up."""

ASK_AGAIN_S = 900.0
"""A check that could not be handed out whole may be by now, and nobody changed its monitor: a snapshot tells."""


class Keeper:
    """The view of what the region has to run, kept equal to the server's."""

    def __init__(self, *, client: Client, work: Work, clock: ServerClock, me: UUID) -> None:
        self.cursor = ""
        self.agents: tuple[UUID, ...] = ()
        self.changes = 0
        """Grows with everything that is worth saving."""
        self._client = client
        self._work = work
        self._clock = clock
        self._me = me
        self._etag: str | None = None
        self._digest = 0
        self._ask_again_at: float | None = None
        self._sharing = Sharing()
        self._one_at_a_time = asyncio.Lock()
        self._on_change: Callable[[], None] = lambda: None
        self._on_grant: Callable[[RegionGrant], None] = lambda _grant: None

    def on_grant(self, call: Callable[[RegionGrant], None]) -> None:
        """`call` gets the region's grant with every answer, before what is to be run under it."""
        self._on_grant = call

    def on_change(self, call: Callable[[], None]) -> None:
        self._on_change = call

    async def recall(self, cursor: str, agents: tuple[UUID, ...], assignments: list[Assignment]) -> None:
        """Begin with what an earlier process knew. What that could not run is asked for afresh: this one may."""
        is_whole = all(assignment.unavailable is None for assignment in assignments)
        self.cursor, self.agents = cursor if is_whole else "", agents
        self._digest = sum(map(_term, assignments)) % _MODULUS
        await self._work.replace(assignments)
        await self._work.share_among(agents, self._me)
        self._on_change()

    async def poll(self) -> None:
        """Ask once, to the last page. Raises what the client raises."""
        async with self._one_at_a_time:
            await self._poll_until_right()

    async def _poll_until_right(self) -> None:
        if self._ask_again_at is not None and time.monotonic() >= self._ask_again_at:
            self._ask_again_at = None
            self.cursor, self._etag = "", None
        if not await self._poll_pages():
            log.warning("assignments differ from the control plane's; taking a fresh snapshot")
            self.cursor, self._etag = "", None
            if not await self._poll_pages():
                log.error("a fresh snapshot of the assignments does not match its digest")
                self.cursor, self._etag = "", None

    async def _poll_pages(self) -> bool:
        fresh: dict[UUID, Assignment] | None = None
        for _ in range(_MAX_PAGES):
            poll = await self._client.assignments(self.cursor, etag=self._etag)
            self._set_clock(poll)
            self._etag = poll.etag
            answer = poll.answer
            if answer is None:
                return True
            if answer.region is not None:
                self._on_grant(answer.region)
            if answer.snapshot:
                fresh, self._sharing = {}, Sharing()
            await self._take(answer, fresh)
            self.cursor = answer.cursor
            if not answer.more:
                return await self._complete(answer, fresh)
        return False

    async def _take(self, answer: Assignments, fresh: dict[UUID, Assignment] | None) -> None:
        """One page: into the snapshot being gathered, or applied at once."""
        if self._ask_again_at is None and any(assignment.unavailable for assignment in answer.upserts):
            self._ask_again_at = time.monotonic() + ASK_AGAIN_S
        if fresh is not None:
            fresh.update((assignment.monitor_id, self._sharing.of(assignment)) for assignment in answer.upserts)
            for monitor_id in answer.removes:
                fresh.pop(monitor_id, None)
            return
        for assignment in answer.upserts:
            self._forget(assignment.monitor_id)
            self._digest = (self._digest + _term(assignment)) % _MODULUS
            self._work.put(self._sharing.of(assignment))
        for monitor_id in answer.removes:
            self._forget(monitor_id)
            self._work.remove(monitor_id)
        self.changes += len(answer.upserts) + len(answer.removes)

    async def _complete(self, answer: Assignments, fresh: dict[UUID, Assignment] | None) -> bool:
        if fresh is not None:
            await self._work.replace(fresh.values())
            self._digest = sum(map(_term, fresh.values())) % _MODULUS
            self.changes += 1
            if len(fresh) > _MANY:
                _tidy_memory()
        if answer.paused != self._work.paused:
            log.warning("dispatch is paused" if answer.paused else "dispatch goes on", reason=answer.paused)
            self._work.paused = answer.paused
        if answer.agents != self.agents:
            log.info("live agents of the region", count=len(answer.agents), among_them=self._me in answer.agents)
            self.agents = answer.agents
            self.changes += 1
        await self._work.share_among(self.agents, self._me)
        self._on_change()
        return answer.digest is None or answer.digest == f"{self._digest:016x}"

    def _forget(self, monitor_id: UUID) -> None:
        entry = self._work.entries.get(monitor_id)
        if entry is not None:
            self._digest = (self._digest - _term(entry.assignment)) % _MODULUS

    def _set_clock(self, poll: Poll) -> None:
        server_time = poll.server_time if poll.answer is None else poll.server_time or poll.answer.server_time
        if server_time is None:
            return
        moved = self._clock.observe(server_time, sent_at=poll.sent_at, received_at=poll.received_at)
        if abs(moved) > _STEPPED_MS:
            log.warning("the server's clock was set", by_ms=round(moved))
        if moved < -_STEPPED_MS:
            self._work.clock_set_back()
        if abs(moved) > 1:
            self._on_change()


def _tidy_memory() -> None:
    """The pages of a snapshot are megabytes that the HTTP client lets go in circles; what was read from them stays."""
    gc.collect()
    gc.freeze()  # collections need not walk through it again


def _term(assignment: Assignment) -> int:
    return digest_term(assignment.monitor_id, assignment.revision)


async def wait_any(event: asyncio.Event, seconds: float) -> None:
    """Until the event is set or the time is over; clears it."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
    event.clear()
