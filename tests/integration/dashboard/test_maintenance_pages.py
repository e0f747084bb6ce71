"""Maintenance in the dashboard: the month, the list, and the form with the next times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from tests.support.dashboard import Desk, post

HERE = "/app/maintenance"
NEW = f"{HERE}/new"


async def windows(desk: Desk) -> list[dict[str, Any]]:
    async with desk.served.tenant() as api:
        items: list[dict[str, Any]] = (await api.get("/api/v1/maintenance")).json()["items"]
    return items


def problem(page: str, name: str) -> str:
    found = re.search(rf'<p class="problem" id="{name}-problem">([^<]+)</p>', page)
    assert found is not None, f"nothing is said of {name}"
    return unescape(found[1])


def times(page: str) -> list[str]:
    part = page[page.index('id="preview"') :]
    return [unescape(each) for each in re.findall(r"<li>([^<]+)</li>", part[: part.index("</div>")])]


def wall(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M}"


ONCE = {"title": "Move", "covers": "all", "repeat": "once", "timezone": "Europe/Berlin", "public": "yes"}
NEXT_YEAR = datetime.now(UTC).year + 1


async def test_nothing_planned_says_what_it_is_for_and_shows_the_month(http: httpx.AsyncClient) -> None:
    page = (await http.get(HERE)).text
    assert "Nothing is planned" in page
    assert f"{datetime.now(UTC):%B %Y}" in page
    assert '<a href="/app/maintenance" aria-current="page">Maintenance</a>' in page
    assert 'aria-current="date"' in page
    assert "January 2031" in (await http.get(f"{HERE}?month=2031-01")).text
    for odd in ("2031-13", "x", "9999-01", "2031-1", "٢٠٣١-٠١"):
        reply = await http.get(HERE, params={"month": odd})
        assert f"{datetime.now(UTC):%B %Y}" in reply.text


async def test_a_single_window_is_planned_by_the_clocks_of_its_zone(desk: Desk, http: httpx.AsyncClient) -> None:
    starts = datetime(NEXT_YEAR, 1, 12, 22, tzinfo=UTC)
    typed = {**ONCE, "starts_at": f"{NEXT_YEAR}-01-12T23:00", "ends_at": f"{NEXT_YEAR}-01-13T01:30"}
    reply = await post(http, NEW, page=NEW, do="save", **typed)
    assert reply.status_code == 303, reply.text
    (made,) = await windows(desk)
    assert datetime.fromisoformat(made["starts_at"]) == starts
    assert datetime.fromisoformat(made["ends_at"]) == starts + timedelta(hours=2, minutes=30)
    assert (made["all"], made["public"], made["timezone"], made["write_source"]) == (True, True, "Europe/Berlin", "ui")
    month = (await http.get(f"{HERE}?month={NEXT_YEAR}-01")).text
    assert month.count(f'<a href="{HERE}/{made["id"]}">Move</a>') == 2
    assert "22:00 to …" in month
    assert "… to 00:30" in month
    path = f"{HERE}/{made['id']}"
    form = (await http.get(path)).text
    assert f'value="{NEXT_YEAR}-01-12T23:00"' in form
    changed = await post(
        http, path, page=path, do="save", **{**typed, "title": "Moved", "covers": "some", "tags": "db"}
    )
    assert changed.status_code == 303, changed.text
    (made,) = await windows(desk)
    assert (made["title"], made["all"], made["tags"]) == ("Moved", False, ["db"])
    assert (await post(http, f"{path}/delete", page=HERE)).status_code == 303
    assert await windows(desk) == []


async def test_the_next_five_times_are_shown_before_anything_is_saved(desk: Desk, http: httpx.AsyncClient) -> None:
    cron = {"title": "Weekly", "covers": "all", "repeat": "cron", "timezone": "Europe/Berlin", "cron": "0 2 * * SUN"}
    shown = await post(http, NEW, page=NEW, do="preview", **cron, minutes="120")
    assert shown.status_code == 200, shown.text
    found = times(shown.text)
    assert len(found) == 5
    assert all(re.fullmatch(r"Sun \d+ \w+ \d{4}, 0[23]:00 to 0[45]:00 CES?T", each) for each in found)
    assert await windows(desk) == []
    rule = {
        "title": "Monthly",
        "covers": "all",
        "repeat": "rrule",
        "timezone": "UTC",
        "rrule": "FREQ=MONTHLY;BYDAY=1SU",
    }
    shown = await post(http, NEW, page=NEW, do="preview", **rule, minutes="30", starts_at=f"{NEXT_YEAR}-01-01T04:00")
    assert len(times(shown.text)) == 5
    assert all("04:00 to 04:30 UTC" in each for each in times(shown.text))
    bad = await post(http, NEW, page=NEW, do="preview", **{**cron, "cron": "61 * * * *"}, minutes="120")
    assert bad.status_code == 400
    assert problem(bad.text, "cron")


async def test_a_recurring_window_is_planned_for_monitors_and_becomes_a_single_one(
    desk: Desk, http: httpx.AsyncClient
) -> None:
    monitor = str(await desk.monitor(name="Shop"))
    typed = {"title": "Nightly", "covers": "some", "monitors": [monitor], "repeat": "cron", "cron": "0 2 * * *"}
    reply = await post(http, NEW, page=NEW, do="save", **typed, minutes="1.5", timezone="UTC")
    assert reply.status_code == 303, reply.text
    (made,) = await windows(desk)
    assert (made["cron"], made["duration"], made["monitors"]) == ("0 2 * * *", 90, [monitor])
    page = (await http.get(HERE)).text
    assert "Again and again, 90 s each time: cron 0 2 * * * (UTC)" in page
    assert "Next: " in page
    path = f"{HERE}/{made['id']}"
    assert len(times((await http.get(path)).text)) == 5
    single = {"repeat": "once", "starts_at": f"{NEXT_YEAR}-05-01T10:00", "ends_at": f"{NEXT_YEAR}-05-01T11:00"}
    changed = await post(http, path, page=path, **{**typed, **single}, timezone="UTC", minutes="1.5")
    assert changed.status_code == 303, changed.text
    (made,) = await windows(desk)
    assert (made["cron"], made["duration"], made["ends_at"] is not None) == (None, None, True)


async def test_what_holds_is_ended_and_its_start_stays_to_the_second(desk: Desk, http: httpx.AsyncClient) -> None:
    now = datetime.now(UTC)
    body = {
        "title": "Now",
        "all": True,
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(hours=1)).isoformat(),
    }
    async with desk.served.tenant() as api:
        made = (await api.post("/api/v1/maintenance", json=body)).json()
    path = f"{HERE}/{made['id']}"
    typed = {"title": "Still now", "covers": "all", "repeat": "once", "timezone": "UTC"}
    later = {"starts_at": wall(now), "ends_at": wall(now + timedelta(hours=2))}
    changed = await post(http, path, page=path, **typed, **later)
    assert changed.status_code == 303, changed.text
    assert "Holds now" in (await http.get(HERE)).text
    assert (await post(http, f"{path}/end", page=HERE)).status_code == 303
    assert (await windows(desk))[0]["state"] == "ended"
    again = await post(http, f"{path}/end", page=NEW)
    assert again.status_code == 409
    over = await post(http, path, page=NEW, **typed, **later)
    assert over.status_code == 409
    assert 'value="Still now"' in over.text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": ""}, "title"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"starts_at": ""}, "starts_at"),
        ({"starts_at": "soon"}, "starts_at"),
        ({"ends_at": "2020-01-01T00:00"}, "ends_at"),
        ({"covers": "some"}, "monitors"),
        ({"covers": "some", "tags": "-bad-"}, "tags"),
        ({"covers": "some", "monitors": ["01900000-0000-7000-8000-000000000000"]}, "monitors"),
        ({"repeat": "cron", "minutes": "10", "cron": "nonsense"}, "cron"),
        ({"repeat": "rrule", "minutes": "10", "rrule": "FREQ=SECONDLY"}, "rrule"),
        ({"repeat": "cron", "cron": "0 2 * * *", "minutes": "many"}, "minutes"),
        ({"repeat": "cron", "cron": "0 2 * * *", "minutes": ""}, "minutes"),
        ({"description": "x" * 2001}, "description"),
    ],
    ids=[
        *("title", "zone", "no-start", "words", "end", "nothing", "tags", "stranger"),
        *("cron", "rrule", "minutes", "no-minutes", "description"),
    ],
)
async def test_a_refused_window_names_the_field_and_keeps_the_rest(
    *, wrong: dict[str, Any], field: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    good = {**ONCE, "starts_at": f"{NEXT_YEAR}-01-12T23:00", "ends_at": f"{NEXT_YEAR}-01-13T01:30"}
    reply = await post(http, NEW, page=NEW, do="save", **{**good, **wrong})
    assert reply.status_code == 400, reply.text
    assert problem(reply.text, field)
    kept = {"title": 'value="Move"', "timezone": 'value="Europe/Berlin"', "ends_at": f'value="{NEXT_YEAR}-01-13T01:30"'}
    assert [name for name, text in kept.items() if name not in wrong and text not in reply.text] == []
    assert await windows(desk) == []


async def test_who_may_only_read_plans_nothing(desk: Desk) -> None:
    body = {"title": "Sundays", "all": True, "cron": "0 2 * * SUN", "duration": 3600}
    async with desk.served.tenant() as api:
        made = (await api.post("/api/v1/maintenance", json=body)).json()
        key = {"label": "Reader", "scopes": ["maintenance:read", "monitors:read"]}
        secret = (await api.post("/api/v1/keys", json=key)).json()["key"]
    async with desk.signed_in(secret) as reader:
        page = (await reader.get(HERE)).text
        assert "Sundays" in page
        assert f'href="{HERE}/{made["id"]}"' not in page
        assert (await reader.get(f"{HERE}/{made['id']}")).status_code == 403
        assert (await post(reader, f"{HERE}/{made['id']}/delete", page="/app/sessions")).status_code == 403
    assert len(await windows(desk)) == 1
