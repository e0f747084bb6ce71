"""How long the public waits for the database, which may also take a question and never answer it.

The wait ends, and the reading goes on: cancelling a statement asks the server to cancel it, and waits for that answer,
too, where nothing answers.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from control_plane.errors import Unavailable

V = TypeVar("V")

PATIENCE_S = 0.6
"""For something new where there is something older to show."""
SHORT_S = 0.2
"""The same for what is asked before something else is: together within a second."""
FIRST_S = 3.0
"""For what was never read: long enough for a busy machine, and short of the ten seconds in which readers give up."""


class Late(Unavailable):
    """There is no answer yet. Nothing has failed so far."""


async def in_time(task: asyncio.Task[V], *, seconds: float) -> V:
    """What the task gives, or raises, within so many seconds; it goes on whoever waits. Raises Late."""
    done, _ = await asyncio.wait({task}, timeout=max(0.0, seconds))
    if not done:
        raise Late("The database does not answer in time. Try again shortly.")
    return task.result()


def seen(ended: asyncio.Task[Any]) -> None:
    """Everybody who waited was told of its failure; perhaps nobody did."""
    if not ended.cancelled():
        ended.exception()
