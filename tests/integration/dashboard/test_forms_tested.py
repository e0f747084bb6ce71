"""Test before save: what a region sees of a check that is in the form only."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from shared.checks.http import HttpCheck
from tests.support.dashboard import Desk, entered
from tests.support.trials import answering


async def form(http: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    """A form of an http check, filled in."""
    filled = entered((await http.get("/app/monitors/new?kind=http")).text)
    target = {"name": ["Shop"], "check-url": ["http://127.0.0.1:8080/"], "test-region": ["us"]}
    return filled | target | {name.replace("_", "-"): value for name, value in fields.items()}


@pytest.mark.parametrize(
    ("seen", "word", "vote"),
    [
        ("up", "Up", "This region would vote up."),
        ("degraded", "Degraded", "would vote up and call it degraded"),
        ("down", "Down", "would vote down after 2 failures in a row. The verdict is down when 2 of 3 regions say so."),
        ("error", "Not judged", "it would cast no vote"),
    ],
)
async def test_the_outcome_is_told_by_phase_with_what_the_region_would_vote(
    seen: str, word: str, vote: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    async with answering(desk, "us", seen) as handed:
        reply = await http.post("/app/monitors/new/test?fragment=1", data=await form(http))
    assert reply.status_code == 200
    assert "<html" not in reply.text
    assert f'<span class="word">{word}</span>' in reply.text
    assert "from us" in reply.text
    assert f"It was {seen}." in reply.text
    assert vote in reply.text
    for phase in ("DNS", "Connect"):
        assert f'<th scope="row">{phase}</th>' in reply.text
    assert [item.kind for item in handed] == ["test"]
    async with desk.served.tenant() as api:
        assert (await api.get("/api/v1/monitors")).json()["total"] == 0, "nothing is saved"


async def test_without_scripts_the_outcome_stands_below_the_form_as_it_was_filled_in(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    filled = await form(http, notes=["Mine"], check_basic_auth_user=["ana"], check_basic_auth_password=["hunter2"])
    async with answering(desk, "us", "up"):
        reply = await http.post("/app/monitors/new/test", data=filled)
    assert reply.status_code == 200
    assert "Tested just now" in reply.text
    again = entered(reply.text)
    assert {name: again[name] for name in filled} == filled
    made = await http.post("/app/monitors", data=again)
    assert made.status_code == 303


async def test_what_is_wrong_is_told_beside_its_field_and_nobody_is_asked(desk: Desk, http: httpx.AsyncClient) -> None:
    async with answering(desk, "us", "up") as handed:
        reply = await http.post("/app/monitors/new/test?fragment=1", data=await form(http, check_url=["ftp://x/"]))
    assert reply.status_code == 400
    assert 'id="check-url-problem"' in reply.text
    assert handed == []


async def test_without_a_live_agent_a_test_says_so(desk: Desk, http: httpx.AsyncClient) -> None:
    async with desk.database.app() as conn:
        await conn.execute("UPDATE agents SET lease_until = now() - interval '1 second'")
    reply = await http.post("/app/monitors/new/test?fragment=1", data=await form(http))
    assert reply.status_code == 200
    assert "Not tested" in reply.text
    assert "live agent" in reply.text


async def test_a_change_is_tested_with_the_secrets_that_are_kept(desk: Desk, http: httpx.AsyncClient) -> None:
    check = {"type": "http", "url": "http://127.0.0.1:8080/", "basic_auth": ["ana", "hunter2"]}
    monitor_id = await desk.monitor("Shop", check=check)
    path = f"/app/monitors/{monitor_id}/edit"
    filled = entered((await http.get(path)).text) | {"check-url": ["http://127.0.0.1:8080/new"], "test-region": ["us"]}
    async with answering(desk, "us", "up") as handed:
        reply = await http.post(f"{path}/test?fragment=1", data=filled)
        moved = await http.post(f"{path}/test", data=filled | {"check-url": ["http://127.0.0.2/"]})
    assert reply.status_code == 200
    assert "hunter2" not in reply.text
    (item,) = handed
    assert isinstance(item.check, HttpCheck)
    assert (item.check.url, item.check.basic_auth) == ("http://127.0.0.1:8080/new", ("ana", "hunter2"))
    assert moved.status_code == 400
    assert re.search(r'id="check-url-problem">[^<]*send the credential again', moved.text), "it goes to no other host"
