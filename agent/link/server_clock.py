"""The server's clock as this agent knows it: the monotonic clock plus an offset measured on every poll.

Nothing here follows the machine's wall clock after the start, so a step of it neither skips nor repeats a slot.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_STEP_MS = 1000
"""A sample that disagrees by more (beyond its own uncertainty) means that a clock was set, not a slow network."""


class ServerClock:
    """`now_ms()`: Unix milliseconds by the server. Until a first sample it is this machine's wall clock at start."""

    def __init__(
        self, *, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._base_ms = (wall() - monotonic()) * 1000
        self._samples: deque[tuple[float, float]] = deque(maxlen=8)

    def now_ms(self) -> float:
        return self._monotonic() * 1000 + self._base_ms

    def now_s(self) -> float:
        return self.now_ms() / 1000

    def observe(self, server_time: int, *, sent_at: float, received_at: float) -> float:
        """Take one sample: the server said `server_time` between two monotonic instants (seconds).

        The sample with the shortest round trip of the last eight counts (as NTP's clock filter, RFC 5905 section 10).
        Returns by how many ms `now_ms` moved.
        """
        round_trip = (received_at - sent_at) * 1000
        base = server_time - (sent_at + received_at) * 500
        if self._samples and abs(base - self._base_ms) > round_trip / 2 + _STEP_MS:
            self._samples.clear()
        self._samples.append((round_trip, base))
        before, self._base_ms = self._base_ms, min(self._samples)[1]
        return self._base_ms - before

    @property
    def base_ms(self) -> float:
        """The server's time when the monotonic clock, which all processes of a machine share, was 0."""
        return self._base_ms

    def adopt(self, base_ms: float) -> None:
        """Take over what another process measured."""
        self._base_ms = base_ms

    @property
    def offset_ms(self) -> float | None:
        """This machine's wall clock minus the server's; None before the first sample."""
        return None if not self._samples else self._wall() * 1000 - self.now_ms()
