"""What was worked out a moment ago is worked out once, and a failure is not kept."""

from __future__ import annotations

import asyncio

import pytest

from control_plane.services.pages.recently import Recently


class Counted:
    """Answers with how often it was asked; fails the first `failures` times."""

    def __init__(self, failures: int = 0) -> None:
        self.asked, self.failures = 0, failures
        self.gate = asyncio.Event()

    async def __call__(self) -> int:
        self.asked += 1
        asked = self.asked
        await self.gate.wait()
        if asked <= self.failures:
            raise ValueError(asked)
        return asked


async def test_those_who_ask_at_once_share_one_answer() -> None:
    recently, make = Recently(), Counted()
    asking = [asyncio.create_task(recently.get("a", make, keep_s=60)) for _ in range(5)]
    await asyncio.sleep(0)
    make.gate.set()
    assert await asyncio.gather(*asking) == [1] * 5
    assert await recently.get("a", make, keep_s=60) == 1
    assert await recently.get("b", make, keep_s=60) == 2


async def test_an_answer_that_is_too_old_is_made_anew() -> None:
    recently, make = Recently(), Counted()
    make.gate.set()
    assert [await recently.get("a", make, keep_s=0) for _ in range(2)] == [1, 2]


async def test_a_failure_is_told_and_not_kept() -> None:
    recently, make = Recently(), Counted(failures=1)
    make.gate.set()
    with pytest.raises(ValueError, match="1"):
        await recently.get("a", make, keep_s=60)
    assert await recently.get("a", make, keep_s=60) == 2


async def test_whoever_gives_up_waiting_takes_nothing_from_the_others() -> None:
    recently, make = Recently(), Counted()
    first, second = (asyncio.create_task(recently.get("a", make, keep_s=60)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    make.gate.set()
    assert await second == 1


async def test_the_oldest_answers_go_first() -> None:
    recently, make = Recently(limit=2), Counted()
    make.gate.set()
    for key in ("a", "b", "c"):
        await recently.get(key, make, keep_s=60)
    assert await recently.get("c", make, keep_s=60) == 3
    assert await recently.get("a", make, keep_s=60) == 4
