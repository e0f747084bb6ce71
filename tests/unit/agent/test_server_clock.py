"""The server's clock as the agent knows it."""

from __future__ import annotations

from agent.link.server_clock import ServerClock


class Machine:
    def __init__(self) -> None:
        self.monotonic = 100.0
        self.wall = 1_000_000.0

    def clock(self) -> ServerClock:
        return ServerClock(monotonic=lambda: self.monotonic, wall=lambda: self.wall)


def test_before_a_sample_it_is_the_wall_clock_of_the_start_and_no_step_moves_it() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += 3600
    machine.monotonic += 5
    assert clock.now_ms() == 1_000_005_000
    assert clock.offset_ms is None


def test_a_sample_counts_as_the_middle_of_its_round_trip() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.observe(2_000_000_000, sent_at=100.0, received_at=100.2)
    machine.monotonic = 100.1
    assert round(clock.now_ms()) == 2_000_000_000
    assert clock.offset_ms is not None
    assert round(clock.offset_ms) == 1_000_000_000 - 2_000_000_000


def test_the_shortest_of_the_last_round_trips_counts() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.observe(2_000_000_000, sent_at=100.0, received_at=100.01)
    moved = clock.observe(2_000_000_900, sent_at=100.0, received_at=101.0)
    assert moved == 0


def test_a_set_server_clock_is_followed_at_once() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.observe(2_000_000_000, sent_at=100.0, received_at=100.01)
    moved = clock.observe(2_000_060_000, sent_at=100.0, received_at=100.02)
    assert 59_000 < moved < 61_000
