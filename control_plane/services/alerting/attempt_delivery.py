"""One attempt at one leased message: the call to the outside, between transactions, and its record.

A message is one delivery, or the several of a digest, which are leased, sent and recorded together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct

from control_plane.domain.alerting.delivery import Accepted, Dead, Delivered, Failed, RetryAt, next_attempt
from control_plane.domain.alerting.delivery import Outcome as Ended
from control_plane.errors import Unavailable
from control_plane.metrics import DELIVERY_ATTEMPTS, DELIVERY_SECONDS
from control_plane.notify.transport_error import TransportError
from control_plane.sealing import Sealer
from control_plane.services.alerting import channel_config
from control_plane.services.alerting.channel_config import Transports, UnusableChannelError
from control_plane.services.alerting.compose_message import Links, compose_message
from control_plane.store import delivery_records
from control_plane.store.delivery_records import Attempt
from control_plane.store.outbox import Claimed
from control_plane.store.pool import Database

LEASE_MARGIN = timedelta(seconds=20)
"""How much longer than a send may take its lease lasts: time to record, with the database away for a moment."""

RECORD_RETRY_S = 0.5

UNKNOWN_LIMIT = 20
"""Attempts without a known end after which we stop: one delivery must not end its workers, or block the next, for ever.
"""


class Heard(Struct, frozen=True):
    """What came back."""

    ended: Ended
    http_status: int | None = None
    response: str | None = None
    receipt: dict[str, Any] | None = None
    amended: dict[str, Any] | None = None
    disable: str | None = None


async def send(
    members: Sequence[Claimed], *, sealer: Sealer, transports: Transports, limit: timedelta, links: Links
) -> Heard:
    """Send once, within `limit`. Every failure is a value."""
    claimed = members[0]
    assert claimed.channel_id is not None
    try:
        config = channel_config.unseal(
            kind=claimed.kind,
            shown=claimed.config or {},
            sealed=claimed.sealed,
            sealer=sealer,
            transports=transports,
            tenant_id=claimed.tenant_id,
            channel_id=claimed.channel_id,
        )
        message = compose_message(members, links=links)
        async with asyncio.timeout(limit.total_seconds()):
            sent = await transports[claimed.kind].send(config, message)
    except UnusableChannelError as unusable:
        return Heard(Failed(str(unusable)))
    except TimeoutError:
        return Heard(Failed(f"No end within {limit.total_seconds():g} s"))
    except TransportError as error:
        failed = Failed(error.message, permanent=error.permanent, retry_after=error.retry_after)
        return Heard(failed, error.http_status, error.response, disable=error.message if error.gone else None)
    return Heard(Accepted(), sent.http_status, sent.response, sent.receipt, sent.amended)


def judged(
    members: Sequence[Claimed], heard: Heard, *, elapsed: timedelta, jitter: float, tells_owners: bool = False
) -> Attempt:
    """What to record. A test is never tried again: whoever asked is looking at the answer."""
    claimed = members[0]
    now = claimed.now + elapsed
    following = next_attempt(claimed.failures, heard.ended, now=now, jitter=jitter)
    if claimed.notice == "test" and isinstance(following, RetryAt):
        following = Dead("A test is sent once")
    match following:
        case Delivered():
            outcome, state, reason, due_at = "delivered", "delivered", None, claimed.now
        case RetryAt(at=at):
            outcome, state, reason, due_at = "retry", "pending", None, at
        case Dead(reason=why):
            outcome, state, reason, due_at = "dead", "dead", why, claimed.now
    return Attempt(
        tenant_id=claimed.tenant_id,
        attempts={each.id: each.attempt for each in members},
        channel_id=claimed.channel_id,
        lease_token=claimed.lease_token,
        at=claimed.now,
        duration_ms=round(elapsed / timedelta(milliseconds=1)),
        outcome=outcome,
        http_status=heard.http_status,
        error=heard.ended.reason if isinstance(heard.ended, Failed) else None,
        response=heard.response,
        state=state,
        reason=reason,
        due_at=due_at,
        receipt=heard.receipt,
        amended=heard.amended,
        disable=heard.disable,
        revision=claimed.revision,
        tells_owners=tells_owners,
    )


async def attempt_delivery(
    database: Database,
    members: Sequence[Claimed],
    *,
    sealer: Sealer,
    transports: Transports,
    lease: timedelta,
    jitter: Callable[[], float],
    links: Links,
) -> Attempt:
    """Send and record. A record that the database is away for is tried until the lease ends, and then left to it."""
    started, claimed = time.monotonic(), members[0]
    if claimed.unknown >= UNKNOWN_LIMIT:
        heard = Heard(Failed(f"The worker ended in the middle of {claimed.unknown} attempts", permanent=True))
    else:
        limit = max(lease - LEASE_MARGIN / 2, lease / 2)
        heard = await send(members, sealer=sealer, transports=transports, limit=limit, links=links)
    elapsed = timedelta(seconds=time.monotonic() - started)
    attempt = judged(members, heard, elapsed=elapsed, jitter=jitter(), tells_owners="email" in transports)
    DELIVERY_ATTEMPTS.labels(claimed.kind, attempt.outcome).inc()
    DELIVERY_SECONDS.labels(claimed.kind).observe(elapsed.total_seconds())
    while True:
        try:
            async with database.app_transaction() as conn:
                await delivery_records.record(conn, attempt)
            return attempt
        except Unavailable:
            if time.monotonic() - started > lease.total_seconds():
                raise
            await asyncio.sleep(RECORD_RETRY_S)
