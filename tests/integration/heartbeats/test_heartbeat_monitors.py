"""Heartbeats as monitors: made, paused, resumed, changed, cloned and deleted through the API, pinged by their URL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.heartbeats.conftest import Beating

CHECK = {"type": "heartbeat", "period": 3600, "grace": 300}


async def made(beating: Beating, **check: Any) -> str:
    reply = await beating.http.post("/api/v1/monitors", json={"name": "Nightly backup", "check": {**CHECK, **check}})
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


async def beat(beating: Beating, monitor_id: str) -> dict[str, Any]:
    reply = await beating.http.get(f"/api/v1/heartbeats/{monitor_id}")
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


async def state(beating: Beating, monitor_id: str) -> tuple[str, str]:
    found = (await beating.http.get(f"/api/v1/monitors/{monitor_id}")).json()["state"]
    return found["shown"], found["verdict"]


async def test_a_new_heartbeat_can_be_pinged_and_is_up_then(beating: Beating) -> None:
    monitor_id = await made(beating)
    assert await state(beating, monitor_id) == ("unknown", "unknown")
    assert (await beating.open_.get((await beat(beating, monitor_id))["ping_url"])).status_code == 200
    assert await state(beating, monitor_id) == ("up", "up")
    shown = (await beating.http.get(f"/api/v1/monitors/{monitor_id}")).json()
    assert shown["check"] == {**CHECK, "cron": None, "timezone": "UTC", "max_run_s": None}
    assert shown["heartbeat"]["pings"] == 1


@pytest.mark.parametrize(
    ("check", "code", "field"),
    [
        ({"period": None}, "MISSING_FIELD", "/check/period"),
        ({"cron": "* * * * *"}, "INVALID_HEARTBEAT_PARAMS", "/check/cron"),
        ({"period": 29}, "INVALID_HEARTBEAT_PARAMS", "/check/period"),
        ({"period": 365 * 86_400 + 1}, "INVALID_HEARTBEAT_PARAMS", "/check/period"),
        ({"period": "3600"}, "INVALID_TYPE", "/check/period"),
        ({"grace": 9}, "INVALID_HEARTBEAT_PARAMS", "/check/grace"),
        ({"max_run_s": 0}, "INVALID_HEARTBEAT_PARAMS", "/check/max_run_s"),
        ({"period": None, "cron": "61 * * * *"}, "INVALID_CRON", "/check/cron"),
        ({"period": None, "cron": "0 0 30 2 *"}, "INVALID_CRON", "/check/cron"),
        ({"period": None, "cron": "0 0 * * *", "timezone": "Mars/Base"}, "INVALID_TIMEZONE", "/check/timezone"),
        ({"url": "https://a.example/"}, "UNKNOWN_FIELD", "/check/url"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(beating: Beating, check: Any, code: str, field: str) -> None:
    reply = await beating.http.post("/api/v1/monitors", json={"name": "Nightly backup", "check": {**CHECK, **check}})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["field"]) == (400, code, field)


async def test_a_cron_heartbeat_is_due_at_the_next_instant_and_the_grace(beating: Beating) -> None:
    monitor_id = await made(beating, period=None, cron="30 * * * *", timezone="Asia/Kolkata")
    await beating.open_.get((await beat(beating, monitor_id))["ping_url"])
    shown = await beat(beating, monitor_id)
    due = datetime.fromisoformat(shown["due_at"])
    assert (due.minute, due.second) == (5, 0)  # half past in Kolkata is on the hour in UTC
    assert timedelta() < due - datetime.fromisoformat(shown["last_ping_at"]) <= timedelta(minutes=65)


async def test_while_paused_pings_are_kept_and_after_it_deadlines_begin_anew(beating: Beating) -> None:
    monitor_id = await made(beating)
    url = (await beat(beating, monitor_id))["ping_url"]
    await beating.open_.get(url)
    await beating.open_.get(f"{url}/start")
    assert (await beating.http.post(f"/api/v1/monitors/{monitor_id}/pause", json={})).status_code == 200
    assert (await beating.open_.get(f"{url}/fail")).status_code == 200
    paused = await beat(beating, monitor_id)
    assert (paused["pings"], paused["due_at"]) == (3, None)
    assert await state(beating, monitor_id) == ("paused", "unknown")

    resumed = await beating.http.post(f"/api/v1/monitors/{monitor_id}/resume", json={})
    assert resumed.status_code == 200, resumed.text
    anew = await beat(beating, monitor_id)
    waits = datetime.fromisoformat(anew["due_at"]) - datetime.fromisoformat(anew["last_ping_at"])
    assert waits > timedelta(seconds=3900)
    assert await state(beating, monitor_id) == ("unknown", "unknown")
    await beating.open_.get(url)
    assert await state(beating, monitor_id) == ("up", "up")


async def test_another_period_counts_from_the_change_and_the_verdict_stays(beating: Beating) -> None:
    monitor_id = await made(beating)
    await beating.open_.get((await beat(beating, monitor_id))["ping_url"])
    changed = await beating.http.patch(f"/api/v1/monitors/{monitor_id}", json={"check": {"period": 60, "grace": 60}})
    assert changed.status_code == 200, changed.text
    shown = await beat(beating, monitor_id)
    waits = datetime.fromisoformat(shown["due_at"]) - datetime.fromisoformat(shown["last_ping_at"])
    assert timedelta(seconds=120) <= waits < timedelta(seconds=180)
    assert await state(beating, monitor_id) == ("up", "up")
    to_cron = {"check": {"cron": "0 * * * *", "period": None}}
    assert (await beating.http.patch(f"/api/v1/monitors/{monitor_id}", json=to_cron)).status_code == 200


async def test_a_copy_has_a_url_of_its_own(beating: Beating) -> None:
    monitor_id = await made(beating)
    copy = await beating.http.post(f"/api/v1/monitors/{monitor_id}/clone", json={})
    assert copy.status_code == 201, copy.text
    one, other = await beat(beating, monitor_id), await beat(beating, copy.json()["id"])
    assert one["ping_url"] != other["ping_url"]
    assert copy.json()["warnings"] == []


async def test_a_failing_ping_opens_an_incident_that_a_good_one_resolves(beating: Beating) -> None:
    monitor_id = await made(beating)
    url = (await beat(beating, monitor_id))["ping_url"]
    await beating.open_.get(f"{url}/2")
    [incident] = (await beating.http.get("/api/v1/incidents?state=triggered")).json()["items"]
    assert "exit code 2" in incident["cause"]
    await beating.open_.get(f"{url}/0")
    assert (await beating.http.get("/api/v1/incidents?state=triggered")).json()["items"] == []
