"""The forms: what they change, and what they say when they do not."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.support.dashboard import Desk, post

GOOD: dict[str, Any] = {
    "url": "http://127.0.0.1:8080/health",
    "name": "Shop",
    "interval": "30",
    "regions": ["eu", "us"],
}


async def test_a_monitor_is_added_by_the_form_as_by_the_api(desk: Desk, http: httpx.AsyncClient) -> None:
    reply = await post(http, "/app/monitors", page="/app/monitors/new", **GOOD)
    assert reply.status_code == 303
    path = re.fullmatch(r"/app/monitors/([0-9a-f-]{36})\?said=created", reply.headers["Location"])
    assert path is not None
    assert "The monitor was added" in (await http.get(reply.headers["Location"])).text
    async with desk.served.tenant() as api:
        made = (await api.get(f"/api/v1/monitors/{path[1]}")).json()
    assert (made["name"], made["interval"], made["regions"]) == ("Shop", 30, ["eu", "us"])
    assert made["check"]["url"] == GOOD["url"]
    assert made["write_source"] == "ui"


@pytest.mark.parametrize(
    ("text", "target", "interval", "told"),
    [
        ("tcp://127.0.0.1:5432", "tcp 127.0.0.1:5432", 60, "a connection within 10 s"),
        ("dns://example.com?type=MX", "dns MX example.com", 60, "for the MX records of example.com"),
        ("ping://127.0.0.1", "ping 127.0.0.1", 60, "3 echo requests within 10 s"),
        ("tls://127.0.0.1:8443", "certificate 127.0.0.1:8443", 86_400, "from 14 days before it expires"),
        ("domain://example.com", "domain example.com", 86_400, "from 30 days before it expires"),
    ],
)
async def test_the_form_takes_any_check_as_a_text_and_its_usual_interval(
    *, text: str, target: str, interval: int, told: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    blank = await http.get("/app/monitors/new")
    assert '<option value="" selected>1 min, certificates and domains 1 d</option>' in blank.text
    reply = await post(http, "/app/monitors", **{**GOOD, "url": text, "interval": ""})
    assert reply.status_code == 303, reply.text
    page = (await http.get(reply.headers["Location"])).text
    assert f'<p class="target">{target}</p>' in page
    assert told in page
    assert target in (await http.get("/app")).text
    async with desk.served.tenant() as api:
        (made,) = (await api.get("/api/v1/monitors")).json()["items"]
    assert made["interval"] == interval


async def test_the_form_refuses_what_is_too_often_for_the_kind(http: httpx.AsyncClient) -> None:
    reply = await post(http, "/app/monitors", **{**GOOD, "url": "domain://example.com", "interval": "60"})
    assert reply.status_code == 422
    problem = re.search('<p class="problem" id="interval-problem">([^<]+)</p>', reply.text)
    assert problem is not None
    assert "at least 3600 seconds" in problem[1]


@pytest.mark.parametrize(
    ("field", "wrong", "said"),
    [
        ("name", "", "name"),
        ("name", "x" * 101, "100"),
        ("url", "", "url-problem"),
        ("url", "example.com", "url-problem"),
        ("url", "ftp://example.com/", "url-problem"),
        ("url", 'http://"><script>alert(1)</script>/', "url-problem"),
        ("interval", "5", "at least 10 seconds"),
        ("interval", "soon", "interval-problem"),
        ("interval", "999999999", "interval-problem"),
        ("regions", [], "regions-problem"),
        ("regions", ["moon"], "there is no region"),
    ],
)
async def test_a_refused_field_says_why_and_keeps_what_was_typed(
    field: str, wrong: Any, said: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    reply = await post(http, "/app/monitors", page="/app/monitors/new", **{**GOOD, field: wrong})
    assert reply.status_code in (400, 422)
    problem = re.search(f'<p class="problem" id="{field}-problem">([^<]+)</p>', reply.text)
    assert problem is not None
    assert said.lower() in problem[0].lower()
    assert f'aria-describedby="{field}-problem"' in reply.text
    for name, typed in {"name": "Shop", "url": GOOD["url"]}.items():
        if name != field:
            assert f'value="{typed}"' in reply.text
    assert "<script>alert" not in reply.text
    async with desk.served.tenant() as api:
        assert (await api.get("/api/v1/monitors")).json()["total"] == 0


async def test_all_refused_fields_are_told_at_once(http: httpx.AsyncClient) -> None:
    reply = await post(http, "/app/monitors", url="nonsense", name="", interval="1", regions=[])
    assert set(re.findall(r'id="(\w+)-problem"', reply.text)) == {"url", "name", "interval", "regions"}


async def test_an_interval_that_is_not_offered_stays_chosen(http: httpx.AsyncClient) -> None:
    reply = await post(http, "/app/monitors", **{**GOOD, "interval": "7"})
    assert '<option value="7" selected>7 s</option>' in reply.text


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"%ff=%ff", 400), ("ü".encode(), 400), (b"&".join([b"a=1"] * 600), 400), (b"x" * 100_000, 413)],
)
async def test_a_form_that_cannot_be_read_changes_nothing(body: bytes, status: int, http: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await http.post("/app/monitors", content=body, headers=headers)).status_code == status


async def test_a_form_is_a_form(http: httpx.AsyncClient) -> None:
    assert (await http.post("/app/monitors", json={"name": "x"})).status_code == 415


async def test_a_monitor_is_paused_resumed_and_deleted(desk: Desk, http: httpx.AsyncClient) -> None:
    path = f"/app/monitors/{await desk.monitor('Shop')}"
    assert (await post(http, f"{path}/pause")).headers["Location"] == f"{path}?said=paused"
    paused = (await http.get(path)).text
    assert "Paused: nothing checks it" in paused
    assert f'action="{path}/resume"' in paused
    assert (await post(http, f"{path}/resume")).headers["Location"] == f"{path}?said=resumed"
    assert f'action="{path}/pause"' in (await http.get(path)).text
    assert "Delete “Shop”?" in (await http.get(f"{path}/delete")).text
    assert (await http.get(path)).status_code == 200, "asking deletes nothing"
    assert (await post(http, f"{path}/delete")).headers["Location"] == "/app?said=deleted"
    assert (await http.get(path)).status_code == 404


async def test_check_now_asks_every_region_once_in_ten_seconds(desk: Desk, http: httpx.AsyncClient) -> None:
    path = f"/app/monitors/{await desk.monitor()}"
    assert (await post(http, f"{path}/check-now")).headers["Location"] == f"{path}?said=checking"
    async with desk.database.app() as conn:
        assert await conn.fetchval("SELECT count(*) FROM dispatches WHERE kind = 'check_now'") == 3
    again = await post(http, f"{path}/check-now")
    assert again.status_code == 429
    assert "less than 10 s ago" in again.text
    await post(http, f"{path}/pause")
    assert (await post(http, f"{path}/check-now")).status_code == 409


async def test_an_incident_is_acknowledged_and_annotated_by_the_keys_name(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor()
    await desk.all_up(monitor_id)
    await desk.down(monitor_id, "eu", "us")
    async with desk.served.tenant() as api:
        incident_id = (await api.get("/api/v1/incidents")).json()["items"][0]["id"]
    path = f"/app/incidents/{incident_id}"
    assert (await post(http, f"{path}/acknowledge")).headers["Location"] == path
    page = (await http.get(path)).text
    assert "Acknowledged by First key" in page
    assert f'action="{path}/acknowledge"' not in page
    assert (await post(http, f"{path}/notes", text="Rolling back\nnow")).status_code == 303
    assert "Rolling back\nnow" in (await http.get(path)).text
    for empty in ("", "   ", "x" * 10_001):
        reply = await post(http, f"{path}/notes", text=empty)
        assert reply.status_code == 400
        assert "Write something first" in reply.text
    await desk.recover(monitor_id, "eu", "us")
    assert (await post(http, f"{path}/acknowledge")).status_code == 409


async def test_a_message_that_was_not_written_here_is_not_shown(http: httpx.AsyncClient) -> None:
    assert "fired" not in (await http.get("/app?said=You+are+fired")).text
