"""Silences in the dashboard: a new one in two taps, its end in one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from tests.support.dashboard import Desk, post

HERE = "/app/silences"
NEW = f"{HERE}/new"


async def silences(desk: Desk) -> list[dict[str, Any]]:
    async with desk.served.tenant() as api:
        items: list[dict[str, Any]] = (await api.get("/api/v1/silences")).json()["items"]
    return items


def problem(page: str, name: str) -> str:
    found = re.search(rf'<p class="problem" id="{name}-problem">([^<]+)</p>', page)
    assert found is not None, f"nothing is said of {name}"
    return unescape(found[1])


def lasts(silence: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(silence["ends_at"]) - datetime.fromisoformat(silence["starts_at"])


async def test_nothing_muted_says_what_a_silence_is_for(http: httpx.AsyncClient) -> None:
    page = (await http.get(HERE)).text
    assert "Nothing is muted" in page
    assert '<a href="/app/channels" aria-current="page">Alerting</a>' in page
    form = (await http.get(NEW)).text
    assert '<input type="radio" name="lasts" value="1h" checked>' in form


async def test_a_silence_of_two_hours_holds_at_once_and_ends_at_a_tap(desk: Desk, http: httpx.AsyncClient) -> None:
    made = await post(http, NEW, page=NEW, name="Upgrade", lasts="2h", tags="db", reason="Replicas are moved")
    assert made.status_code == 303, made.text
    (silence,) = await silences(desk)
    assert (silence["name"], silence["state"], silence["match"]["tags"]) == ("Upgrade", "active", ["db"])
    assert (silence["write_source"], silence["created_by"]) == ("ui", "First key")
    assert abs(lasts(silence) - timedelta(hours=2)) < timedelta(minutes=1)
    page = (await http.get(HERE)).text
    assert "Every incident of monitors tagged db" in page
    assert "Replicas are moved" in page
    path = f"{HERE}/{silence['id']}/end"
    assert (await post(http, path, page=HERE)).status_code == 303
    (silence,) = await silences(desk)
    assert silence["state"] == "expired"
    over = await post(http, path, page=NEW)
    assert over.status_code == 409
    assert "is over and stays as it was" in over.text


async def test_one_that_is_to_come_can_be_called_off(desk: Desk, http: httpx.AsyncClient) -> None:
    start = datetime.now(UTC) + timedelta(days=2)
    given = {"starts_at": f"{start:%Y-%m-%dT%H:%M}", "ends_at": f"{start + timedelta(hours=3):%Y-%m-%dT%H:%M}"}
    assert (await post(http, NEW, page=NEW, name="Move", lasts="1h", **given)).status_code == 303
    (silence,) = await silences(desk)
    assert (silence["state"], lasts(silence)) == ("pending", timedelta(hours=3))
    assert "Never mind" in (await http.get(HERE)).text
    assert (await post(http, f"{HERE}/{silence['id']}/end", page=HERE)).status_code == 303
    assert [each["state"] for each in await silences(desk)] == ["expired"]


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"name": ""}, "name", "1 to 100"),
        ({"ends_at": "tomorrow"}, "ends_at", "RFC 3339"),
        ({"ends_at": "2020-01-01T00:00"}, "ends_at", "past"),
        ({"ends_at": "2190-01-01T00:00"}, "ends_at", "90 days"),
        ({"starts_at": "x"}, "starts_at", "RFC 3339"),
        ({"reason": "x" * 1001}, "reason", "1001 characters"),
        ({"tags": "-bad-"}, "tags", "tag"),
        ({"severities": ["awful"]}, "severities", "one of"),
        ({"channels": ["01900000-0000-7000-8000-000000000000"]}, "channels", "no channel"),
    ],
    ids=["name", "words", "past", "long", "start", "reason", "tags", "severity", "channel"],
)
async def test_a_refused_silence_names_the_field_and_keeps_the_rest(
    *, wrong: dict[str, Any], field: str, said: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    good = {"name": "Upgrade", "lasts": "8h", "severities": ["minor"], "tags": "db"}
    reply = await post(http, NEW, page=NEW, **{**good, **wrong})
    assert reply.status_code == 400, reply.text
    assert said in problem(reply.text, field)
    assert '<input type="radio" name="lasts" value="8h" checked>' in reply.text
    kept = {"name": 'value="Upgrade"', "tags": 'value="db"', "severities": 'value="minor" checked'}
    assert [name for name, text in kept.items() if name not in wrong and text not in reply.text] == []
    assert await silences(desk) == []


async def test_a_silence_of_what_there_is_not_is_refused(desk: Desk, http: httpx.AsyncClient) -> None:
    reply = await post(http, f"{HERE}/01900000-0000-7000-8000-000000000000/end", page=NEW)
    assert reply.status_code == 404
    assert await silences(desk) == []


async def test_who_may_only_read_ends_none(desk: Desk) -> None:
    async with desk.served.tenant() as api:
        ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        made = (await api.post("/api/v1/silences", json={"name": "Upgrade", "ends_at": ends})).json()
        body = {"label": "Reader", "scopes": ["channels:read", "silences:read"]}
        key = (await api.post("/api/v1/keys", json=body)).json()["key"]
    async with desk.signed_in(key) as reader:
        assert "End now" not in (await reader.get(HERE)).text
        assert (await reader.get(NEW)).status_code == 403
        assert (await post(reader, f"{HERE}/{made['id']}/end", page="/app/sessions")).status_code == 403
    assert (await silences(desk))[0]["state"] == "active"


async def test_a_silence_is_changed_and_what_is_left_alone_stays(desk: Desk, http: httpx.AsyncClient) -> None:
    await post(http, NEW, page=NEW, name="Upgrade", lasts="2h", tags="db", reason="Replicas are moved")
    (before,) = await silences(desk)
    here = f"{HERE}/{before['id']}"
    assert f'href="{here}"' in (await http.get(HERE)).text
    page = (await http.get(here)).text
    assert "Change Upgrade" in page
    times = dict(re.findall(r'name="(starts_at|ends_at)" type="datetime-local" value="([^"]+)"', page))
    renamed = await post(http, here, page=here, name="Longer upgrade", tags="db, cache", lasts="", reason="", **times)
    assert renamed.headers["Location"] == f"{HERE}?said=changed"
    (after,) = await silences(desk)
    assert (after["name"], after["reason"], after["match"]["tags"]) == ("Longer upgrade", "", ["db", "cache"])
    assert (after["starts_at"], after["ends_at"]) == (before["starts_at"], before["ends_at"]), "to the second"
    await post(http, here, page=here, name="Longer upgrade", lasts="1d", **times)
    (after,) = await silences(desk)
    assert abs(datetime.fromisoformat(after["ends_at"]) - datetime.now(UTC) - timedelta(days=1)) < timedelta(minutes=1)
    assert after["starts_at"] == before["starts_at"]
    refused = await post(http, here, page=here, name="", lasts="", ends_at="2190-01-01T00:00", severities=["minor"])
    assert refused.status_code == 400
    assert "1 to 100" in problem(refused.text, "name")
    assert 'value="minor" checked' in refused.text
    assert (await silences(desk))[0]["name"] == "Longer upgrade"


async def test_one_that_is_over_is_made_again_and_not_changed(desk: Desk, http: httpx.AsyncClient) -> None:
    await post(http, NEW, page=NEW, name="Upgrade", lasts="2h", tags="db")
    (silence,) = await silences(desk)
    here = f"{HERE}/{silence['id']}"
    await post(http, f"{here}/end", page=HERE)
    again = await http.get(here, follow_redirects=True)
    assert str(again.url).endswith(f"{NEW}?like={silence['id']}")
    assert 'value="Upgrade"' in again.text
    assert 'value="db"' in again.text
    assert f"{NEW}?like={silence['id']}" in (await http.get(HERE)).text
    late = await post(http, here, page=NEW, name="Upgrade", lasts="1h")
    assert late.status_code == 409
    assert (await http.get(f"{NEW}?like=nothing")).status_code == 200
    assert (await http.get(f"{HERE}/01900000-0000-7000-8000-000000000000")).status_code == 404
