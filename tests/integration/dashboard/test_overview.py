"""The overview's groups, filters and figures, acting on several, and what it costs with ten thousand monitors."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from control_plane.store.pool import Connection
from tests.support.crowd import a_crowd
from tests.support.dashboard import Desk, post

MONITORS = 10_000
MOST_BYTES = 300_000
MOST_STATEMENTS = 18


async def names(http: httpx.AsyncClient, query: str = "") -> list[str]:
    page = (await http.get(f"/app?{query}")).text
    return re.findall(r'class="monitor-link" href="[^"]+">([^<]+)<', page)


async def test_groups_are_folded_out_with_counts_of_the_whole_group(desk: Desk, http: httpx.AsyncClient) -> None:
    for name, group in (("z", "Web"), ("y", "Data"), ("x", "Web"), ("w", None)):
        await desk.all_up(await desk.monitor(name, **({"group": group} if group else {})))
    broken = await desk.monitor("broken", group="Web")
    await desk.all_up(broken)
    await desk.down(broken, "eu", "us")
    page = (await http.get("/app")).text
    assert re.findall(r"<summary><h3>([^<]+)</h3>", page) == ["Data", "Web", "Without a group"]
    assert await names(http) == ["y", "broken", "z", "x", "w"]
    assert "1 down, 2 up" in page
    assert 'href="/app?group=Web">Only Web' in page


async def test_the_page_says_from_which_event_on_it_is_to_be_told(desk: Desk, http: httpx.AsyncClient) -> None:
    """So it need not be fetched once more because something may have happened on the way."""
    broken = await desk.monitor("broken")
    await desk.all_up(broken)
    after = re.search(r'data-events="/app/events" data-after="(\d+)"', (await http.get("/app")).text)
    assert after is not None
    await desk.down(broken, "eu", "us")
    async with http.stream("GET", f"/app/events?after={after[1]}") as stream, asyncio.timeout(20):
        lines = stream.aiter_lines()
        names = (line async for line in lines if line.startswith("event: "))
        told = [await anext(names)]
        while told[-1] != "event: incident.opened":
            told.append(await anext(names))
    assert told[0] == "event: verdict.changed"


async def test_filters_narrow_together_and_sorting_unfolds_the_groups(desk: Desk, http: httpx.AsyncClient) -> None:
    await desk.monitor("b", group="Web", tags=["prod"])
    await desk.monitor("a", group="Web", tags=["prod", "eu"])
    await desk.monitor("c", group="Data", tags=["prod"], check="tcp://127.0.0.1:5432")
    assert await names(http, "group=Web") == ["b", "a"]
    assert await names(http, "tag=prod&sort=name") == ["a", "b", "c"]
    assert await names(http, "tag=prod&kind=tcp") == ["c"]
    assert await names(http, "tag=eu&kind=tcp") == []
    page = (await http.get("/app?sort=name")).text
    assert "<summary><h3>" not in page
    assert '<option value="name" selected>' in page


async def test_a_row_says_regions_latency_and_uptime(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor("Shop")
    await desk.all_up(monitor_id)
    await desk.down(monitor_id, "us")
    row = re.search(rf'data-key="{monitor_id}".*?</li>\s*</ul>.*?</li>', (await http.get("/app")).text, re.DOTALL)
    assert row is not None
    text = row[0]
    for region in ("eu: up", "us: down", "ap: up"):
        assert region in text
    assert "81 ms" in text
    assert '<span class="unseen">Uptime 24 h </span>100 %' in text
    assert "degraded for" in text


async def test_an_open_incident_is_acknowledged_from_the_overview(desk: Desk, http: httpx.AsyncClient) -> None:
    monitor_id = await desk.monitor("Shop")
    await desk.all_up(monitor_id)
    await desk.down(monitor_id, "eu", "us")
    action = re.search(r'action="(/app/incidents/[^"]+/acknowledge)"', (await http.get("/app")).text)
    assert action is not None
    assert (await post(http, action[1])).status_code == 303
    assert "/acknowledge" not in (await http.get("/app")).text


async def test_ticked_monitors_are_paused_resumed_and_tagged(desk: Desk, http: httpx.AsyncClient) -> None:
    ids = [str(await desk.monitor(name)) for name in ("a", "b", "c")]
    done = await post(http, "/app/bulk", action="pause", ids=ids[:2], here="/app?sort=name")
    assert done.headers["Location"] == "/app?sort=name&said=paused-2-0"
    assert "2 monitors paused." in (await http.get(done.headers["Location"])).text
    assert await names(http, "state=paused") == ["a", "b"]
    await post(http, "/app/bulk", action="resume", ids=ids[:1])
    assert await names(http, "state=paused") == ["b"]
    await post(http, "/app/bulk", action="tag_add", tag="prod", ids=ids)
    assert await names(http, "tag=prod&sort=name") == ["a", "b", "c"]
    await post(http, "/app/bulk", action="tag_remove", tag="prod", ids=ids[1:])
    assert await names(http, "tag=prod") == ["a"]


async def test_what_cannot_be_done_to_several_is_said(desk: Desk, http: httpx.AsyncClient) -> None:
    one = str(await desk.monitor())
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"action": "pause"}, "Tick the monitors first"),
        ({"action": "explode", "ids": one}, "Choose what is to be done"),
        ({"action": "tag_add", "ids": one}, "Say which tag is meant"),
        ({"action": "pause", "ids": "../../x"}, "has no id"),
    ]
    for fields, words in refusals:
        reply = await post(http, "/app/bulk", **fields)
        assert reply.status_code == 400
        assert words in reply.text


async def test_the_way_back_never_leads_elsewhere(desk: Desk, http: httpx.AsyncClient) -> None:
    one = str(await desk.monitor())
    for here in ("https://evil.example/?q=x", "//evil.example", "/app/../x?page=2", "javascript:alert(1)"):
        reply = await post(http, "/app/bulk", action="pause", ids=one, here=here)
        assert re.fullmatch(r"/app\?(q=x&|page=2&)?said=paused-1-0", reply.headers["Location"])


async def test_ten_thousand_monitors_cost_no_more_statements_than_one(desk: Desk, http: httpx.AsyncClient) -> None:
    await desk.monitor()
    await http.get("/app")  # what the driver asks once about types is not counted
    asked: list[str] = []
    async with desk.database.tenant(desk.served.home.tenant_id) as one, desk.database.app() as other:
        listened = [_session(one), _session(other)]
    with _counted(listened, asked):
        await http.get("/app")
    few = len(asked)
    assert 5 < few <= MOST_STATEMENTS, asked
    regions = list(desk.regions.values())
    await a_crowd(desk.database, desk.served.home.tenant_id, regions, monitors=MONITORS)
    for query in ("", "page=100", "state=down", "sort=name&page=7"):
        asked.clear()
        with _counted(listened, asked):
            reply = await http.get(f"/app?{query}")
        assert reply.status_code == 200
        assert len(asked) <= few + 1, asked
        assert len(reply.content) < MOST_BYTES
    assert "10001" in (await http.get("/app")).text


def _session(connection: Connection) -> Any:
    """What the pool's proxy stands for: it outlives the checkout."""
    return connection._con


@contextmanager
def _counted(sessions: list[Any], asked: list[str]) -> Iterator[None]:
    """Every statement of these sessions. Requests come one by one, so the pools use no others."""

    def listen(record: Any) -> None:
        asked.append(record.query)

    for session in sessions:
        session.add_query_logger(listen)
    yield
    for session in sessions:
        session.remove_query_logger(listen)
