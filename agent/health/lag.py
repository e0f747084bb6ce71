"""How late the event loop is: a delay of our own must not be reported as a target's."""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter

NOTABLE_MS = 5.0
"""A result that a longer delay may have touched is flagged."""

_PERIOD_S = 0.005
"""A delay is seen by as much of it as outlasts a period: one of twice as long is always notable."""

_IDLE_PERIOD_S = 0.1
_KEPT_S = 120.0


class LagMeter:
    """Measures by a timer that says how late it came. Instants are perf_counter seconds."""

    def __init__(self) -> None:
        self.is_busy = False
        self._late: deque[tuple[float, float]] = deque(maxlen=4096)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def worst_since(self, instant: float) -> float:
        """The greatest notable delay in ms that ended after `instant`; 0 when there was none."""
        worst = 0.0
        for ended_at, lag in reversed(self._late):
            if ended_at < instant:
                break
            worst = max(worst, lag)
        return worst

    def _arm(self) -> None:
        period = _PERIOD_S if self.is_busy else _IDLE_PERIOD_S
        self._timer = asyncio.get_running_loop().call_later(period, self._measure, perf_counter() + period)

    def _measure(self, due: float) -> None:
        now = perf_counter()
        lag = (now - due) * 1000
        if lag > NOTABLE_MS:
            self._late.append((now, lag))
        while self._late and self._late[0][0] < now - _KEPT_S:
            self._late.popleft()
        self._arm()
