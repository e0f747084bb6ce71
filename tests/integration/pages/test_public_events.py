"""Following a status page, live."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from control_plane.services.pages import keep_public_pages
from control_plane.store.pool import Database
from control_plane.web import page_streams
from tests.support.public_pages import Stage, a_stage
from tests.support.waiting import until

EVENTS = "/api/public/v1/pages/acme/events"
PATIENCE_S = 30.0


@pytest.fixture
async def stage(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(keep_public_pages, "FRESH_S", 0.05)
    monkeypatch.setattr(page_streams, "POLL_S", 0.1)
    async with a_stage(database) as made:
        yield made


@pytest.fixture
async def http(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    async with stage.served.client() as client:
        client.timeout = httpx.Timeout(PATIENCE_S)
        yield client


class Followed:
    """A stream as a browser reads it: the id of the last event, and the events."""

    def __init__(self, reply: httpx.Response) -> None:
        self._lines = reply.aiter_lines()
        self.id = ""

    async def begun(self) -> str:
        """The id that the stream begins with."""
        while not self.id:
            await self._line()
        return self.id

    async def next(self) -> tuple[str, Any]:
        name = ""
        while True:
            key, value = await self._line()
            if key == "event":
                name = value
            elif key == "data":
                return name, json.loads(value)

    async def _line(self) -> tuple[str, str]:
        async with asyncio.timeout(PATIENCE_S):
            line = await anext(self._lines)
        key, _, value = line.partition(":")
        if key == "id":
            self.id = value.strip()
        return key, value.strip()


async def test_a_change_of_a_component_and_an_incident_are_told(stage: Stage, http: httpx.AsyncClient) -> None:
    page = await stage.page()
    shop = await stage.component(page, "Shop")
    hidden = await stage.component(await stage.page("other"), "Hidden")
    async with http.stream("GET", EVENTS) as reply:
        assert reply.headers["Content-Type"] == "text/event-stream"
        followed = Followed(reply)
        begun = await followed.begun()
        await stage.judge(hidden, "down")
        await stage.incident(hidden, "Elsewhere")
        await stage.judge(shop, "down")
        name, told = await followed.next()
        assert (name, told["id"], told["status"]) == ("component.changed", str(shop.id), "major_outage")
        incident = await stage.incident(shop, "Orders fail")
        name, told = await followed.next()
        assert (name, told["id"], told["title"]) == ("incident.opened", str(incident), "Orders fail")
        await stage.update(incident, "We look")
        assert (await followed.next())[0] == "incident.updated"
        assert followed.id != begun


async def test_whoever_comes_back_missed_nothing_or_is_told_to_look_again(
    stage: Stage, http: httpx.AsyncClient
) -> None:
    shop = await stage.component(await stage.page(), "Shop")
    async with http.stream("GET", EVENTS) as reply:
        id_ = await Followed(reply).begun()
    async with http.stream("GET", EVENTS, headers={"Last-Event-ID": id_}) as reply:
        followed = Followed(reply)
        assert await followed.begun() == id_
        await stage.judge(shop, "down")
        assert (await followed.next())[0] == "component.changed"
    for old in (id_, "99999999999999999999", "x"):
        async with http.stream("GET", EVENTS, headers={"Last-Event-ID": old}) as reply:
            assert (await Followed(reply).next())[0] == "reset"


async def test_one_address_has_twenty_streams_and_no_more(stage: Stage, http: httpx.AsyncClient) -> None:
    await stage.component(await stage.page(), "Shop")
    open_ = []
    try:
        for _ in range(page_streams.STREAMS_PER_ADDRESS):
            reply = await http.send(http.build_request("GET", EVENTS), stream=True)
            assert reply.status_code == 200
            open_.append(reply)
        refused = await http.get(EVENTS)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
    finally:
        for reply in open_:
            await reply.aclose()


async def test_readers_that_leave_are_forgotten(stage: Stage, http: httpx.AsyncClient) -> None:
    await stage.component(await stage.page(), "Shop")
    streams = stage.served.deps.page_streams
    async with http.stream("GET", EVENTS) as reply:
        await Followed(reply).begun()
        assert streams.readers("acme") == 1
    await until(lambda: not streams.readers("acme"), "the reader is forgotten", timeout=PATIENCE_S)


async def test_a_page_that_is_taken_back_ends_its_streams(stage: Stage, http: httpx.AsyncClient) -> None:
    await stage.component(await stage.page(), "Shop")
    async with http.stream("GET", EVENTS) as reply:
        followed = Followed(reply)
        await followed.begun()
        async with stage.database.app() as conn:
            await conn.execute("UPDATE status_pages SET state = 'draft'")
        with pytest.raises(StopAsyncIteration):
            await followed.next()
