"""Rate limits as a caller meets them: headers on every answer, and when to come back."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from control_plane.services.installation.count_processes import Processes
from control_plane.store.pool import Database
from tests.support.serving import ControlPlane, control_plane, settings_with

FIELDS = ("RateLimit", "RateLimit-Policy", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
SMALL = {
    "name": "small",
    "title": "Small",
    "rates": {
        "reads": {"tenant": 30, "caller": 20},
        "creates": {"tenant": 3, "caller": None},
        "test_now": {"tenant": 1, "caller": None},
    },
}
SET_PLAN = "UPDATE tenants SET plan = 'small'"
NO_SUCH = "/api/v1/monitors/0197a2f0-0000-7000-8000-000000000000"
AGE = "UPDATE processes SET seen_at = seen_at - interval '1 minute' WHERE id = $1"


@pytest.fixture
async def limited(database: Database) -> AsyncIterator[ControlPlane]:
    """A control plane whose first tenant has a small plan, and whose default for writes is 2 a minute."""
    async with control_plane(database, settings_with(rates={"writes": 2})) as served:
        async with served.operator() as client:
            assert (await client.post("/operator/plans", json=SMALL)).status_code == 201
        async with database.app() as conn:
            await conn.execute(SET_PLAN)
        yield served


def fields_of(answer: httpx.Response) -> dict[str, str]:
    return {name: answer.headers[name] for name in FIELDS if name in answer.headers}


async def test_every_answer_says_what_is_left(limited: ControlPlane) -> None:
    async with limited.tenant() as client:
        first, second = await client.get("/api/v1/monitors"), await client.get(NO_SUCH)
    assert (first.status_code, second.status_code) == (200, 404)
    assert first.headers["RateLimit-Policy"] == '"tenant-reads";q=30;w=60, "caller-reads";q=20;w=60'
    assert first.headers["RateLimit"] == '"tenant-reads";r=29;t=2, "caller-reads";r=19;t=3'
    assert re.fullmatch(r'"tenant-reads";r=\d+;t=\d+, "caller-reads";r=\d+;t=\d+', second.headers["RateLimit"])
    assert first.headers["X-RateLimit-Limit"] == "20"
    assert first.headers["X-RateLimit-Remaining"] == "19"
    assert abs(int(first.headers["X-RateLimit-Reset"]) - time.time()) < 60


async def test_beyond_the_limit_one_is_told_when_to_come_back(limited: ControlPlane) -> None:
    async with limited.tenant() as client:
        made = [await client.post("/api/v1/keys", json={"label": f"key {number}"}) for number in range(4)]
        assert [answer.status_code for answer in made] == [201, 201, 201, 429]
        refused = made[-1]
        error = refused.json()["error"]
        assert error["code"] == "RATE_LIMITED"
        assert error["details"] == {"scope": "tenant", "category": "creates", "limit": 3, "window_s": 60}
        assert 1 <= int(refused.headers["Retry-After"]) <= 20
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        assert (await client.get("/api/v1/keys")).status_code == 200, "another category has a budget of its own"


async def test_the_callers_of_a_tenant_have_limits_of_their_own(limited: ControlPlane) -> None:
    async with limited.tenant() as client:
        second = (await client.post("/api/v1/keys", json={"label": "second"})).json()["key"]
        answers = [(await client.get("/api/v1/keys")).status_code for _ in range(21)]
        assert answers.count(429) >= 1
    async with limited.client(second) as client:
        assert (await client.get("/api/v1/keys")).status_code == 200


async def test_a_category_that_no_plan_names_has_the_installations_default(limited: ControlPlane) -> None:
    async with limited.tenant() as client:
        renamed = [await client.patch("/api/v1/tenant", json={"name": f"T{number}"}) for number in range(3)]
    assert [answer.status_code for answer in renamed] == [200, 200, 429]
    assert renamed[0].headers["RateLimit-Policy"].startswith('"tenant-writes";q=2;w=60')


async def test_tests_of_a_check_count_by_themselves(limited: ControlPlane) -> None:
    async with limited.tenant() as client:
        answers = [await client.post("/api/v1/monitors/test", json={"check": "nonsense"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [422, 429]


async def test_where_no_limit_holds_nothing_is_said_of_one(database: Database) -> None:
    async with control_plane(database) as served, served.tenant() as client, served.client() as stranger:
        answers = [
            await client.get("/api/v1/monitors"),
            *[await stranger.get(path) for path in ("/healthz", "/readyz", "/api/v1/meta", "/api/v1/monitors")],
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 401]
    assert [fields_of(answer) for answer in answers] == [{}] * 5


async def test_a_change_of_plan_counts_within_seconds(limited: ControlPlane) -> None:
    async with limited.tenant() as client, limited.operator() as operator:
        before = await client.get("/api/v1/monitors")
        path = f"/operator/tenants/{limited.home.tenant_id}"
        over = {"rates": {"reads": {"tenant": "unlimited", "caller": 1000}}}
        assert (await operator.patch(path, json={"overrides": over})).status_code == 200
        deadline = time.monotonic() + 30
        after = before
        while after.headers["X-RateLimit-Limit"] != "1000" and time.monotonic() < deadline:
            after = await client.get("/api/v1/me")
    assert (before.headers["X-RateLimit-Limit"], after.headers["X-RateLimit-Limit"]) == ("20", "1000")


async def test_processes_are_counted_while_they_mark_themselves(database: Database) -> None:
    one, two = Processes(), Processes()
    assert [await one.mark(database), await two.mark(database), await one.mark(database)] == [1, 2, 2]
    await two.leave(database)
    assert await one.mark(database) == 1
    await two.mark(database)
    async with database.app() as conn:
        await conn.execute(AGE, two._id)
    assert await one.mark(database) == 1, "one that stopped without a word is gone as well"
    await Processes().leave(database)
