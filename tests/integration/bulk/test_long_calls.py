"""Calls that take long, and calls in the middle of which the database goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from control_plane.errors import Conflict, Unavailable
from control_plane.services.monitors import bulk_monitors
from control_plane.services.monitors.bulk_monitors import Means, create_in_bulk
from control_plane.services.monitors.create_monitors import Outcome
from control_plane.store.pool import Connection
from control_plane.web import idempotency
from tests.support.tenant_world import World
from tests.support.waiting import until_async

BULK = "/api/v1/monitors/bulk"
AGE = "UPDATE idempotency_keys SET created_at = created_at - interval '3 minutes'"
FRESH = "SELECT count(*) FROM idempotency_keys WHERE status IS NULL AND created_at > now() - interval '1 minute'"


def bodies(count: int) -> list[dict[str, Any]]:
    return [{"name": f"Site {n}", "check": f"https://s{n}.example.com/"} for n in range(count)]


async def test_a_claim_is_kept_for_as_long_as_its_request_runs(
    world: World, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "KEEP_EVERY_S", 0.05)
    sent: dict[str, Any] = {"json": {"monitors": bodies(2)}, "headers": {"Idempotency-Key": "long"}}
    async with world.database.app_transaction() as conn:
        await conn.execute("SELECT FROM tenant_counters WHERE tenant_id = $1 FOR UPDATE", world.tenant_id)
        first = asyncio.create_task(http.post(BULK, **sent))

        async def kept() -> bool:
            return bool((await world.rows(FRESH))[0]["count"])

        await until_async(kept, "the key is claimed")
        await world.rows(AGE)
        await until_async(kept, "the claim is begun anew")
        again = await http.post(BULK, **sent)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "IDEMPOTENCY_IN_PROGRESS")
    assert (await first).json()["succeeded"] == 2
    assert (await world.get("/monitors"))["total"] == 2


class Fails:
    """A progress that raises from the `nth` transaction on, at its end."""

    def __init__(self, nth: int, error: Exception) -> None:
        self._left = nth
        self._error = error

    async def begin(self, conn: Connection) -> None:
        pass

    async def advance(self, conn: Connection, outcomes: Sequence[Outcome]) -> None:
        self._left -= 1
        if self._left <= 0:
            raise self._error


@pytest.fixture
def in_twos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_monitors, "CHUNK", 2)


@pytest.mark.usefixtures("in_twos")
async def test_when_the_database_goes_away_in_the_middle_each_item_is_told_and_asking_again_does_nothing_twice(
    world: World, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(bulk_monitors, "NoProgress", lambda: Fails(2, Unavailable("The database is away.")))
        sent: dict[str, Any] = {"json": {"monitors": bodies(6)}, "headers": {"Idempotency-Key": "partly"}}
        reply = await http.post(BULK, **sent)
    told = reply.json()
    assert (reply.status_code, told["succeeded"], told["failed"]) == (201, 2, 4), reply.text
    errors = [item["error"] for item in told["items"]]
    assert [error and error["code"] for error in errors] == [None, None, *["UNAVAILABLE"] * 4]
    assert ["look before" in error["message"] for error in errors[2:]] == [True, True, False, False]
    again = await http.post(BULK, **sent)
    assert (again.headers["Idempotency-Replayed"], again.json()) == ("true", told)
    assert (await world.get("/monitors"))["total"] == 2


@pytest.mark.usefixtures("in_twos")
async def test_when_it_was_away_from_the_start_the_call_fails_and_may_be_repeated(
    world: World, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: dict[str, Any] = {"json": {"monitors": bodies(3)}, "headers": {"Idempotency-Key": "away"}}
    with monkeypatch.context() as patched:
        patched.setattr(bulk_monitors, "NoProgress", lambda: Fails(1, Unavailable("The database is away.")))
        assert (await http.post(BULK, **sent)).status_code == 503
    assert (await http.post(BULK, **sent)).json()["succeeded"] == 3
    assert (await world.get("/monitors"))["total"] == 3


@pytest.mark.usefixtures("in_twos")
async def test_a_job_is_left_to_another_instead(world: World) -> None:
    deps = world.door.deps
    means = Means(tenant_id=world.tenant_id, new_id=deps.new_id, write_source="api", ports="any")
    with pytest.raises(Unavailable):
        await create_in_bulk(
            world.database, deps.sealer, means=means, bodies=bodies(6), progress=Fails(2, Unavailable("Away."))
        )
    assert (await world.get("/monitors"))["total"] == 2


@pytest.mark.usefixtures("in_twos")
async def test_what_the_database_refuses_once_is_tried_in_halves(
    world: World, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Once(Fails):
        async def advance(self, conn: Connection, outcomes: Sequence[Outcome]) -> None:
            self._left -= 1
            if self._left == 0:
                raise Conflict("The database refuses it.")

    with monkeypatch.context() as patched:
        patched.setattr(bulk_monitors, "NoProgress", lambda: Once(2, Conflict("unused")))
        reply = await http.post(BULK, json={"monitors": bodies(6)})
    assert reply.json()["succeeded"] == 6
    assert [item["number"] is not None for item in reply.json()["items"]] == [True] * 6
