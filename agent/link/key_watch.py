"""Notices that the probe key was changed where it is kept, so that a rotation needs no restart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from agent.link.assignments import wait_any

LOOK_S = 30.0
"""How often the key is looked at where it is kept; SIGHUP does it at once. A rotated key counts for minutes longer."""


class KeyWatch:
    """`load` gives the key as it stands now, or None when it cannot be read at the moment."""

    def __init__(self, load: Callable[[], str | None], known: str, *, every_s: float = LOOK_S) -> None:
        self.latest = known
        self.changed = asyncio.Event()
        """Set when `latest` is another than before; whoever tries it clears this."""
        self._load = load
        self._every_s = every_s
        self._now = asyncio.Event()

    def look_now(self) -> None:
        self._now.set()

    async def look(self) -> str:
        """The key as it stands now."""
        found = await asyncio.to_thread(self._load)
        if found and found != self.latest:
            self.latest = found
            self.changed.set()
        return self.latest

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await wait_any(self._now, self._every_s)
            await self.look()
