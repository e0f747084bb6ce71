"""Who may work on the database now: connections shared fairly between tenants, and some kept for agents.

A tenant may hold no more connections than are left free. One that floods us therefore takes half of them when it is
alone and less when it is not, the next one always finds some, and nobody's share has to be configured. Who waits is
served tenant by tenant in turn, and each tenant's own requests in the order in which they came (docs/adr/0028).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from control_plane.errors import TooMany, Unavailable

MAX_WAITING = 200
"""Requests of one tenant that wait in one process; more are told to come back."""


class FairShare:
    """`size` permits. Not for several event loops."""

    def __init__(self, size: int, *, patience_s: float) -> None:
        self._free = size
        self._patience_s = patience_s
        self._held: dict[Hashable, int] = {}
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, tenant: Hashable) -> AsyncIterator[None]:
        """Hold a permit. Raises TooMany when too many of the tenant wait already, Unavailable after the patience."""
        await self._acquire(tenant)
        try:
            yield
        finally:
            self._release(tenant)

    async def _acquire(self, tenant: Hashable) -> None:
        if tenant not in self._waiting and self._may(tenant):
            self._take(tenant)
            return
        queue = self._waiting.setdefault(tenant, deque())
        if len(queue) >= MAX_WAITING:
            raise TooMany(
                f"{MAX_WAITING} requests of your tenant wait for the database already: send fewer at once",
                details={"scope": "concurrency", "limit": MAX_WAITING},
            )
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(self._patience_s):
                await turn
        except BaseException as error:
            self._give_up(tenant, turn)
            if isinstance(error, TimeoutError):
                raise Unavailable("Your tenant's other requests keep the database busy. Try again shortly.") from None
            raise

    def _give_up(self, tenant: Hashable, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():  # the permit came and nobody was there to use it
            self._release(tenant)
            return
        queue = self._waiting.get(tenant)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._waiting[tenant]

    def _release(self, tenant: Hashable) -> None:
        self._free += 1
        self._held[tenant] -= 1
        if not self._held[tenant]:
            del self._held[tenant]
        self._wake()

    def _wake(self) -> None:
        """Give what is free to who waits. Whoever is served goes behind the other tenants."""
        for tenant in list(self._waiting):
            if not self._free:
                return
            if self._may(tenant):
                self._serve_next(tenant)

    def _serve_next(self, tenant: Hashable) -> None:
        queue = self._waiting.pop(tenant)
        while queue:
            turn = queue.popleft()
            if not turn.done():  # else it was cancelled, and its request is about to find out
                self._take(tenant)
                turn.set_result(None)
                break
        if queue:
            self._waiting[tenant] = queue

    def _may(self, tenant: Hashable) -> bool:
        return self._held.get(tenant, 0) < self._free

    def _take(self, tenant: Hashable) -> None:
        self._free -= 1
        self._held[tenant] = self._held.get(tenant, 0) + 1
