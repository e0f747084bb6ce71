"""A check ends by its deadline, and what went wrong until then is a value."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from agent.classify import EXPECTED, CheckFailed, Failure, classify, timed_out


async def failure_of(work: Awaitable[object], *, timeout_ms: int | None, doing: Callable[[], str]) -> Failure | None:
    """What kept `work` from its end; None when nothing did. `timeout_ms` None: it keeps to its time by itself.

    `doing` says in words what was under way when the time ran out. Other errors than those that classify knows are
    ours, and pass.
    """
    deadline = asyncio.timeout(None if timeout_ms is None else timeout_ms / 1000)
    try:
        async with deadline:
            await work
    except (CheckFailed, *EXPECTED) as error:
        _let_go(error)
        if isinstance(error, CheckFailed):
            return error.failure
        if timeout_ms is not None and isinstance(error, TimeoutError) and deadline.expired():
            return timed_out(doing(), timeout_ms=timeout_ms)
        return classify(error)
    return None


def _let_go(error: BaseException | None) -> None:
    """Drop its frames, and those of what led to it: they hold the connection, which holds the error, a circle that only
    the collector would end, with all that was read from the peer in it.
    """
    while error is not None:
        error.__traceback__ = None
        error = error.__context__
