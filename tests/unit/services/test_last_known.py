"""The last answer is told while no new one can be had, and never of what is gone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from control_plane.errors import NotFound, Unavailable
from control_plane.services.pages import last_known
from control_plane.services.pages.last_known import LONGEST, Known, LastKnown

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(seconds=90)


class Source:
    """Answers, refuses or waits as it is told."""

    def __init__(self) -> None:
        self.says: str | Exception = "up"
        self.may_go = asyncio.Event()
        self.may_go.set()
        self.asked = 0

    async def __call__(self) -> str:
        self.asked += 1
        await self.may_go.wait()
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


async def test_every_answer_is_asked_for_anew() -> None:
    known, source = LastKnown(), Source()
    assert await known.ask("badge", source, now=NOW) == Known("up")
    source.says = "down"
    told = await known.ask("badge", source, now=NOW)
    assert (told.value, told.headers) == ("down", {})


async def test_the_last_one_is_told_while_the_database_is_away_and_says_how_old_it_is() -> None:
    known, source = LastKnown(), Source()
    await known.ask("badge", source, now=NOW)
    source.says = Unavailable("away")
    told = await known.ask("badge", source, now=LATER)
    assert told == Known("up", NOW, 90)
    assert told.headers == {"Age": "90", "Warning": '110 - "Response is Stale"'}
    with pytest.raises(Unavailable):
        await known.ask("another", source, now=LATER)
    with pytest.raises(Unavailable):
        await known.ask("badge", source, now=NOW + LONGEST)


async def test_what_was_to_end_by_itself_ends_while_the_database_is_away_too() -> None:
    known, source = LastKnown(), Source()
    ends = LATER + timedelta(seconds=1)
    await known.ask("share", source, now=NOW, until=lambda _: ends)
    source.says = Unavailable("away")
    assert (await known.ask("share", source, now=LATER, until=lambda _: ends)).value == "up"
    with pytest.raises(Unavailable):
        await known.ask("share", source, now=ends, until=lambda _: ends)


async def test_what_is_gone_is_not_told_again() -> None:
    known, source = LastKnown(), Source()
    await known.ask("share", source, now=NOW)
    for says in (NotFound("revoked"), Unavailable("away")):
        source.says = says
        with pytest.raises(type(says)):
            await known.ask("share", source, now=LATER)


async def test_nobody_waits_long_and_only_one_asks_a_database_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_known, "PATIENCE_S", 0.01)
    known, source = LastKnown(), Source()
    await known.ask("share", source, now=NOW)
    source.may_go.clear()
    source.says = NotFound("revoked meanwhile")
    told = await asyncio.gather(*(known.ask("share", source, now=LATER) for _ in range(5)))
    more = await known.ask("share", source, now=LATER)
    assert {each.since for each in (*told, more)} == {NOW}
    asked = source.asked
    await known.ask("share", source, now=LATER)
    assert source.asked == asked, "one is waiting already"
    source.may_go.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(NotFound):
        await known.ask("share", source, now=LATER)


async def test_an_answer_that_comes_late_is_what_is_told_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_known, "PATIENCE_S", 0.01)
    known, source = LastKnown(), Source()
    await known.ask("share", source, now=NOW)
    source.may_go.clear()
    source.says = "down"
    assert (await known.ask("share", source, now=LATER)).since == NOW
    source.may_go.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    source.says = Unavailable("away")
    assert (await known.ask("share", source, now=LATER + timedelta(seconds=5))) == Known("down", LATER, 5)


async def test_what_was_never_told_is_waited_for_so_long_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_known, "FIRST_S", 0.01)
    known, source = LastKnown(), Source()
    source.may_go.clear()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await known.ask("share", source, now=NOW)
    assert source.asked == 1, "who comes later waits for the same answer"
    monkeypatch.setattr(last_known, "FIRST_S", 60.0)
    asked = asyncio.create_task(known.ask("share", source, now=NOW))
    source.may_go.set()
    assert await asked == Known("up")


async def test_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_known, "MOST", 3)
    known, source = LastKnown(), Source()
    for number in range(5):
        await known.ask(number, source, now=NOW)
    source.says = Unavailable("away")
    assert (await known.ask(4, source, now=LATER)).value == "up"
    with pytest.raises(Unavailable):
        await known.ask(1, source, now=LATER)
