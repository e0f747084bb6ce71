"""Idempotency-Key: one effect, one answer."""

from __future__ import annotations

import asyncio

import pytest

from control_plane.store.pool import Database
from tests.support import seed
from tests.support.door import an_api_key
from tests.support.serving import ControlPlane

KEY = "Idempotency-Key"
AGE = "UPDATE idempotency_keys SET created_at = created_at - interval '25 hours'"
ORPHAN = "UPDATE idempotency_keys SET status = NULL, body = NULL, created_at = now() - $1::text::interval"


async def keys_of(served: ControlPlane) -> int:
    async with served.tenant() as client:
        total: int = (await client.get("/api/v1/keys")).json()["total"]
    return total


async def test_the_same_request_twice_has_one_effect_and_one_answer(served: ControlPlane) -> None:
    async with served.tenant() as client:
        first = await client.post("/api/v1/keys", json={"label": "a key"}, headers={KEY: "k1"})
        again = await client.post("/api/v1/keys", json={"label": "a key"}, headers={KEY: "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.headers["Location"] == again.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await keys_of(served) == 2


async def test_a_refusal_is_repeated_as_well(served: ControlPlane) -> None:
    async with served.tenant() as client:
        first = await client.post("/api/v1/keys", json={"label": "x"}, headers={KEY: "k1"})
        again = await client.post("/api/v1/keys", json={"label": "x"}, headers={KEY: "k1"})
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.json()["error"]["code"] == "INVALID_LABEL"


async def test_another_body_under_the_key_is_refused(served: ControlPlane) -> None:
    async with served.tenant() as client:
        await client.post("/api/v1/keys", json={"label": "a key"}, headers={KEY: "k1"})
        other = await client.post("/api/v1/keys", json={"label": "another"}, headers={KEY: "k1"})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert await keys_of(served) == 2


async def test_many_at_once_have_one_effect(served: ControlPlane) -> None:
    async with served.tenant() as client:
        posts = (client.post("/api/v1/keys", json={"label": "a key"}, headers={KEY: "k1"}) for _ in range(8))
        answers = await asyncio.gather(*posts)
    codes = {answer.status_code for answer in answers}
    assert codes <= {201, 409}
    assert 201 in codes
    assert all(a.json()["error"]["code"] == "IDEMPOTENCY_IN_PROGRESS" for a in answers if a.status_code == 409)
    assert await keys_of(served) == 2


async def test_keys_of_two_tenants_are_two_keys(served: ControlPlane, database: Database) -> None:
    async with database.app() as conn:
        other = await an_api_key(conn, await seed.a_tenant(conn), "keys:write", number=7)
    async with served.tenant() as one, served.client(other) as two:
        first = await one.post("/api/v1/keys", json={"label": "a key"}, headers={KEY: "k1"})
        second = await two.post("/api/v1/keys", json={"label": "a key"}, headers={KEY: "k1"})
    assert first.status_code == second.status_code == 201
    assert first.json()["id"] != second.json()["id"]


@pytest.mark.parametrize("value", [b"", b"a b", b"a\tb", b"\xc3\xa9", b"x" * 256])
async def test_a_malformed_key_is_refused(served: ControlPlane, value: bytes) -> None:
    async with served.tenant() as client:
        response = await client.post("/api/v1/keys", json={"label": "a key"}, headers={KEY.encode(): value})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "INVALID_IDEMPOTENCY_KEY")


async def test_after_a_day_the_key_is_new_again(served: ControlPlane, database: Database) -> None:
    async with served.tenant() as client:
        await client.post("/api/v1/keys", json={"label": "a key"}, headers={KEY: "k1"})
        async with database.app() as conn:
            await conn.execute(AGE)
        other = await client.post("/api/v1/keys", json={"label": "another"}, headers={KEY: "k1"})
    assert other.status_code == 201


@pytest.mark.parametrize(("age", "status"), [("10 seconds", 409), ("3 minutes", 201)])
async def test_what_a_dead_process_left_running_is_taken_over_after_two_minutes(
    served: ControlPlane, database: Database, age: str, status: int
) -> None:
    async with served.tenant() as client:
        await client.post("/api/v1/keys", json={"label": "a key"}, headers={KEY: "k1"})
        async with database.app() as conn:
            await conn.execute(ORPHAN, age)
        again = await client.post("/api/v1/keys", json={"label": "a key"}, headers={KEY: "k1"})
    assert again.status_code == status


async def test_the_stored_answer_is_sealed(served: ControlPlane, database: Database) -> None:
    async with served.tenant() as client:
        made = await client.post("/api/v1/keys", json={"label": "a key"}, headers={KEY: "k1"})
    async with database.app() as conn:
        body = await conn.fetchval("SELECT body FROM idempotency_keys")
    assert made.json()["key"].encode() not in body
