"""Channels that reach phones, through the whole outbox: retried, digested, disabled by STOP, ended in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from control_plane.settings import Settings
from control_plane.store.pool import Database
from tests.support.outbox import Outbox, working
from tests.support.vendor_pushover import HOST as PUSHOVER_HOST
from tests.support.vendor_pushover import TOKEN, USER, Pushover
from tests.support.vendor_sms import CONFIGS, HOSTS, Gateway, a_gateway
from tests.support.vendors import Reply, VendorServer, vendor_server
from tests.support.waiting import until_async

NUMBER = "+15551234567"
OF_KIND = "UPDATE deliveries SET channel_kind = (SELECT kind FROM channels WHERE id = channel_id)"
IDLE = "SELECT count(*) = 0 FROM deliveries WHERE state = 'pending' AND NOT put_off"
CHANNEL = "SELECT enabled, disabled_reason, consecutive_failures FROM channels WHERE id = $1"


def sms(provider: str) -> dict[str, Any]:
    return {"type": "sms", "provider": provider, "to": NUMBER, "from": "+15550009999", **CONFIGS[provider]}


class Phone:
    """A channel of a vendor that runs here."""

    def __init__(self, database: Database, server: VendorServer, box: Outbox, channel_id: UUID) -> None:
        self.database, self.box, self.channel_id = database, box, channel_id
        self.whole = Settings(delivery=server.settings())

    @classmethod
    async def make(cls, database: Database, server: VendorServer, config: dict[str, Any]) -> Phone:
        box = await Outbox.make(database)
        whole = Settings(delivery=server.settings())
        return cls(database, server, box, await box.channel_of(config, name="Phone", settings=whole))

    async def owe(self, incidents: Sequence[UUID], notice: str = "opened") -> list[UUID]:
        owed = await self.box.owe_words(self.channel_id, incidents, notice)
        await self.box.execute(OF_KIND)
        return owed

    def working(self) -> Any:
        return working(self.database, whole=self.whole)


@pytest.mark.parametrize("provider", sorted(HOSTS))
async def test_a_text_that_was_not_taken_is_sent_again_and_its_end_follows(database: Database, provider: str) -> None:
    gateway = a_gateway(provider)
    gateway.next.append(Reply(503, b"later"))
    async with vendor_server(gateway, HOSTS[provider]) as server:
        phone = await Phone.make(database, server, sms(provider))
        incident = await phone.box.incident()
        (opened,), (resolved,) = await phone.owe([incident]), await phone.owe([incident], "resolved")
        async with phone.working():
            await phone.box.attempted(opened, 1)
            assert gateway.sent == []
            await phone.box.fall_due()
            assert (await phone.box.ended(opened)).state == "delivered"
            assert (await phone.box.ended(resolved)).state == "delivered"
    assert len(gateway.sent) == 2
    assert [each.outcome for each in await phone.box.log(opened)] == ["retry", "delivered"]


@pytest.mark.parametrize("provider", ["telnyx", "twilio", "vonage"])
async def test_stop_disables_the_channel_and_cancels_what_it_is_owed(database: Database, provider: str) -> None:
    gateway: Gateway = a_gateway(provider)
    gateway.stopped |= {NUMBER, NUMBER[1:]}
    async with vendor_server(gateway, HOSTS[provider]) as server:
        phone = await Phone.make(database, server, sms(provider))
        incident = await phone.box.incident()
        (opened,), (resolved,) = await phone.owe([incident]), await phone.owe([incident], "resolved")
        async with phone.working():
            assert (await phone.box.ended(opened)).state == "dead"
            assert (await phone.box.ended(resolved)).state == "cancelled"
    async with database.app() as conn:
        enabled, reason, failures = await conn.fetchrow(CHANNEL, phone.channel_id)
    assert (enabled, failures) == (False, 1)
    assert reason == (await phone.box.view(opened)).reason


async def test_a_storm_is_five_messages_and_one_digest(database: Database) -> None:
    vendor = Pushover()
    async with vendor_server(vendor, PUSHOVER_HOST) as server:
        phone = await Phone.make(database, server, {"type": "pushover", "token": TOKEN, "user": USER})
        await phone.owe([await phone.box.incident() for _ in range(12)])
        async with phone.working():
            await until_async(lambda: phone.box.value(IDLE), "all that is left waits for a digest", timeout=20)
            assert len(vendor.sent) == 5
            await phone.box.a_minute_passes()
            await phone.box.emptied()
    assert len(vendor.sent) == 6
    assert vendor.sent[-1]["title"] == "Farwatch: 7 opened"
