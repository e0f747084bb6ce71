"""The incident's page: what its forms do, without any script."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from tests.support.dashboard import Desk, post


async def an_incident(desk: Desk) -> tuple[str, str]:
    """The path of an open incident's page, and its id."""
    monitor_id = await desk.monitor()
    await desk.all_up(monitor_id)
    await desk.down(monitor_id, "eu", "us")
    async with desk.served.tenant() as api:
        incident_id = (await api.get("/api/v1/incidents")).json()["items"][0]["id"]
    return f"/app/incidents/{incident_id}", incident_id


async def read(desk: Desk, incident_id: str) -> dict[str, Any]:
    async with desk.served.tenant() as api:
        shown: dict[str, Any] = (await api.get(f"/api/v1/incidents/{incident_id}")).json()
    return shown


def forms(page: str) -> set[str]:
    return {action.rpartition("/")[2] for action in re.findall(r'action="/app/incidents/[^/]+(/\w+)"', page)}


async def test_an_incident_is_resolved_and_reopened_from_its_page(desk: Desk, http: httpx.AsyncClient) -> None:
    path, incident_id = await an_incident(desk)
    assert forms((await http.get(path)).text) == {"acknowledge", "resolve", "notes", "updates", "narration"}
    assert (await post(http, f"{path}/resolve", page=path)).headers["Location"] == path
    assert (await read(desk, incident_id))["resolution"] == "person"
    page = (await http.get(path)).text
    assert forms(page) == {"reopen", "notes", "updates", "narration"}
    assert "<strong>Resolved</strong> by First key" in page
    again = await post(http, f"{path}/resolve", page=path)
    assert again.status_code == 409
    assert "The incident is resolved" in again.text
    assert (await post(http, f"{path}/reopen", page=path)).status_code == 303
    assert (await read(desk, incident_id))["state"] == "triggered"
    assert "<strong>Reopened</strong> by First key" in (await http.get(path)).text


async def test_the_public_is_told_from_the_page(desk: Desk, http: httpx.AsyncClient) -> None:
    path, incident_id = await an_incident(desk)
    page = (await http.get(path)).text
    phases = page[page.index('id="phase"') : page.index("</select>")]
    assert re.findall(r'<option value="(\w+)"( selected)?', phases) == [
        ("investigating", " selected"), ("identified", ""), ("monitoring", ""),
    ]  # fmt: skip
    reply = await post(http, f"{path}/updates", page=path, public_text="A bad deploy\r\nof ours", phase="identified")
    assert reply.status_code == 303
    shown = await read(desk, incident_id)
    assert (shown["phase"], shown["timeline"][-1]["text"]) == ("identified", "A bad deploy\nof ours")
    page = (await http.get(path)).text
    assert "Identified: A bad deploy\nof ours" in page
    assert "public phase: identified" in page
    assert '<option value="identified" selected>' in page


@pytest.mark.parametrize(
    ("text", "phase", "status", "said"),
    [
        ("", "identified", 400, "Write something first"),
        ("x" * 2001, "identified", 400, "Write something first"),
        ("Over", "resolved", 409, "resolve it"),
        ("Over", "nonsense", 400, "must be one of"),
    ],
)
async def test_a_refused_update_says_why_and_keeps_what_was_typed(
    *, text: str, phase: str, status: int, said: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    path, incident_id = await an_incident(desk)
    reply = await post(http, f"{path}/updates", page=path, public_text=text, phase=phase)
    assert reply.status_code == status
    assert said in reply.text
    assert f">{text}</textarea>" in reply.text
    assert (await read(desk, incident_id))["phase"] == "investigating"


async def test_a_declared_incident_names_its_monitors_and_shows_no_proof(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor(name="Shop")
    body = {"title": "<b>Cards</b> fail", "severity": "critical", "monitor_ids": [str(monitor_id)]}
    async with desk.served.tenant() as api:
        made = (await api.post("/api/v1/incidents", json=body)).json()
    page = (await http.get(f"/app/incidents/{made['id']}")).text
    assert "&lt;b&gt;Cards&lt;/b&gt; fail" in page
    assert "<b>Cards" not in page
    assert "· critical ·" in page
    assert f'<a href="/app/monitors/{monitor_id}">Shop</a>' in page
    assert "Declared by First key" in page
    assert "The proof" not in page
    assert "&lt;b&gt;Cards" in (await http.get("/app")).text


async def test_a_form_without_the_sessions_token_changes_nothing(desk: Desk, http: httpx.AsyncClient) -> None:
    path, incident_id = await an_incident(desk)
    for verb in ("resolve", "reopen", "updates"):
        reply = await http.post(f"{path}/{verb}", data={"form_token": "0" * 64, "public_text": "x"})
        assert reply.status_code == 403
    assert (await read(desk, incident_id))["state"] == "triggered"
