"""Send a test through a channel, saved or not yet, and say what happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from msgspec import Struct

from control_plane.domain.alerting.synthetic import TEST_EVENT, test_body
from control_plane.domain.channels import channel_rules
from control_plane.errors import NotFound, Refused
from control_plane.notify import render
from control_plane.notify.render import Surroundings
from control_plane.notify.told import read_body
from control_plane.notify.transport import Message
from control_plane.notify.transport_error import TransportError
from control_plane.sealing import Sealer
from control_plane.services.alerting import channel_config
from control_plane.services.alerting.attempt_delivery import LEASE_MARGIN, attempt_delivery
from control_plane.services.alerting.channel_config import Transports
from control_plane.services.alerting.compose_message import NO_LINKS
from control_plane.services.alerting.deny_delivery import denial_of
from control_plane.services.safety.refuse_target import refuse_destination
from control_plane.store import channels, decisions, delivery_records, outbox
from control_plane.store.deliveries import DeliveryRow
from control_plane.store.outbox import Claimed
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId


class Tested(Struct, frozen=True, kw_only=True):
    """A test that arrived. `delivery_id` is in the log where the channel is saved."""

    delivered: bool
    http_status: int | None
    duration_ms: int
    response: str | None
    delivery_id: UUID


async def test_config(
    config: dict[str, Any],
    *,
    transports: Transports,
    tenant_id: TenantId,
    delivery_id: UUID,
    now: datetime,
    database: Database | None,
) -> Tested:
    """Test a configuration that is not saved; nothing is stored. Raises Refused CHANNEL_TEST_FAILED.

    `database`: of a tenant's channel, whose destination is held against the operator's deny rules.
    """
    channel_rules.refuse_mask(config, pointer="/config")
    prepared = channel_config.prepare(config, transports)
    if prepared.kind == "email":
        raise _unverified("Save the channel: its address is asked first, by a mail with a link")
    if database is not None:
        async with database.tenant(tenant_id) as conn:
            await refuse_destination(conn, tenant_id=tenant_id, host=prepared.host, settings=prepared.secrets)
    body = test_body(delivery_id=delivery_id, tenant_id=tenant_id, now=now)
    message = test_message(body, delivery_id=delivery_id, now=now)
    started = time.monotonic()
    try:
        sent = await transports[prepared.kind].send(prepared.config, message)
    except TransportError as error:
        raise _failed(error.message, http_status=error.http_status, response=error.response) from None
    return Tested(
        delivered=True,
        http_status=sent.http_status,
        duration_ms=round((time.monotonic() - started) * 1000),
        response=sent.response,
        delivery_id=delivery_id,
    )


async def test_channel(
    database: Database,
    *,
    sealer: Sealer,
    transports: Transports,
    tenant_id: TenantId,
    channel_id: UUID,
    delivery_id: UUID,
    timeout: timedelta,
    now: Callable[[], datetime],
) -> Tested:
    """Test a saved channel, disabled or not; the attempt is logged. Raises Refused CHANNEL_TEST_FAILED."""
    lease = timeout + LEASE_MARGIN
    async with database.tenant_transaction(tenant_id) as conn:
        claimed = await _owe_test(
            conn, tenant_id=tenant_id, channel_id=channel_id, delivery_id=delivery_id, lease=lease, now=now()
        )
    denial = await denial_of(database, claimed, sealer=sealer)
    if denial is not None:
        async with database.app_transaction() as conn:
            await delivery_records.withhold(conn, [claimed], reason=f"{denial.code}: {denial.message}")
        raise denial.error("/config")
    attempt = await attempt_delivery(
        database, [claimed], sealer=sealer, transports=transports, lease=lease, jitter=lambda: 0.0, links=NO_LINKS
    )
    if attempt.outcome != "delivered":
        raise _failed(
            attempt.error or "", http_status=attempt.http_status, response=attempt.response, delivery_id=delivery_id
        )
    return Tested(
        delivered=True,
        http_status=attempt.http_status,
        duration_ms=attempt.duration_ms,
        response=attempt.response,
        delivery_id=delivery_id,
    )


async def _owe_test(
    conn: Connection, *, tenant_id: TenantId, channel_id: UUID, delivery_id: UUID, lease: timedelta, now: datetime
) -> Claimed:
    channel = await channels.channel(conn, tenant_id=tenant_id, channel_id=channel_id)
    if channel is None:
        raise NotFound("There is no such channel")
    if channel.kind == "email" and channel.verified_at is None:
        raise _unverified(
            "Whoever reads it follows the link in the mail that was sent; resend-verification sends another"
        )
    numbers = await decisions.take_numbers(conn, tenant_id=tenant_id, events=0, incidents=0, deliveries=1)
    row = DeliveryRow(
        tenant_id=tenant_id,
        id=delivery_id,
        number=numbers.deliveries,
        channel_id=channel_id,
        channel_name=channel.name,
        channel_kind=channel.kind,
        incident_id=None,
        monitor_id=None,
        event=TEST_EVENT,
        notice="test",
        body=test_body(delivery_id=delivery_id, tenant_id=tenant_id, now=now),
    )
    token = uuid4()
    at = await outbox.owe_leased(conn, row, token=token, lease=lease)
    return Claimed(
        tenant_id=tenant_id,
        id=delivery_id,
        message_id=delivery_id,
        channel_id=channel_id,
        event=row.event,
        notice=row.notice,
        body=row.body,
        attempt=1,
        failures=0,
        unknown=0,
        told=True,
        lease_token=token,
        now=at,
        kind=channel.kind,
        config=channel.config,
        sealed=channel.sealed,
        enabled=True,
        host=channel.host,
    )


def test_message(body: str, *, delivery_id: UUID, now: datetime) -> Message:
    """The one message of a test that is in no outbox."""
    words = render.words([read_body(body.encode())], Surroundings(notice="test", now=now))
    return Message(message_id=delivery_id, attempt=1, body=body.encode(), sent_at=now, words=words, notice="test")


def _unverified(remedy: str) -> Refused:
    return Refused(f"This e-mail address is not verified yet. {remedy}", code="CHANNEL_UNVERIFIED", field="/config/to")


def _failed(reason: str, *, http_status: int | None, response: str | None, delivery_id: UUID | None = None) -> Refused:
    details = {"reason": reason, "http_status": http_status, "response": response}
    if delivery_id is not None:
        details["delivery_id"] = str(delivery_id)
    return Refused(f"The test did not arrive. {reason}", code="CHANNEL_TEST_FAILED", details=details)
