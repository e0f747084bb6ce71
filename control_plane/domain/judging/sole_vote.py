"""The one vote of a kind without regions: what a heartbeat's pings, or a composite's members, say now."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct


class SoleVote(Struct, frozen=True, kw_only=True):
    """What the rows say at this instant. Derived anew at every judgement and never stored.

    `say` is None while nothing is proven: the verdict is then unknown. Times are Unix ms: `since_ms` is when it began
    to say so, `first_bad_ms` when the trouble itself began (what an incident shows as its start), `due_ms` the instant
    at which the vote would turn by time alone. `reason` is of shared/results.REASONS.
    """

    say: Literal["up", "down"] | None = None
    since_ms: int | None = None
    first_bad_ms: int | None = None
    reason: str | None = None
    message: str | None = None
    evidence: dict[str, Any] | None = None
    due_ms: int | None = None
    newest_ms: int | None = None
    """The instant of the newest evidence, None for now. A vote from under a hold counts again with newer evidence."""
