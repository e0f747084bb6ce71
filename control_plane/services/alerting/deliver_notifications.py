"""The worker that empties the outbox: claim, send outside any transaction, record.

Any number of processes do this side by side. A worker that dies leaves its leases, which run out; the delivery is then
sent again under the same id with the same bytes, and the log says that an attempt has no known end.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from uuid import uuid4

import structlog

from control_plane.errors import Unavailable
from control_plane.sealing import Sealer
from control_plane.services.alerting.attempt_delivery import LEASE_MARGIN, attempt_delivery
from control_plane.services.alerting.channel_config import Transports
from control_plane.services.alerting.compose_message import NO_LINKS, Links
from control_plane.services.alerting.deny_delivery import denial_of
from control_plane.services.alerting.gather_notices import gather
from control_plane.services.alerting.keep_sendable import keep_sendable
from control_plane.settings import DeliverySettings
from control_plane.store import delivery_records, outbox
from control_plane.store.outbox import Claimed, Limits, Underway
from control_plane.store.pool import Database

POLL_S = 2.0
"""How often we look without being told: for leases that ran out, and for hints that were lost."""

DRAIN_S = 8.0
"""How long sends under way may take to end when the process stops."""

Wake = Callable[[float], Awaitable[bool]]
"""Waits for a hint, at most so many seconds; False: the process is stopping."""

_log = structlog.get_logger()


def limits_of(settings: DeliverySettings) -> Limits:
    """What one process sends at a time: few to one channel and host, so that the rest is there for all others."""
    each = settings.workers
    return Limits(total=64 * each, tenant=4 * each, host=4 * each, channel=each)


class Deliverer:
    """The sends of one process. `nudge` makes the next `wake` return at once; `jitter` draws from [0, 1)."""

    def __init__(
        self,
        database: Database,
        *,
        sealer: Sealer,
        transports: Transports,
        settings: DeliverySettings,
        nudge: Callable[[], None],
        links: Links = NO_LINKS,
        lease: timedelta | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._transports = transports
        self._digesting = sorted(kind for kind, transport in transports.items() if transport.digests)
        self._limits = limits_of(settings)
        self._lease = lease or timedelta(seconds=settings.timeout_s) + LEASE_MARGIN
        self._nudge = nudge
        self._links = links
        self._jitter = jitter
        self._underway: dict[asyncio.Task[None], Claimed] = {}

    async def run(self, wake: Wake) -> None:
        """Deliver until `wake` says that the process stops; then let what is under way end."""
        try:
            going = True
            while going:
                going = await wake(await self.start_due())
        finally:
            await self._drain()

    async def start_due(self) -> float:
        """Start sending what is due and within the limits; the seconds after which to look again."""
        room = self._limits.total - len(self._underway)
        if room <= 0:
            return POLL_S
        try:
            digests = await self._gathered(room)
            for members in digests:
                self._start(members)
            async with self._database.app() as conn:
                claimed = await outbox.claim(
                    conn,
                    token=uuid4(),
                    lease=self._lease,
                    most=room - len(digests),
                    limits=self._limits,
                    underway=self._counted(),
                    digesting=self._digesting,
                )
                next_due = None if claimed else await outbox.seconds_to_next(conn)
        except Unavailable:
            _log.warning("the outbox cannot be reached; trying again", seconds=POLL_S)
            return POLL_S
        for one in claimed:
            self._start([one])
        if claimed or digests:
            return 0.0
        return POLL_S if next_due is None else max(0.0, min(next_due, POLL_S))

    async def _gathered(self, room: int) -> list[list[Claimed]]:
        """The digests to send now. They are few, so only a channel at its own limit waits."""
        channels = self._counted().channels
        busy = [channel_id for channel_id, used in channels.items() if used >= self._limits.channel]
        return await gather(self._database, kinds=self._digesting, busy=busy, lease=self._lease, most=room)

    def _counted(self) -> Underway:
        sending = self._underway.values()
        return Underway(
            tenants=Counter(one.tenant_id for one in sending),
            hosts=Counter(one.host for one in sending if one.host is not None),
            channels=Counter(one.channel_id for one in sending if one.channel_id is not None),
        )

    def _start(self, members: Sequence[Claimed]) -> None:
        lead = members[0]
        task = asyncio.create_task(self._deliver(members), name=f"deliver {lead.message_id}")
        self._underway[task] = lead
        task.add_done_callback(self._ended)

    async def _deliver(self, members: Sequence[Claimed]) -> None:
        kept = await keep_sendable(self._database, members)
        if not kept or await self._denied(kept):
            return
        await attempt_delivery(
            self._database,
            kept,
            sealer=self._sealer,
            transports=self._transports,
            lease=self._lease,
            jitter=self._jitter,
            links=self._links,
        )

    async def _denied(self, members: Sequence[Claimed]) -> bool:
        """Whether a rule of the operator forbids to send there; then they are cancelled for that reason."""
        denial = await denial_of(self._database, members[0], sealer=self._sealer)
        if denial is None:
            return False
        async with self._database.app_transaction() as conn:
            await delivery_records.withhold(conn, members, reason=f"{denial.code}: {denial.message}")
        return True

    def _ended(self, task: asyncio.Task[None]) -> None:
        claimed = self._underway.pop(task)
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            # The lease runs out and the delivery is tried again: nothing is lost by our own mistake.
            _log.error("delivery attempt failed", message_id=str(claimed.message_id), exc_info=fault)
        self._nudge()

    async def _drain(self) -> None:
        """Let what is under way end, and be recorded, even when the process is told to stop once more."""
        draining = asyncio.create_task(self._wait_out())
        try:
            await asyncio.shield(draining)
        except asyncio.CancelledError:
            await draining
            raise

    async def _wait_out(self) -> None:
        if not self._underway:
            return
        _, late = await asyncio.wait(tuple(self._underway), timeout=DRAIN_S)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
