"""A page is read once for all who ask at once, and not again within a few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from control_plane.domain.pages.public_page import PublicPage
from control_plane.services.pages import keep_public_pages
from control_plane.services.pages.keep_public_pages import FRESH_S, OLD_S, PublicPages
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
