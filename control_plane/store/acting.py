"""On whose behalf connections work: what the audit's triggers write down (sql/migrations/0013.audit.sql).

The actor is a context variable, because it belongs to a request and to everything that is awaited in it, and no service
is to decide by it. Whoever works later on somebody's behalf, as a job does, takes the actor on again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import msgspec

from control_plane.domain.tenants.actor import Actor

_ACTING: ContextVar[Actor | None] = ContextVar("acting", default=None)


@contextmanager
def acting(actor: Actor | None) -> Iterator[None]:
    """Connections that are checked out within the block work for the actor; for Farwatch itself where it is None."""
    token = _ACTING.set(actor)
    try:
        yield
    finally:
        _ACTING.reset(token)


def who_acts() -> Actor | None:
    """The actor that is in force here."""
    return _ACTING.get()


def actor_setting() -> str:
    """The value of farwatch.actor: JSON, empty for Farwatch itself."""
    actor = _ACTING.get()
    return "" if actor is None else msgspec.json.encode(actor).decode()
