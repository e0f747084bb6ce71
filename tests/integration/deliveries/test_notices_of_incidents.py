"""From results to a receiver: what an incident tells the channels of its monitor."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from control_plane.services.alerting.replay_delivery import replay_delivery
from control_plane.store.pool import Database
from tests.support.deciding import Stage
from tests.support.outbox import SECRET, Outbox, working
from tests.support.receiver import Receiver, answer

BIND = "INSERT INTO monitor_channels (tenant_id, monitor_id, channel_id) VALUES ($1, $2, $3)"
REGIONS = ("ap", "eu", "us")


@pytest.fixture
async def stage(database: Database) -> Stage:
    return await Stage.make(database, regions=REGIONS, name="API", tags=["prod"])


async def bound(stage: Stage, receiver: Receiver) -> Outbox:
    outbox = Outbox(stage.database, stage.tenant_id)  # type: ignore[arg-type]
    channel_id = await outbox.channel(receiver.url())
    await outbox.execute(BIND, stage.tenant_id, stage.monitor_id, channel_id)
    return outbox


async def report(stage: Stage, outcome: str, *, begin: int) -> None:
    for at in (begin, begin + 2):
        for region in REGIONS[:2]:
            await stage.report(region, outcome, at=at)


def body_of(receiver: Receiver, index: int) -> dict[str, Any]:
    receiver.received[index].verify(SECRET)
    body: dict[str, Any] = msgspec.json.decode(receiver.received[index].body)
    return body


async def test_an_outage_and_its_end_are_told_once_each_in_the_documented_shape(
    stage: Stage, receiver: Receiver
) -> None:
    outbox = await bound(stage, receiver)
    async with working(stage.database, workers=2):
        await report(stage, "down", begin=1)
        await receiver.wait_for(1)
        await report(stage, "up", begin=6)
        await receiver.wait_for(2)
        await outbox.emptied()
    opened, resolved = body_of(receiver, 0), body_of(receiver, 1)
    assert len(receiver.received) == 2
    assert set(opened) == {"event", "delivery_id", "occurred_at", "tenant_id", "monitor", "incident", "reason"}
    assert set(opened["monitor"]) == {"id", "number", "name", "kind", "tags", "group"}
    assert set(opened["incident"]) == {
        "id", "number", "type", "severity", "state", "started_at", "resolved_at", "cause", "regions_down",
        "regions_up", "url",
    }  # fmt: skip
    assert (opened["event"], resolved["event"]) == ("incident.opened", "incident.resolved")
    assert [body["delivery_id"] for body in (opened, resolved)] == [r.delivery_id for r in receiver.received]
    assert opened["incident"]["id"] == resolved["incident"]["id"]
    assert opened["incident"]["url"] is None, "nobody said where people reach us"
    assert opened["incident"]["regions_down"] == ["ap", "eu"]
    assert (opened["incident"]["resolved_at"], opened["monitor"]["tags"]) == (None, ["prod"])
    assert datetime.fromisoformat(resolved["incident"]["resolved_at"]).utcoffset() is not None


async def test_a_notice_links_to_its_incident_when_it_is_known_where_people_reach_us(
    dsn: str, receiver: Receiver
) -> None:
    database = await Database.connect(dsn, public_url="https://farwatch.example/")
    stage = await Stage.make(database, regions=REGIONS)
    await bound(stage, receiver)
    async with working(database):
        await report(stage, "down", begin=1)
        await receiver.wait_for(1)
    await database.close()
    incident = body_of(receiver, 0)["incident"]
    assert incident["url"] == f"https://farwatch.example/app/incidents/{incident['id']}"


async def test_a_receiver_that_was_never_told_of_the_outage_is_not_told_of_its_end(
    stage: Stage, receiver: Receiver
) -> None:
    receiver.script.append(answer(410))
    outbox = await bound(stage, receiver)
    async with working(stage.database):
        await report(stage, "down", begin=1)
        await receiver.wait_for(1)
        await outbox.emptied()
        await report(stage, "up", begin=6)
        await outbox.emptied()
    assert len(receiver.received) == 1


async def test_a_channel_bound_after_the_opening_hears_nothing_of_its_end(stage: Stage, receiver: Receiver) -> None:
    await report(stage, "down", begin=1)
    outbox = await bound(stage, receiver)
    await report(stage, "up", begin=6)
    async with working(stage.database):
        await outbox.emptied()
    assert receiver.received == []


async def test_an_opening_that_is_replayed_after_the_end_is_followed_by_the_recovery(
    stage: Stage, receiver: Receiver
) -> None:
    receiver.script.append(answer(410))
    outbox = await bound(stage, receiver)
    async with working(stage.database):
        await report(stage, "down", begin=1)
        await receiver.wait_for(1)
        await outbox.emptied()
        await report(stage, "up", begin=6)
        (opening, *_) = await stage.deliveries()
        await replay_delivery(stage.database, tenant_id=outbox.tenant_id, delivery_id=opening["id"])
        await outbox.emptied()
    assert [body_of(receiver, i)["event"] for i in (1, 2)] == ["incident.opened", "incident.resolved"]
