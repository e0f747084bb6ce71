"""The timer wheel: nothing early, nothing lost, and nothing kept of what is due elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from agent.schedule.wheel import TICK_MS, Wheel

T0 = 1_800_000_000_000


@dataclass
class Item:
    due: int


def test_an_item_comes_once_never_early_and_at_most_a_tick_late() -> None:
    chance, wheel = Random(7), Wheel[Item](T0)
    items = [Item(T0 + chance.randrange(20_000)) for _ in range(500)]
    for item in items:
        wheel.add(item)
    came: list[tuple[int, Item]] = []
    for now in range(T0, T0 + 20_100):
        came += [(now, item) for item in wheel.pop_due(now)]
    assert sorted(id(item) for _, item in came) == sorted(map(id, items))
    assert all(0 <= now - item.due < TICK_MS for now, item in came)


def test_an_item_that_was_put_in_again_for_later_does_not_come_at_the_old_time() -> None:
    wheel, item = Wheel[Item](T0), Item(T0 + 5_000)
    wheel.add(item)
    item.due = T0 + 9_000
    wheel.add(item)
    assert [now for now in range(T0, T0 + 12_000) if wheel.pop_due(now)] == [T0 + 9_000]


def test_an_item_that_is_never_due_again_is_forgotten() -> None:
    wheel, item = Wheel[Item](T0), Item(T0 + 5_000)
    wheel.add(item)
    item.due = 2**62
    wheel.pop_due(T0 + 6_000)
    assert wheel.reset(T0 + 6_000) == []


def test_what_lies_behind_a_jump_of_the_clock_is_due_at_once() -> None:
    wheel = Wheel[Item](T0)
    items = [Item(T0 + 1_000), Item(T0 + 3_000_000)]
    for item in items:
        wheel.add(item)
    assert wheel.pop_due(T0 + 3_600_000) == items
