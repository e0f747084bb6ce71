"""Routes in the dashboard: the list, the form, and who would hear."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from tests.support.dashboard import Desk, post

HERE = "/app/routes"
NEW = f"{HERE}/new"


async def a_channel(desk: Desk, name: str = "Pager", *, enabled: bool = True) -> str:
    config = {"type": "pagerduty", "routing_key": "a" * 32}
    async with desk.served.tenant() as api:
        reply = await api.post("/api/v1/channels", json={"name": name, "config": config, "enabled": enabled})
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


async def routes(desk: Desk) -> list[dict[str, Any]]:
    async with desk.served.tenant() as api:
        items: list[dict[str, Any]] = (await api.get("/api/v1/routes")).json()["items"]
    return items


def problem(page: str, name: str) -> str:
    found = re.search(rf'<p class="problem" id="{name}-problem">([^<]+)</p>', page)
    assert found is not None, f"nothing is said of {name}"
    return unescape(found[1])


def heard(page: str) -> list[str]:
    part = page[page.index('class="telling"') :]
    part = part[: part.index("</ul>")]
    lines = re.findall(r"<li>(.*?)</li>", part, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", each)).split()) for each in lines]


async def test_without_a_route_the_list_says_what_one_is_for_and_that_nobody_hears(http: httpx.AsyncClient) -> None:
    page = (await http.get(HERE)).text
    assert "No route yet" in page
    assert "Add one first" in page
    assert '<a href="/app/channels" aria-current="page">Alerting</a>' in page
    asked = (await http.get(f"{HERE}?ask=1&severity=critical")).text
    assert "Nobody. No binding and no route leads anywhere" in asked


async def test_a_route_is_added_changed_and_deleted(desk: Desk, http: httpx.AsyncClient) -> None:
    pager, monitor = await a_channel(desk), str(await desk.monitor(name="Shop"))
    typed = {
        "name": "Critical to the pager",
        "enabled": "yes",
        "channels": [pager],
        "severities": ["critical", "major"],
        "tags": "prod, eu",
        "groups": "Shop\r\nBank, and trust",
        "kinds": ["http"],
        "monitors": [monitor],
    }
    added = await post(http, NEW, page=NEW, do="save", **typed)
    assert added.status_code == 303, added.text
    (made,) = await routes(desk)
    assert (made["name"], made["enabled"], made["channel_ids"], made["events"]) == (typed["name"], True, [pager], None)
    assert made["match"] == {
        "severities": ["major", "critical"],
        "tags": ["prod", "eu"],
        "groups": ["Shop", "Bank, and trust"],
        "kinds": ["http"],
        "monitor_ids": [monitor],
    }
    assert made["write_source"] == "ui"
    page = (await http.get(HERE)).text
    assert "Major or critical incidents of monitors of kind http, tagged prod or eu" in page
    assert "named Shop" in page
    path = f"{HERE}/{made['id']}"
    form = (await http.get(path)).text
    assert 'value="prod, eu"' in form
    assert ">Shop\nBank, and trust</textarea>" in form
    assert f'name="monitors" value="{monitor}" checked' in form
    changed = await post(
        http, path, page=path, do="save", name="All", channels=[pager], events=["incidents", "monitor.flapping"]
    )
    assert changed.status_code == 303, changed.text
    (made,) = await routes(desk)
    assert (made["name"], made["enabled"], made["match"]["tags"]) == ("All", False, [])
    assert set(made["events"]) == {"incident.opened", "incident.updated", "incident.resolved", "monitor.flapping"}
    assert "Not in force" in (await http.get(HERE)).text
    assert (await post(http, f"{path}/delete", page=HERE)).status_code == 303
    assert await routes(desk) == []
    assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": ""}, "name"),
        ({"tags": "-bad-"}, "tags"),
        ({"groups": "x" * 101}, "groups"),
        ({"severities": ["awful"]}, "severities"),
        ({"kinds": ["nonsense"]}, "kinds"),
        ({"monitors": ["01900000-0000-7000-8000-000000000000"]}, "monitors"),
        ({"channels": ["01900000-0000-7000-8000-000000000000"]}, "channels"),
        ({"events": ["check.completed"]}, "events"),
    ],
    ids=["name", "tags", "groups", "severities", "kinds", "monitors", "channels", "events"],
)
async def test_a_refused_route_names_the_field_and_keeps_the_rest(
    *, wrong: dict[str, Any], field: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    pager = await a_channel(desk)
    good = {"name": "Mine", "channels": [pager], "severities": ["minor"], "tags": "prod"}
    reply = await post(http, NEW, page=NEW, do="save", **{**good, **wrong})
    assert reply.status_code == 400, reply.text
    assert problem(reply.text, field)
    kept = {
        "name": 'value="Mine"',
        "channels": f'name="channels" value="{pager}" checked',
        "severities": 'name="severities" value="minor" checked',
        "tags": 'value="prod"',
    }
    assert [name for name, text in kept.items() if name not in wrong and text not in reply.text] == []
    assert await routes(desk) == []


async def test_a_name_that_is_taken_is_said_above(desk: Desk, http: httpx.AsyncClient) -> None:
    pager = await a_channel(desk)
    assert (await post(http, NEW, page=NEW, name="Mine", channels=[pager])).status_code == 303
    again = await post(http, NEW, page=NEW, name="Mine", channels=[pager])
    assert again.status_code == 409
    assert "Mine" in again.text


async def test_the_form_shows_who_would_hear_and_saves_nothing(desk: Desk, http: httpx.AsyncClient) -> None:
    pager, chat = await a_channel(desk), await a_channel(desk, "Chat")
    await post(http, NEW, page=NEW, name="Everything", enabled="yes", channels=[chat])
    shown = await post(http, NEW, page=NEW, do="preview", name="Draft", channels=[pager], severities=["critical"])
    assert shown.status_code == 200
    assert heard(shown.text) == ["Pager by this route", "Chat by the route “Everything”"]
    assert len(await routes(desk)) == 1
    nobody = await post(http, NEW, page=NEW, do="preview", name="Draft", severities=["critical"])
    assert heard(nobody.text) == ["Chat by the route “Everything”"]


async def test_the_list_says_who_would_hear_and_what_withholds_it(desk: Desk, http: httpx.AsyncClient) -> None:
    pager = await a_channel(desk)
    await desk.monitor(name="Shop", alerts=[{"channel_id": pager}])
    async with desk.served.tenant() as api:
        ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await api.post("/api/v1/silences", json={"name": "Upgrade", "ends_at": ends})
    page = (await http.get(f"{HERE}?ask=1&monitor=Shop&severity=critical")).text
    (line,) = heard(page)
    assert line.startswith("Pager PagerDuty, bound to the monitor. Withheld: Silence “Upgrade”, until")
    (by_number,) = heard((await http.get(f"{HERE}?ask=1&monitor=%231")).text)
    assert by_number.startswith("Pager PagerDuty, bound to the monitor")
    unknown = (await http.get(f"{HERE}?ask=1&monitor=Nope&tags=x")).text
    assert "There is no monitor “Nope”" in unescape(unknown)
    assert 'value="Nope"' in unknown


async def test_who_may_only_read_changes_nothing(desk: Desk) -> None:
    pager = await a_channel(desk)
    async with desk.served.tenant() as api:
        made = await api.post("/api/v1/routes", json={"name": "Mine", "channel_ids": [pager]})
        body = {"label": "Reader", "scopes": ["channels:read", "routes:read", "monitors:read"]}
        key = (await api.post("/api/v1/keys", json=body)).json()["key"]
    path = f"{HERE}/{made.json()['id']}"
    async with desk.signed_in(key) as reader:
        page = (await reader.get(HERE)).text
        assert "Delete" not in page
        assert (await reader.get(path)).status_code == 403
        assert (await post(reader, f"{path}/delete", page="/app/sessions")).status_code == 403
    assert len(await routes(desk)) == 1
