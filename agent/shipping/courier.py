"""Takes one batch of results to the control plane and learns how large a batch may be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import structlog

from agent.link.client import Client, NotAccepted, TooLarge
from agent.shipping.spool import Item
from agent.tally import Tally

log = structlog.get_logger()

_GROWTH = 16
"""A batch limit that was halved grows by this fraction of itself with each full batch that passes."""

_LEAST = 500
"""Who does not answer for so many within the time-out does not answer at all: smaller batches would not help."""


class Courier:
    """`settle` is called with what the control plane has taken, or will never take."""

    def __init__(
        self,
        *,
        client: Client,
        tally: Tally,
        now_ms: Callable[[], float],
        max_items: int,
        settle: Callable[[Sequence[Item]], Awaitable[None]],
    ) -> None:
        self.limit = max_items
        self._client = client
        self._tally = tally
        self._now_ms = now_ms
        self._max_items = max_items
        self._settle = settle

    async def take(self, batch: Sequence[Item]) -> None:
        """Send and settle. Raises Unreachable or Refused; nothing is forgotten then."""
        try:
            receipt = await self._client.results([item.data for item in batch], sent_at=int(self._now_ms()))
        except NotAccepted as error:
            await self._shrink(batch, error)
            return
        except TooLarge as error:
            least = 1 if error.status is not None else min(_LEAST, self.limit)
            self.limit = max(least, len(batch) // 2)
            raise
        self._grow(len(batch))
        self._tally.settled(receipt.statuses)
        await self._settle(batch)

    def _grow(self, passed: int) -> None:
        """Only a full batch says that more may pass; slowly, because a lasting limit is met again at every excess."""
        if passed >= self.limit:
            self.limit = min(self._max_items, passed + max(1, passed // _GROWTH))

    async def _shrink(self, batch: Sequence[Item], error: NotAccepted) -> None:
        """A batch is not accepted: find the item that spoils it by halving, and give up that one."""
        half = len(batch) // 2
        if error.status == 413:  # the other refusals say nothing about size
            self.limit = max(1, half)
        if half:
            await self.take(batch[:half])
            await self.take(batch[half:])
            return
        log.error("the control plane does not accept a result", error=str(error), item=batch[0].data[:300].decode())
        self._tally.given_up += 1
        await self._settle(batch)
