"""Turning the sealing keys: a new one seals, a job seals anew, and a key still needed is missed at the start."""

from __future__ import annotations

import pytest

from control_plane.errors import StartupRefused
from control_plane.sealing import Sealer
from control_plane.services.safety.check_sealing_keys import check_sealing_keys
from control_plane.services.safety.reseal import reseal, reseal_when_turned, sealing_state
from control_plane.store.pool import Database
from tests.support.serving import ControlPlane

OLD = {"k1": b"k" * 32}
BOTH = {"k2": b"n" * 32, **OLD}
NEW = {"k2": b"n" * 32}
CHECK = {"type": "http", "url": "https://a.test.org/", "bearer_token": "s3cret-token"}


async def fill(served: ControlPlane) -> list[str]:
    async with served.tenant() as http:
        made = []
        for number in range(3):
            body = {"name": f"API {number}", "check": CHECK, "regions": ["eu"]}
            made.append((await http.post("/api/v1/monitors", json=body)).json()["id"])
        channel = {"name": "Ops", "config": {"type": "webhook", "url": "https://ops.test.org/x"}}
        assert (await http.post("/api/v1/channels", json=channel)).status_code == 201
    return made


@pytest.mark.usefixtures("eu_key")
async def test_keys_are_turned_and_the_old_one_is_let_go(served: ControlPlane, database: Database) -> None:
    await fill(served)
    assert await check_sealing_keys(database, Sealer(OLD)) == "k1 seals"
    with pytest.raises(StartupRefused, match=r"k1 is missing.*1 of channels, 3 of monitors"):
        await check_sealing_keys(database, Sealer(NEW))
    assert await check_sealing_keys(database, Sealer(BOTH)) == "k2 seals, 1 more can open"
    both = Sealer(BOTH)
    assert (await sealing_state(database, both)).left == 4
    told = await reseal_when_turned(database, both)
    assert (told.done, told.unreadable) == (4, 0)
    assert (await reseal(database, both)).done == 0
    assert (await sealing_state(database, both)).left == 0
    assert await check_sealing_keys(database, Sealer(NEW)) == "k2 seals"
    assert (await reseal_when_turned(database, Sealer(NEW))).done == 0


@pytest.mark.usefixtures("eu_key")
async def test_what_is_sealed_anew_still_opens(served: ControlPlane, database: Database, eu_key: str) -> None:
    await fill(served)
    served.deps.sealer.__init__(BOTH)  # type: ignore[misc]  # the process as it is after its restart
    async with served.operator() as http:
        before = (await http.get("/operator/sealing")).json()
        done = (await http.post("/operator/sealing/reseal")).json()
        after = (await http.get("/operator/sealing")).json()
    async with served.client(eu_key) as agent:
        handed = (await agent.get("/api/agent/v1/assignments")).json()
    assert (before["active"], before["keys"], before["left"]) == ("k2", ["k2", "k1"], 4)
    assert done == {"done": 4, "unreadable": 0}
    assert after["left"] == 0
    assert {one["check"]["bearer_token"] for one in handed["upserts"]} == {"s3cret-token"}


async def test_another_key_under_the_same_id_is_refused(database: Database) -> None:
    await check_sealing_keys(database, Sealer(OLD))
    with pytest.raises(StartupRefused, match="key k1 is not the one that it was"):
        await check_sealing_keys(database, Sealer({"k1": b"x" * 32}))


async def test_the_doctor_notes_nothing(database: Database) -> None:
    await check_sealing_keys(database, Sealer({"k1": b"x" * 32}), note=False)
    assert await check_sealing_keys(database, Sealer(OLD)) == "k1 seals"
