"""A page is read once for all who ask at once, and not again within a few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from control_plane.domain.pages.public_page import PublicPage
from control_plane.public_site.status_page_door import horizon
from control_plane.services.pages import keep_public_pages
from control_plane.services.pages.keep_public_pages import FRESH_S, OLD_S, Copy, PublicPages
from control_plane.services.pages.read_public_page import read_faced_page
from control_plane.store.pool import Database
from tests.support.public_pages import Stage, a_stage


class Clock:
    """Monotonic seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Readings:
    """Counts how often a page was read, and can hold readings back."""

    def __init__(self) -> None:
        self.count = 0
        self.may_go = asyncio.Event()
        self.may_go.set()

    async def __call__(self, *given: Any, **named: Any) -> PublicPage:
        self.count += 1
        await self.may_go.wait()
        return await read_faced_page(*given, **named)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> Readings:
    counted = Readings()
    monkeypatch.setattr(keep_public_pages, "read_faced_page", counted)
    return counted


@pytest.fixture
async def stage(database: Database, clock: Clock, readings: Readings) -> AsyncIterator[Stage]:
    async with a_stage(database) as made:
        made.served.deps.pages.clock = clock
        await made.component(await made.page(), "Shop")
        yield made


async def test_a_crowd_is_served_from_one_reading(stage: Stage, readings: Readings) -> None:
    async with stage.served.client() as http:
        replies = await asyncio.gather(*(http.get("/status/acme") for _ in range(40)))
    assert {reply.status_code for reply in replies} == {200}
    assert readings.count == 1


async def test_a_page_is_read_again_when_its_copy_is_old(stage: Stage, readings: Readings, clock: Clock) -> None:
    async with stage.served.client() as http:
        for _ in range(3):
            await http.get("/status/acme")
            await http.get("/status/acme/feed.atom")
            clock.now += FRESH_S
    assert readings.count == 3


async def test_whoever_asks_while_a_reading_takes_long_is_given_the_copy(
    stage: Stage, readings: Readings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_public_pages, "PATIENCE_S", 0.05)
    async with stage.served.client() as http:
        await http.get("/status/acme")
        readings.may_go.clear()
        clock.now += FRESH_S
        young = await http.get("/status/acme")
        clock.now += OLD_S
        old = await http.get("/status/acme")
        readings.may_go.set()
    assert (young.status_code, old.status_code) == (200, 200)
    assert "Warning" not in young.headers
    assert "last known figures" not in young.text
    assert int(old.headers["Age"]) >= OLD_S
    assert "last known figures" in old.text


class Part:
    """Something beside a page, which answers when it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_go = asyncio.Event()
        self.may_go.set()

    async def __call__(self) -> int:
        self.asked += 1
        await self.may_go.wait()
        return self.asked


async def test_what_is_beside_a_page_is_waited_for_once_and_says_how_old_it_is(
    stage: Stage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: PublicPages = stage.served.deps.pages
    part = Part()
    monkeypatch.setattr(keep_public_pages, "PATIENCE_S", 0.05)
    copy = await _copy(pages, stage)
    assert await pages.part(copy, "history", part) == (1, copy)
    part.may_go.clear()
    clock.now += FRESH_S
    copy = await _copy(pages, stage)
    assert await pages.part(copy, "history", part) == (1, copy), "young, and not yet there"
    clock.now += OLD_S
    copy = await _copy(pages, stage)
    value, shown = await pages.part(copy, "history", part)
    assert (value, part.asked) == (1, 2), "one reading for all who ask"
    assert shown.stale_since is not None, "though the page itself is fresh"
    assert (shown.stale_since < copy.page.as_of, shown.age_s) == (True, int(FRESH_S + OLD_S))
    part.may_go.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await pages.part(copy, "history", part) == (2, copy), "what came late is kept"


async def test_what_is_beside_a_page_is_not_waited_for_after_the_page_was(
    stage: Stage, readings: Readings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages: PublicPages = stage.served.deps.pages
    part = Part()
    await pages.part(await _copy(pages, stage), "history", part)
    readings.may_go.clear()
    part.may_go.clear()
    clock.now += FRESH_S
    monkeypatch.setattr(keep_public_pages, "PATIENCE_S", 0.05)
    late = await _copy(pages, stage)
    monkeypatch.setattr(keep_public_pages, "PATIENCE_S", 3600.0)
    assert (late.late, late.stale_since) == (True, None)
    assert (await asyncio.wait_for(pages.part(late, "history", part), 30))[0] == 1
    assert part.asked == 2, "it is asked for, so that the next one is shown something newer"
    readings.may_go.set()
    part.may_go.set()


async def _copy(pages: PublicPages, stage: Stage) -> Copy:
    copy = await pages.get(stage.database, "acme", horizon=horizon(stage.served.deps))
    assert copy is not None
    return copy


async def test_a_page_that_is_taken_back_leaves_no_copy(stage: Stage, clock: Clock) -> None:
    async with stage.served.client() as http:
        assert (await http.get("/status/acme")).status_code == 200
        async with stage.database.app() as conn:
            await conn.execute("UPDATE status_pages SET state = 'draft'")
        clock.now += FRESH_S
        assert (await http.get("/status/acme")).status_code == 404


async def test_copies_are_bounded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep_public_pages, "MOST_PAGES", 3)
    pages: PublicPages = stage.served.deps.pages
    async with stage.served.client() as http:
        for number in range(5):
            await stage.page(f"page-{number}")
            assert (await http.get(f"/status/page-{number}")).status_code == 200
            assert (await http.get(f"/status/nobody-{number}")).status_code == 404
    assert pages.kept == ("page-2", "page-3", "page-4")
