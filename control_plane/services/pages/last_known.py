"""The last answer to each question that the public asks, for when the database is away or does not answer in time.

Every answer is asked for anew, so that what was taken back is gone with the next request. Answers are kept in memory
only, a bounded number of them.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from control_plane.errors import NotFound, Unavailable
from control_plane.services.pages.patience import FIRST_S, PATIENCE_S, Late, in_time, seen

V = TypeVar("V")

LONGEST = timedelta(days=1)
"""Nothing older is told: whether a link still counts cannot be asked meanwhile."""
MOST = 5000


@dataclass(frozen=True, slots=True)
class Known(Generic[V]):
    """An answer. `since`: when it was given, where it is not the present one; `age_s` seconds ago."""

    value: V
    since: datetime | None = None
    age_s: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """What says how old it is; nothing of a present one. RFC 9111, sections 5.1 and 5.5."""
        return {} if self.since is None else {"Age": str(self.age_s), "Warning": '110 - "Response is Stale"'}


class _Kept(NamedTuple):
    value: Any
    at: datetime
    ends: datetime
    """Nothing is told of it from then on."""


@dataclass
class LastKnown:
    """The answers of this process."""

    _kept: OrderedDict[Hashable, _Kept] = field(default_factory=OrderedDict)
    _asking: dict[Hashable, asyncio.Task[Any]] = field(default_factory=dict)

    async def ask(
        self,
        key: Hashable,
        make: Callable[[], Awaitable[V]],
        *,
        now: datetime,
        until: Callable[[V], datetime | None] = lambda _: None,
        patience_s: float | None = None,
    ) -> Known[V]:
        """What `make` says, or what it said last. Its NotFound is an answer, too: what was kept is forgotten.

        `until`: when an answer stops counting by itself. `patience_s`: how long to wait for a new one where there is
        one. Raises Unavailable where there is nothing to tell instead.
        """
        kept = self._kept.get(key)
        if kept is not None and kept.ends <= now:
            kept = None
        if kept is not None and key in self._asking:  # the one before us waits already
            return _old(kept, now)
        keep = partial(self._keep, key, now, until)
        task = self._asking.get(key) or asyncio.create_task(_made(make))
        try:
            value: V = await in_time(task, seconds=FIRST_S if kept is None else patience_s or PATIENCE_S)
        except Unavailable as error:
            if isinstance(error, Late):
                self._leave(key, task, keep)
            if kept is None:
                raise
            return _old(kept, now)
        except NotFound:
            self._kept.pop(key, None)
            raise
        keep(value)
        return Known(value)

    def _leave(self, key: Hashable, task: asyncio.Task[V], keep: Callable[[V], None]) -> None:
        """Nobody waits for it any more; what it says then counts all the same."""

        def ended(_: asyncio.Task[V]) -> None:
            if self._asking.get(key) is task:
                del self._asking[key]
            seen(task)
            if task.cancelled():
                return
            if isinstance(task.exception(), NotFound):
                self._kept.pop(key, None)
            elif task.exception() is None:
                keep(task.result())

        if self._asking.get(key) is not task:
            self._asking[key] = task
            task.add_done_callback(ended)

    def _keep(self, key: Hashable, now: datetime, until: Callable[[V], datetime | None], value: V) -> None:
        ends = min(now + LONGEST, until(value) or datetime.max.replace(tzinfo=UTC))
        self._kept[key] = _Kept(value, now, ends)
        self._kept.move_to_end(key)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)


def _old(kept: _Kept, now: datetime) -> Known[Any]:
    return Known(kept.value, kept.at, max(0, int((now - kept.at).total_seconds())))


async def _made(make: Callable[[], Awaitable[V]]) -> V:
    return await make()
