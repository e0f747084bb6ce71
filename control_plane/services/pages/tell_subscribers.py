"""The worker that tells subscribers of status pages: claim, send outside any transaction, record.

Any number of processes do this side by side. One that dies leaves its leases, which run out; the message is then sent
again under the same id and tells of the same. Whoever bounces, or is gone, is taken off the list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import groupby
from uuid import uuid4

import structlog

from control_plane.domain.alerting.delivery import Accepted, Dead, Delivered, Failed, Outcome, RetryAt, next_attempt
from control_plane.domain.pages.page_message import choose_message
from control_plane.domain.pages.subscriber_rules import BURST, BURST_REFILL, GIVEN_UP_LIMIT
from control_plane.notify.transport_error import TransportError
from control_plane.sealing import Sealer
from control_plane.services.pages.send_page_message import Ways, is_question, send_page_message
from control_plane.services.pages.subscription_target import Transports
from control_plane.services.pages.take_answer import take_answer
from control_plane.settings import Settings
from control_plane.store import page_deliveries, page_subscribers
from control_plane.store.page_deliveries import Lease, MessageEnd, Ready, ToSend
from control_plane.store.pool import Connection, Database

AT_ONCE = 16
"""Messages that one process sends side by side."""

LEASE_MARGIN = timedelta(seconds=20)

UNKNOWN_LIMIT = 20
"""Attempts without a known end after which we stop."""

DRAIN_S = 8.0
"""How long sends under way may take to end when the process stops."""

CLOSED = "The page is not open to the public now"

_AHEAD = BURST_REFILL * (BURST - 1)

_log = structlog.get_logger(__name__)


class Teller:
    """The sends of one process. `jitter` draws from [0, 1)."""

    def __init__(
        self,
        database: Database,
        *,
        settings: Settings,
        sealer: Sealer,
        transports: Transports,
        jitter: Callable[[], float],
        lease: timedelta | None = None,
        at_once: int = AT_ONCE,
    ) -> None:
        self._database = database
        self._at_once = at_once
        self._ways = Ways(settings=settings, sealer=sealer, transports=transports)
        self._jitter = jitter
        slowest = max(settings.delivery.timeout_s, settings.email.timeout_s)
        self._lease = lease or timedelta(seconds=slowest) + LEASE_MARGIN

    async def tell(self) -> int:
        """Send all that is due; how many messages were tried. Raises Unavailable."""
        made, underway = 0, set[asyncio.Task[None]]()
        try:
            while True:
                claimed = await self._claim(self._at_once - len(underway))
                made += len(claimed)
                underway |= {asyncio.create_task(self._attempt(message)) for message in claimed}
                if not underway:
                    return made
                done, underway = await asyncio.wait(underway, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    _look_at(task)
        finally:
            await _drain(underway)

    async def _claim(self, most: int) -> list[list[ToSend]]:
        if most <= 0:
            return []
        async with self._database.app_transaction() as conn:
            ready = await page_deliveries.pick_subscribers(conn, kinds=self._ways.kinds, burst=_AHEAD, most=most)
            return await self._leased(conn, ready) if ready else []

    async def _leased(self, conn: Connection, ready: Sequence[Ready]) -> list[list[ToSend]]:
        pending = await page_deliveries.pending_of(conn, ready)
        leases: list[Lease] = []
        counted: list[Ready] = []
        for one in ready:
            owed = pending.get(one.id, [])
            chosen = choose_message(owed, kind=one.kind, free=one.free)
            if chosen.needless:
                reason = "They were not told of what ends here"
                await page_deliveries.cancel(conn, tenant_id=one.tenant_id, ids=chosen.needless, reason=reason)
            if chosen.message_id is None:
                continue
            leases += [Lease(one.tenant_id, each, chosen.message_id) for each in chosen.ids]
            first = next(each for each in owed if each.id == chosen.ids[0])
            if one.kind != "webhook" and first.news and first.message_id is None:
                counted.append(one)
        token = uuid4()
        await page_deliveries.lease(conn, leases, token=token, lasts=self._lease, counted=counted, refill=BURST_REFILL)
        sending = await page_deliveries.leased(conn, token=token)
        return [list(message) for _, message in groupby(sending, key=lambda one: one.subscriber_id)]

    async def _attempt(self, message: list[ToSend]) -> None:
        first = message[0]
        if not first.open:
            outcome: Outcome = Failed(CLOSED, permanent=True)
        elif first.attempts - first.failures > UNKNOWN_LIMIT:
            outcome = Failed("The worker ended in the middle of too many attempts", permanent=True)
        else:
            await self._send(message)
            return
        await self._settle(message, outcome)

    async def _send(self, message: list[ToSend]) -> None:
        try:
            answer = await send_page_message(message, self._ways)
        except TransportError as error:
            outcome = Failed(error.message, permanent=error.permanent, retry_after=error.retry_after)
            lost = error.gone or error.bounced or error.http_status == 410
            await self._settle(message, outcome, lost=lost)
            return
        await self._settle(message, Accepted())
        if is_question(message) and answer is not None:
            await take_answer(self._database, message[0], answer, pepper=self._ways.pepper)

    async def _settle(self, message: list[ToSend], outcome: Outcome, *, lost: bool = False) -> None:
        first, end = message[0], _end(message[0], outcome, jitter=self._jitter())
        async with self._database.app_transaction() as conn:
            failures = await page_deliveries.record(conn, message, end)
        if failures is not None and (lost or failures >= GIVEN_UP_LIMIT):
            await self._remove(first, end)

    async def _remove(self, first: ToSend, end: MessageEnd) -> None:
        async with self._database.app_transaction() as conn:
            await page_subscribers.hold_list(conn, tenant_id=first.tenant_id, page_id=first.page_id)
            await page_subscribers.end_subscriber(conn, tenant_id=first.tenant_id, subscriber_id=first.subscriber_id)
        _log.info("subscriber_gone", kind=first.kind, id=str(first.subscriber_id), error=end.error)


def _look_at(task: asyncio.Task[None]) -> None:
    """Our own mistake with one message keeps nobody else waiting: its lease runs out, and it is tried again."""
    fault = task.exception()
    if fault is not None:
        _log.error("page_message_failed", exc_info=fault)


async def _drain(underway: set[asyncio.Task[None]]) -> None:
    """Let what is under way end and be recorded when the process stops, so that nobody is told twice for that."""
    if not underway:
        return
    _, late = await asyncio.wait(underway, timeout=DRAIN_S)
    for task in late:
        task.cancel()
    await asyncio.gather(*underway, return_exceptions=True)


def _end(first: ToSend, outcome: Outcome, *, jitter: float) -> MessageEnd:
    error = outcome.reason if isinstance(outcome, Failed) else None
    match next_attempt(first.failures, outcome, now=first.now, jitter=jitter):
        case Delivered():
            return MessageEnd(state="delivered", due_at=first.now, failed=False, error=None)
        case RetryAt(at=at):
            return MessageEnd(state="pending", due_at=at, failed=True, error=error)
        case Dead(reason=reason):
            return MessageEnd(state="dead", due_at=first.now, failed=True, error=reason)
