"""The forms: what they change, and what they say when they do not."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.dashboard import Desk, entered, post

GOOD: dict[str, Any] = {
    "kind": "http",
    "check-url": "http://127.0.0.1:8080/health",
    "name": "Shop",
    "interval": "30",
    "regions": ["eu", "us"],
}


async def made_by(desk: Desk, reply: httpx.Response) -> dict[str, Any]:
    """The monitor that a form has made, as the API shows it."""
    assert reply.status_code == 303, problems(reply)
    path = re.match(r"/app/monitors/([0-9a-f-]{36})", reply.headers["Location"])
    assert path is not None
    async with desk.served.tenant() as api:
        found: dict[str, Any] = (await api.get(f"/api/v1/monitors/{path[1]}")).json()
    return found


def problems(reply: httpx.Response) -> dict[str, str]:
    """What stands beside which field."""
    return dict(re.findall(r'<p class="problem" id="([\w-]+)-problem">([^<]+)</p>', reply.text))


async def test_a_monitor_is_added_by_the_form_as_by_the_api(desk: Desk, http: httpx.AsyncClient) -> None:
    await desk.monitor("First")
    reply = await post(http, "/app/monitors", page="/app/monitors/new", **GOOD)
    assert re.fullmatch(r"/app/monitors/[0-9a-f-]{36}\?said=created", reply.headers["Location"])
    assert "The monitor was added" in (await http.get(reply.headers["Location"])).text
    made = await made_by(desk, reply)
    assert (made["name"], made["interval"], made["regions"]) == ("Shop", 30, ["eu", "us"])
    assert made["check"]["url"] == GOOD["check-url"]
    assert made["write_source"] == "ui"


async def test_the_very_first_monitor_leads_to_the_first_steps(desk: Desk, http: httpx.AsyncClient) -> None:
    reply = await post(http, "/app/monitors", page="/app/monitors/new", **GOOD)
    assert re.fullmatch(r"/app/monitors/[0-9a-f-]{36}/first", reply.headers["Location"])
    page = (await http.get(reply.headers["Location"])).text
    assert "The first check is on its way" in page
    assert "Nobody is told yet" in page
    assert 'href="/app/channels/new"' in page
    monitor_id = UUID((await made_by(desk, reply))["id"])
    await desk.report(monitor_id, "eu", "up")
    fragment = (await http.get(f"{reply.headers['Location']}?fragment=1")).text
    assert "The first check is in" in fragment
    for phase in ("DNS", "Connect", "TLS", "First byte", "Download"):
        assert f'<th scope="row">{phase}</th>' in fragment
    assert "us has not reported yet" in fragment
    assert "<html" not in fragment
    assert "What you can do next" in page
    assert "You are set up" in (await http.get("/app/started")).text


@pytest.mark.parametrize(
    ("text", "target", "told"),
    [
        ("http://127.0.0.1:8080/health", "http://127.0.0.1:8080/health", "New HTTP monitor"),
        ("127.0.0.1:5432", "127.0.0.1", "New TCP port monitor"),
        ("dns://example.com?type=MX", "example.com", "New DNS monitor"),
        ("ping 127.0.0.1", "127.0.0.1", "New Ping monitor"),
        ("tls://127.0.0.1:8443", "127.0.0.1", "New Certificate monitor"),
        ("domain://example.com", "example.com", "New Domain monitor"),
        ("*/5 * * * * /usr/local/bin/backup.sh", "*/5 * * * *", "New Heartbeat monitor"),
    ],
)
async def test_what_is_pasted_fills_in_a_form_that_can_be_sent_as_it_is(
    text: str, target: str, told: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    page = await post(http, "/app/monitors/new", page="/app/monitors/new", paste=text)
    assert page.status_code == 200
    assert told in page.text
    assert f'value="{target}"' in page.text
    made = await made_by(desk, await http.post("/app/monitors", data=entered(page.text)))
    assert made["name"]
    assert made["write_source"] == "ui"


async def test_a_bare_domain_may_be_read_otherwise(http: httpx.AsyncClient) -> None:
    page = await post(http, "/app/monitors/new", page="/app/monitors/new", paste="example.com")
    assert "New HTTP monitor" in page.text
    for kind in ("tls_cert", "dns", "domain_expiry", "ping"):
        assert f'name="as" value="{kind}"' in page.text
    other = await post(http, "/app/monitors/new", page="/app/monitors/new", paste="example.com", **{"as": "dns"})
    assert "New DNS monitor" in other.text


async def test_a_curl_command_brings_its_request_and_its_secrets_stay_out_of_sight(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    line = "curl -X POST -H 'X-Trace: 1' -u ana:hunter2 -d '{\"a\":1}' https://api.example.com/v1"
    page = await post(http, "/app/monitors/new", page="/app/monitors/new", paste=line)
    made = await made_by(desk, await http.post("/app/monitors", data=entered(page.text)))
    assert made["check"]["method"] == "POST"
    assert made["check"]["body"] == '{"a":1}'
    assert made["check"]["headers"]["X-Trace"] == "1"
    assert made["check"]["basic_auth"] == ["ana", "***"]
    shown = (await http.get(f"/app/monitors/{made['id']}/edit")).text
    assert "hunter2" not in shown
    assert 'value="***"' in shown


@pytest.mark.parametrize("text", ["", "hello world", "curl -u ana:hunter2", "ftp://", "\x00", "x" * 60_001])
async def test_what_says_nothing_is_kept_and_explained(text: str, http: httpx.AsyncClient) -> None:
    page = await post(http, "/app/monitors/new", page="/app/monitors/new", paste=text)
    assert page.status_code == 400
    problem = re.search(r'id="paste-problem" role="alert">([^<]+)<', page.text)
    assert problem is not None
    assert "hunter2" not in problem[1]


async def test_the_form_refuses_what_is_too_often_for_the_kind(http: httpx.AsyncClient) -> None:
    often = {"kind": "domain_expiry", "check-domain": "example.com", "name": "Ours", "interval": "1 min"}
    reply = await post(http, "/app/monitors", regions=["eu"], **often)
    assert reply.status_code == 422
    assert "at least 3600 seconds" in problems(reply)["interval"]


@pytest.mark.parametrize(
    ("field", "wrong", "said"),
    [
        ("name", "", "missing"),
        ("name", "x" * 101, "100"),
        ("check-url", "", "missing"),
        ("check-url", "example.com", "url"),
        ("check-url", "ftp://example.com/", "http"),
        ("check-url", 'http://"><script>alert(1)</script>/', "label"),
        ("check-timeout", "a while", "a time such as"),
        ("check-timeout", "2 h", "60000"),
        ("check-expected-status", "yes", "status"),
        ("check-expected-status", "200-100", "status"),
        ("check-body-regex", "(?=x)", "RE2"),
        ("check-max-redirects", "1.5", "whole number"),
        ("interval", "5", "at least 10 seconds"),
        ("interval", "soon", "a time such as"),
        ("interval", "999999999", "604800"),
        ("regions", [], "regions"),
        ("regions", ["moon"], "there is no region"),
        ("confirmations", "0", "from 1"),
        ("confirmations", "\u0663", "whole number"),
        ("alerts", ["moon"], "channel"),
        ("sla", "much", "per cent"),
        ("sla", "nan", "per cent"),
        ("sla", "12", "50"),
        ("tags", "a" * 65, "64"),
        ("key", "no blanks", "letters"),
        ("severity", "dreadful", "one of"),
        ("depends-on", ["moon"], "no monitor"),
        ("renotify-interval-secs", "5 s", "60"),
        ("max-repeats", "-1", "from"),
        ("notes", "x" * 10_001, "10000"),
    ],
)
async def test_a_refused_field_says_why_and_keeps_what_was_typed(
    field: str, wrong: Any, said: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    reply = await post(http, "/app/monitors", page="/app/monitors/new", **{**GOOD, field: wrong})
    assert reply.status_code in (400, 422)
    assert said.lower() in problems(reply)[field].lower(), problems(reply)
    described = re.search(f'id="{field}"[^>]*aria-describedby="([^"]+)"', reply.text)
    assert described is not None
    assert f"{field}-problem" in described[1].split()
    for name, typed in {"name": "Shop", "check-url": GOOD["check-url"]}.items():
        if name != field:
            assert f'value="{typed}"' in reply.text
    assert len(re.findall(r"\sautofocus", reply.text)) == 1, "the first wrong field has the focus"
    assert "<script>alert" not in reply.text
    async with desk.served.tenant() as api:
        assert (await api.get("/api/v1/monitors")).json()["total"] == 0


async def test_all_refused_fields_are_told_at_once(http: httpx.AsyncClient) -> None:
    wrong: dict[str, Any] = {"check-url": "nonsense", "name": "", "interval": "1", "regions": []}
    reply = await post(http, "/app/monitors", kind="http", **wrong)
    assert set(problems(reply)) == set(wrong)
    for field in wrong:
        assert f'href="#{field}"' in reply.text, "the summary leads to each"


@pytest.mark.parametrize("kind", ["", "moon", "<script>"])
async def test_a_form_of_no_kind_asks_what_to_watch(kind: str, http: httpx.AsyncClient) -> None:
    reply = await post(http, "/app/monitors", **{**GOOD, "kind": kind})
    assert reply.status_code == 400
    assert "Choose what to watch first" in reply.text


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"%ff=%ff", 400), ("ü".encode(), 400), (b"&".join([b"a=1"] * 600), 400), (b"x" * 300_000, 413)],
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
