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
from typing import Any, Generic, NamedTuple, TypeVar

from control_plane.errors import NotFound, Unavailable

V = TypeVar("V")

PATIENCE_S = 0.6
"""How long somebody waits for a new answer where there is one."""
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
    ) -> Known[V]:
        """What `make` says, or what it said last. Its NotFound is an answer, too: what was kept is forgotten.

        `until`: when an answer stops counting by itself. Raises Unavailable where there is nothing to tell instead.
        """
        kept = self._kept.get(key)
        if kept is not None and kept.ends <= now:
            kept = None
        if kept is not None and key in self._asking:  # the one before us waits already
            return _old(kept, now)
        task = asyncio.create_task(_made(make))
        try:
            value = await self._answered(key, task, patience_s=None if kept is None else PATIENCE_S)
        except (Unavailable, TimeoutError):
            if kept is None:
                raise
            return _old(kept, now)
        except NotFound:
            self._kept.pop(key, None)
            raise
        self._keep(key, _Kept(value, now, min(now + LONGEST, until(value) or datetime.max.replace(tzinfo=UTC))))
        return Known(value)

    async def _answered(self, key: Hashable, task: asyncio.Task[V], *, patience_s: float | None) -> V:
        done, _ = await asyncio.wait({task}, timeout=patience_s)
        if not done:
            self._asking[key] = task
            task.add_done_callback(lambda ended: self._late(key, ended))
            raise TimeoutError
        return task.result()

    def _late(self, key: Hashable, ended: asyncio.Task[Any]) -> None:
        """Nobody waits for it any more; what it says of a link that is gone counts all the same."""
        self._asking.pop(key, None)
        if not ended.cancelled() and isinstance(ended.exception(), NotFound):
            self._kept.pop(key, None)

    def _keep(self, key: Hashable, kept: _Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)


def _old(kept: _Kept, now: datetime) -> Known[Any]:
    return Known(kept.value, kept.at, max(0, int((now - kept.at).total_seconds())))


async def _made(make: Callable[[], Awaitable[V]]) -> V:
    return await make()
