"""What was ended is refused at once by every process, not only by the one that ended it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp.test_utils import make_mocked_request

from control_plane.store import api_keys, hints
from control_plane.store.pool import Database
from control_plane.web import authentication
from control_plane.web.authentication import Authenticator
from tests.support.dashboard import Desk
from tests.support.serving import ControlPlane
from tests.support.waiting import until_async
from tests.support.zero_signup import a_strangers_monitor, an_open_desk


@pytest.fixture(autouse=True)
def believed_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but a hint ends what is remembered here."""
    monkeypatch.setattr(authentication, "REMEMBERED_S", 3600.0)


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with an_open_desk(database) as found:
        yield found


async def another_process(served: ControlPlane, database: Database) -> Authenticator:
    other = Authenticator(database, served.deps.settings)
    await other.listen()
    return other


async def admits(process: Authenticator, key: str, *, scope: str = "monitors:read") -> bool:
    request = make_mocked_request("GET", "/", headers={"Authorization": f"Bearer {key}"})
    return await process.still_admits(request, scope=scope)


async def until_refused(process: Authenticator, key: str) -> None:
    async def refused() -> bool:
        return not await admits(process, key)

    await until_async(refused, "the other process refuses the key", timeout=20)


async def status(client: httpx.AsyncClient, path: str = "/api/v1/keys") -> int:
    return (await client.get(path)).status_code


async def test_a_deleted_key_is_refused_everywhere(served: ControlPlane, database: Database) -> None:
    other = await another_process(served, database)
    async with served.tenant() as maker:
        made = (await maker.post("/api/v1/keys", json={"label": "second"})).json()
        async with served.client(made["key"]) as client:
            assert await status(client) == 200
            assert await admits(other, made["key"])
            assert (await maker.delete(f"/api/v1/keys/{made['id']}")).status_code == 204
            assert await status(client) == 401, "here at once"
        await until_refused(other, made["key"])
        assert await status(maker) == 200


async def test_a_session_ends_with_its_key(served: ControlPlane) -> None:
    async with served.tenant() as maker, served.client() as browser:
        made = (await maker.post("/api/v1/keys", json={"label": "second"})).json()
        assert (await browser.post("/login", data={"key": made["key"]})).status_code == 303
        assert await status(browser, "/api/v1/me") == 200
        assert (await maker.delete(f"/api/v1/keys/{made['id']}")).status_code == 204
        assert await status(browser, "/api/v1/me") == 401


async def test_a_key_that_the_operator_deletes_is_refused_everywhere(served: ControlPlane, database: Database) -> None:
    other = await another_process(served, database)
    key = served.home.api_key
    async with served.tenant() as client, served.operator() as operator:
        key_id = (await client.get("/api/v1/keys")).json()["items"][0]["id"]
        assert await admits(other, key)
        path = f"/operator/tenants/{served.home.tenant_id}/keys/{key_id}"
        assert (await operator.delete(path)).status_code == 204
        assert await status(client) == 401
    await until_refused(other, key)


async def test_a_suspended_tenants_keys_are_refused_everywhere(served: ControlPlane, database: Database) -> None:
    other = await another_process(served, database)
    path = f"/operator/tenants/{served.home.tenant_id}"
    async with served.tenant() as client, served.client() as browser, served.operator() as operator:
        assert (await browser.post("/login", data={"key": served.home.api_key})).status_code == 303
        assert await status(browser) == await status(client) == 200
        assert await admits(other, served.home.api_key)
        assert (await operator.post(f"{path}/suspend")).status_code == 200
        assert await status(browser) == await status(client) == 403, "here at once"
        await until_refused(other, served.home.api_key)
        assert (await operator.patch(path, json={"suspended": False})).status_code == 200
        assert await status(browser) == await status(client) == 200


@pytest.mark.parametrize("end", ["rotated", "deleted"])
async def test_a_manage_key_that_ends_is_refused_everywhere(end: str, desk: Desk) -> None:
    other = await another_process(desk.served, desk.database)
    made = await a_strangers_monitor(desk)
    key, path = made["manage_key"], f"/api/v1/monitors/{made['id']}/manage-key"
    assert await admits(other, key)
    async with desk.served.client(key) as http:
        if end == "rotated":
            reply = await http.post(f"{path}/rotate")
            assert await admits(other, reply.json()["manage_key"])
        else:
            reply = await http.delete(path)
        assert reply.status_code in (201, 204), reply.text
        assert await status(http, "/api/v1/me") == 401, "here at once"
    await until_refused(other, key)


async def test_a_look_up_that_a_hint_overtakes_is_not_believed(
    served: ControlPlane, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Authenticator(database, served.deps.settings)
    touch = api_keys.touch

    async def touch_while_it_ends(*arguments: object, **named: object) -> None:
        await touch(*arguments, **named)  # type: ignore[arg-type]
        other.forget(hints.tenant_hint(served.home.tenant_id))

    monkeypatch.setattr(api_keys, "touch", touch_while_it_ends)
    assert await admits(other, served.home.api_key), "it was good when the database was asked"
    async with database.app() as conn:
        await conn.execute("DELETE FROM api_keys")
    assert not await admits(other, served.home.api_key)


async def test_a_hint_of_a_later_version_forgets_everybody(served: ControlPlane, database: Database) -> None:
    other = await another_process(served, database)
    assert await admits(other, served.home.api_key)
    async with database.app() as conn:
        await conn.execute("DELETE FROM api_keys")
        assert await admits(other, served.home.api_key), "nobody was told"
        await conn.execute("SELECT pg_notify('farwatch_callers', 'plan free')")
    await until_refused(other, served.home.api_key)
