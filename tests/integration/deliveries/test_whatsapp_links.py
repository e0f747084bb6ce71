"""Linking a WhatsApp by code, stop, and messages that fail after they were accepted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from control_plane.settings import Settings
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support import outbox
from tests.support.dashboard import Desk, a_desk
from tests.support.outbox import Outbox
from tests.support.serving import SETTINGS
from tests.support.vendor_whatsapp import HOST, CloudApi, a_failure, a_text, hook, signature
from tests.support.vendors import VendorServer, vendor_server

HOOK = "/hooks/whatsapp"
LINKS = "/api/v1/channels/whatsapp-link"
PHONE = "4915112345678"
OPERATORS = SETTINGS.whatsapp
EXPIRE = "UPDATE channel_links SET expires_at = now() - interval '1 second'"
OF_WHATSAPP = "UPDATE deliveries SET channel_kind = 'whatsapp_app'"
RECORDED = "UPDATE deliveries SET state = 'delivered', receipt = $2 WHERE id = $1"
AUDIT = """
SELECT actor_kind, actor, operation, action, object_kind FROM audit
WHERE operation = 'take_whatsapp_hook' ORDER BY id
"""
RECEIPT = "SELECT receipt FROM deliveries WHERE id = $1"
UNDER_WAY = """
UPDATE deliveries SET state = 'pending', lease_until = now() + interval '1 minute', lease_token = gen_random_uuid(),
    message_id = id
WHERE id = $1
"""


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with a_desk(database) as made:
        yield made


async def a_link(desk: Desk, **body: Any) -> dict[str, Any]:
    async with desk.served.tenant() as http:
        reply = await http.post(LINKS, json=body)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    assert reply.headers["Location"] == f"{LINKS}/{made['id']}"
    return made


async def post(desk: Desk, body: bytes, *, secret: str = OPERATORS.app_secret, **headers: str) -> httpx.Response:
    given = {"Content-Type": "application/json", "X-Hub-Signature-256": signature(body, secret), **headers}
    async with desk.served.client() as http:
        return await http.post(HOOK, content=body, headers=given)


async def says(desk: Desk, *texts: str, sender: str = PHONE) -> None:
    reply = await post(desk, hook(messages=[a_text(text, sender=sender) for text in texts]))
    assert (reply.status_code, reply.text) == (200, "OK")


async def get(desk: Desk, path: str) -> dict[str, Any]:
    async with desk.served.tenant() as http:
        reply = await http.get(path)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def linked(desk: Desk, **body: Any) -> dict[str, Any]:
    made = await a_link(desk, **body)
    await says(desk, made["code"])
    link = await get(desk, f"{LINKS}/{made['id']}")
    assert link["state"] == "consumed"
    return await get(desk, f"/api/v1/channels/{link['channel_id']}")


async def test_a_code_that_is_sent_makes_a_channel_bound_to_its_sender(desk: Desk) -> None:
    made = await a_link(desk, name="Ana's phone")
    assert made["deep_link"] == f"https://wa.me/15550783881?text={made['code']}"
    assert (await get(desk, f"{LINKS}/{made['id']}"))["state"] == "pending"
    await says(desk, "hello", made["code"])
    link = await get(desk, f"{LINKS}/{made['id']}")
    assert link["state"] == "consumed"
    assert made["code"] not in str(link)
    channel = await get(desk, f"/api/v1/channels/{link['channel_id']}")
    assert (channel["name"], channel["kind"], channel["enabled"]) == ("Ana's phone", "whatsapp_app", True)
    assert channel["config"] == {"type": "whatsapp_app", "phone": PHONE, "profile_name": "Ana Berg"}
    await says(desk, made["code"], sender="4915100000000")
    assert (await get(desk, "/api/v1/channels"))["total"] == 1


async def test_a_channel_without_a_name_is_called_after_its_sender(desk: Desk) -> None:
    assert [(await linked(desk))["name"] for _ in range(2)] == ["WhatsApp of Ana Berg", "WhatsApp of Ana Berg (2)"]


async def test_a_code_that_is_too_old_or_of_another_purpose_makes_nothing(desk: Desk) -> None:
    made = await a_link(desk)
    async with desk.database.owner() as conn:
        await conn.execute(EXPIRE)
    await says(desk, made["code"])
    assert (await get(desk, f"{LINKS}/{made['id']}"))["state"] == "expired"
    made = await a_link(desk)
    async with desk.database.owner() as conn:
        await conn.execute("UPDATE channel_links SET purpose = 'telegram'")
    await says(desk, made["code"])
    assert (await get(desk, "/api/v1/channels"))["total"] == 0


async def test_what_a_plan_refuses_is_answered_all_the_same_and_the_code_stays(desk: Desk) -> None:
    made = await a_link(desk)
    async with desk.database.owner() as conn:
        await conn.execute("""UPDATE tenants SET overrides = '{"quotas": {"channels": 0}}'""")
    await says(desk, made["code"])
    assert (await get(desk, f"{LINKS}/{made['id']}"))["state"] == "pending"


async def test_no_request_makes_or_moves_such_a_channel(desk: Desk) -> None:
    channel = await linked(desk)
    config = {"type": "whatsapp_app", "phone": "4915100000000"}
    async with desk.served.tenant() as http:
        for path, body in (("", {"name": "A", "config": config}), ("/test", {"config": config})):
            reply = await http.post(f"/api/v1/channels{path}", json=body)
            assert (reply.status_code, reply.json()["error"]["code"]) == (422, "CHANNEL_KIND_MANAGED")
        reply = await http.patch(f"/api/v1/channels/{channel['id']}", json={"config": {"phone": "4915100000000"}})
        assert (reply.status_code, reply.json()["error"]["code"]) == (422, "CHANNEL_KIND_MANAGED")


async def test_stop_disables_every_channel_of_the_number_with_a_reason(desk: Desk) -> None:
    first, second = await linked(desk), await linked(desk)
    made = await a_link(desk)
    await says(desk, made["code"], sender="4915100000000")
    other = (await get(desk, f"{LINKS}/{made['id']}"))["channel_id"]
    await says(desk, "Stop")
    for channel in (first, second):
        now = await get(desk, f"/api/v1/channels/{channel['id']}")
        assert (now["enabled"], now["disabled_reason"]) == (False, "Somebody sent stop from this number")
    assert (await get(desk, f"/api/v1/channels/{other}"))["enabled"]
    async with desk.database.app() as conn:
        entries = [tuple(row) for row in await conn.fetch(AUDIT)]
    assert entries[-2:] == [("link", "WhatsApp", "take_whatsapp_hook", "updated", "channel")] * 2
    async with desk.served.tenant() as http:
        again = await http.patch(f"/api/v1/channels/{first['id']}", json={"enabled": True})
    assert (again.json()["enabled"], again.json()["disabled_reason"]) == (True, None)


async def test_what_is_not_signed_counts_for_nothing(desk: Desk) -> None:
    made = await a_link(desk)
    body = hook(messages=[a_text(made["code"])])
    for headers in ({}, {"X-Hub-Signature-256": ""}, {"X-Hub-Signature-256": signature(body + b" ", "x")}):
        reply = await post(desk, body, secret="another secret", **headers)
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "WHATSAPP_SIGNATURE_INVALID")
    assert (await get(desk, f"{LINKS}/{made['id']}"))["state"] == "pending"


@pytest.mark.parametrize("body", [b"{}", b"[]", b"no json", hook(statuses=[{"status": "odd"}]), hook(number_id="1")])
async def test_what_is_signed_and_not_understood_is_answered_all_the_same(desk: Desk, body: bytes) -> None:
    assert (await post(desk, body)).status_code == 200


async def test_meta_gets_its_challenge_back_for_the_token_alone(desk: Desk) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": OPERATORS.verify_token, "hub.challenge": "1158201444"}
    async with desk.served.client() as http:
        reply = await http.get(HOOK, params=asked)
        assert (reply.status_code, reply.text) == (200, "1158201444")
        assert reply.headers["Content-Type"].startswith("text/plain")
        reply = await http.get(HOOK, params=asked | {"hub.challenge": "<script>"})
        assert (reply.status_code, reply.text) == (200, "")
        for wrong in ({"hub.verify_token": "x"}, {"hub.verify_token": ""}, {"hub.mode": "unsubscribe"}):
            reply = await http.get(HOOK, params=asked | wrong)
            assert (reply.status_code, reply.json()["error"]["code"]) == (401, "WHATSAPP_SIGNATURE_INVALID")
            assert "1158201444" not in reply.text


async def test_without_a_number_there_is_nothing_of_it(database: Database) -> None:
    async with a_desk(database, msgspec.structs.replace(SETTINGS, whatsapp=Settings().whatsapp)) as desk:
        async with desk.served.tenant() as http:
            for reply in (await http.post(LINKS), await http.get(f"{LINKS}/{UUID(int=1)}")):
                assert (reply.status_code, reply.json()["error"]["code"]) == (404, "WHATSAPP_LINK_NOT_FOUND")
        reply = await post(desk, hook(messages=[a_text("stop")]))
        assert reply.status_code == 404
        async with desk.served.client() as http:
            assert (await http.get(HOOK, params={"hub.mode": "subscribe", "hub.verify_token": ""})).status_code == 404


async def test_eleven_codes_are_not_outstanding_at_once(desk: Desk) -> None:
    for _ in range(10):
        await a_link(desk)
    async with desk.served.tenant() as http:
        reply = await http.post(LINKS)
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "WHATSAPP_LINK_LIMIT")


@pytest.fixture
async def vendor() -> AsyncIterator[tuple[CloudApi, VendorServer]]:
    api = CloudApi()
    async with vendor_server(api, HOST) as server:
        yield api, server


class Told:
    """A linked channel of the desk's tenant, and workers that send to the vendor."""

    def __init__(self, desk: Desk, server: VendorServer, channel_id: UUID) -> None:
        self.desk, self.channel_id = desk, channel_id
        self.box = Outbox(desk.database, TenantId(desk.served.home.tenant_id))
        self.whole = msgspec.structs.replace(SETTINGS, delivery=server.settings())

    async def owed(self, incident: UUID, notice: str = "opened") -> UUID:
        (delivery_id,) = await self.box.owe_words(self.channel_id, [incident], notice)
        await self.box.execute(OF_WHATSAPP)
        return delivery_id

    async def delivered(self, incident: UUID | None = None) -> UUID:
        delivery_id = await self.owed(incident or await self.box.incident())
        async with outbox.working(self.desk.database, whole=self.whole):
            assert (await self.box.ended(delivery_id)).state == "delivered"
        return delivery_id

    async def channel(self) -> dict[str, Any]:
        return await get(self.desk, f"/api/v1/channels/{self.channel_id}")


@pytest.fixture
async def told(desk: Desk, vendor: tuple[CloudApi, VendorServer]) -> Told:
    return Told(desk, vendor[1], UUID((await linked(desk))["id"]))


async def test_a_message_that_fails_after_it_was_accepted_is_a_dead_letter(told: Told) -> None:
    delivery_id = await told.delivered()
    receipt = await told.box.value(RECEIPT, delivery_id)
    body = hook(statuses=[a_failure(receipt["wamid"], opaque=str(delivery_id))])
    for _ in range(2):  # Meta may tell it twice
        assert (await post(told.desk, body)).status_code == 200
    view = await told.box.view(delivery_id)
    assert view.state == "dead"
    assert view.reason is not None
    assert "Message undeliverable (131026)" in view.reason
    health = (await told.channel())["health"]
    assert (health["consecutive_failures"], health["last_error"]) == (1, view.reason)
    async with told.desk.served.tenant() as http:
        assert (await http.post(f"/api/v1/deliveries/{delivery_id}/replay")).status_code < 300
    assert (await told.box.view(delivery_id)).state == "pending"


async def test_a_recovery_goes_to_nobody_who_was_not_told_after_all(told: Told) -> None:
    incident = await told.box.incident()
    opened = await told.delivered(incident=incident)
    resolved = await told.owed(incident, "resolved")
    receipt = await told.box.value(RECEIPT, opened)
    await post(told.desk, hook(statuses=[a_failure(receipt["wamid"])]))
    assert (await told.box.view(resolved)).state == "cancelled"


@pytest.mark.parametrize("status", [{"wamid": "wamid.other"}, {"to": "4915100000000"}])
async def test_a_failure_of_another_message_changes_nothing(told: Told, status: dict[str, str]) -> None:
    delivery_id = await told.delivered()
    receipt = await told.box.value(RECEIPT, delivery_id)
    named = {"wamid": receipt["wamid"], "opaque": str(delivery_id)} | status
    assert (await post(told.desk, hook(statuses=[a_failure(**named)]))).status_code == 200
    assert (await told.box.view(delivery_id)).state == "delivered"
    assert (await told.channel())["health"]["consecutive_failures"] == 0


async def test_a_failure_that_comes_before_the_record_is_told_again(told: Told) -> None:
    delivery_id = await told.delivered()
    receipt = await told.box.value(RECEIPT, delivery_id)
    await told.box.execute("UPDATE deliveries SET receipt = NULL WHERE id = $1", delivery_id)
    await told.box.execute(UNDER_WAY, delivery_id)
    body = hook(statuses=[a_failure(receipt["wamid"], opaque=str(delivery_id))])
    assert (await post(told.desk, body)).status_code == 503
    await told.box.execute(
        "UPDATE deliveries SET state = 'delivered', receipt = $2 WHERE id = $1", delivery_id, receipt
    )
    assert (await post(told.desk, body)).status_code == 200
    assert (await told.box.view(delivery_id)).state == "dead"
