"""What a process remembers of how far results are rolled up."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import pytest

from control_plane.errors import NotFound
from control_plane.services.uptime.rollup_progress import KEPT_S, RollupProgress
from control_plane.store.pool import Connection

ONE = UUID(int=1)


class Asked:
    """A connection that answers with how far, and counts."""

    def __init__(self, *answers: dict[str, int] | None) -> None:
        self.answers = list(answers)

    async def fetchrow(self, *_: Any) -> dict[str, int] | None:
        return self.answers.pop(0)


def rows(fine: int) -> dict[str, int]:
    return {"fine_until": fine, "hourly_until": 0}


async def test_it_is_asked_once_in_a_few_seconds() -> None:
    now = 100.0
    progress = RollupProgress(lambda: now)
    conn = Asked(rows(1), rows(2))
    got = []
    for at in (100.0, 100.0 + KEPT_S - 0.1, 100.0 + KEPT_S):
        now = at
        found = await progress.of(cast("Connection", conn), tenant_id=ONE, monitor_id=ONE)
        got.append(found.fine_until)
    assert got == [1, 1, 2]


async def test_a_monitor_that_is_not_there_is_not_remembered() -> None:
    progress = RollupProgress(lambda: 1.0)
    conn = Asked(None, rows(5))
    with pytest.raises(NotFound):
        await progress.of(cast("Connection", conn), tenant_id=ONE, monitor_id=ONE)
    assert (await progress.of(cast("Connection", conn), tenant_id=ONE, monitor_id=ONE)).fine_until == 5
