"""What the local door looks at: an agent's life, seen from beside it."""

from __future__ import annotations

from typing import Protocol

from agent.session import Session
from agent.tally import Tally


class Watched(Protocol):
    """An agent process. `session` is None before the first welcome."""

    @property
    def session(self) -> Session | None: ...
    @property
    def tally(self) -> Tally: ...
    @property
    def unhealthy_because(self) -> str | None:
        """Why this agent cannot judge; None while it can."""
        ...
