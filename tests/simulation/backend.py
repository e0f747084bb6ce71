"""What the world asks of a store: services get `database`, the rest is the world's own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar
from uuid import UUID

from tests.simulation.memory_store import Committed, StoreFault
from tests.simulation.plan import Plan

T = TypeVar("T")


class Backend(Protocol):
    """Times are virtual Unix ms."""

    @property
    def database(self) -> Any:
        """What services are given: a Database, as far as they can tell."""
        ...

    def install(self, plan: Plan) -> None:
        """Write tenants, regions, agents, monitors with assignments and states, and a channel for each tenant."""
        ...

    def run(self, work: Coroutine[Any, Any, T]) -> T: ...
    def on_commit(self, call: Callable[[Committed], None]) -> None: ...
    def fail_next(self, fault: StoreFault | None) -> None:
        """What goes wrong with the next transaction."""
        ...

    def set_clock(self, now_ms: int) -> None:
        """The database's clock."""
        ...

    def may_be_stale(self, now_ms: int) -> bool:
        """Whether the sweep may find anything: asking it in full is what costs most of a quiet day."""
        ...

    def may_hand_out(self, region_id: int) -> bool:
        """Whether any dispatch waits in the region: most polls of a quiet day find none."""
        ...

    def cadences(self, region_id: int) -> dict[UUID, int]:
        """The cadence in seconds of monitors that the region checks at another one than their interval."""
        ...

    def set_agent(self, agent_id: UUID, *, lease_until: int | None = None, healthy: bool | None = None) -> None:
        """Renew or end a lease, or note the health, of an agent."""
        ...

    def live_agents(self, region_id: int) -> list[UUID]:
        """Who shares the region's monitors now."""
        ...

    def outcomes(self) -> dict[tuple[UUID, int, int], int]:
        """The outcome of each stored result, by (monitor, region, slot)."""
        ...

    def notices_missing(self) -> list[tuple[str, str]]:
        """(notice, incident) of what some channel should have been owed and was not."""
        ...

    def purge(self, now_ms: int) -> None:
        """Forget dispatches that are long over, as the retention job does."""
        ...
