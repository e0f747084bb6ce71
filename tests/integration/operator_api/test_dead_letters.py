"""Dead letters of all tenants: found by filters, sent again one by one or many at a time."""

from __future__ import annotations

from uuid import UUID

from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support.outbox import Outbox
from tests.support.serving import ControlPlane

GIVE_UP = "UPDATE deliveries SET state = 'dead', reason = 'Told 404', finished_at = now() WHERE id = ANY ($1::uuid[])"


async def dead(database: Database, tenant_id: TenantId, count: int) -> list[UUID]:
    outbox = Outbox(database, tenant_id)
    channel_id = await outbox.channel("http://127.0.0.1:9/hook")
    ids = [await outbox.owe(channel_id, await outbox.incident()) for _ in range(count)]
    async with database.app() as conn:
        await conn.execute(GIVE_UP, ids)
    return ids


async def test_dead_letters_of_all_tenants_are_listed_and_sent_again(served: ControlPlane, database: Database) -> None:
    ours = await dead(database, served.home.tenant_id, 3)
    other = await Outbox.make(database, "Other")
    theirs = await dead(database, other.tenant_id, 2)
    async with served.operator() as operator:
        every = (await operator.get("/operator/deliveries")).json()
        of_one = (await operator.get("/operator/deliveries", params={"tenant_id": str(other.tenant_id)})).json()
        one = await operator.post(f"/operator/deliveries/{ours[0]}/replay")
        twice = await operator.post(f"/operator/deliveries/{ours[0]}/replay")
        of_kind = await operator.post("/operator/deliveries/replay", json={"channel_kind": "ntfy"})
        some = await operator.post("/operator/deliveries/replay", json={"limit": 3})
        rest = await operator.post("/operator/deliveries/replay", json={})
        entries = (await operator.get("/operator/audit", params={"object_kind": "delivery"})).json()["items"]
    assert {item["id"] for item in every["items"]} == {str(each) for each in (*ours, *theirs)}
    assert {item["id"] for item in of_one["items"]} == {str(each) for each in theirs}
    assert of_one["items"][0]["tenant"] == "Other"
    assert of_one["items"][0]["reason"] == "Told 404"
    assert (one.status_code, one.json()["state"]) == (200, "pending")
    assert (twice.status_code, twice.json()["error"]["code"]) == (409, "DELIVERY_NOT_DEAD")
    assert of_kind.json() == {"replayed": 0, "left": 0}
    assert some.json() == {"replayed": 3, "left": 1}
    assert rest.json() == {"replayed": 1, "left": 0}
    assert {entry["object_id"] for entry in entries} == {str(each) for each in (*ours, *theirs)}
    assert {entry["operation"] for entry in entries} == {"replay_dead_letter", "replay_dead_letters"}


async def test_settings_are_changed_by_whoever_read_them_last(served: ControlPlane) -> None:
    path = "/operator/settings"
    async with served.operator() as operator:
        read = await operator.get(path)
        tag = read.headers["ETag"]
        first = await operator.patch(path, json={"scan_ports_per_host": 40}, headers={"If-Match": tag})
        late = await operator.patch(path, json={"scan_ports_per_host": 50}, headers={"If-Match": tag})
        now = await operator.patch(
            path, json={"scan_ports_per_host": None}, headers={"If-Match": first.headers["ETag"]}
        )
    assert (first.status_code, first.json()["scan_ports_per_host"]) == (200, 40)
    assert (late.status_code, late.json()["error"]["code"]) == (412, "PRECONDITION_FAILED")
    assert (now.status_code, now.json()["scan_ports_per_host"]) == (200, 30)
