"""What an agent's report makes of what was known of it: which troubles it shows, and since when."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from shared.clock import to_unix_ms
from shared.protocol import MAX_CLOCK_SKEW_MS, Observations

LATE_MS = 5_000
"""A check that starts later counts as strain."""

GAPS_LAST = timedelta(seconds=50)
"""For how long slots that were given up count as strain: one burst alone opens no alert, which takes 60 s."""

SILENCE = timedelta(seconds=30)
"""A longer silence between two reports makes what was said before worthless: everything is since now."""

_INT32 = 2**31 - 1


class Standing(Struct, frozen=True, kw_only=True):
    """How an agent is, and since when each of it is so. See the columns of `agents`."""

    healthy: bool = True
    health_since: datetime | None = None
    health_reason: str | None = None
    skewed: bool = False
    skewed_since: datetime | None = None
    clock_offset_ms: int | None = None
    sent_skew_ms: int | None = None
    strained: bool = False
    strained_since: datetime | None = None
    saturation: float | None = None
    lag_ms: float | None = None
    spooled: int | None = None
    gaps: int | None = None
    gaps_grown_at: datetime | None = None
    observed_at: datetime | None = None


def standing_after(before: Standing, said: Observations, *, now: datetime) -> Standing:
    """`now` is when the report was received, by the database's clock."""
    offset = None if said.clock_offset is None else round(max(-_INT32, min(_INT32, said.clock_offset)))
    sent_skew = max(-(2**53), min(2**53, said.sent_at - to_unix_ms(now)))
    skewed = max(abs(offset or 0), abs(sent_skew)) > MAX_CLOCK_SKEW_MS
    has_grown = before.gaps is not None and (said.gaps or 0) > before.gaps
    grown_at = now if has_grown else before.gaps_grown_at
    strained = (said.saturation or 0) >= 1 or (said.lag or 0) > LATE_MS
    strained = strained or (grown_at is not None and now - grown_at <= GAPS_LAST)
    was_silent = before.observed_at is None or now - before.observed_at > SILENCE
    return Standing(
        healthy=said.healthy,
        health_since=_since(before.health_since, now, is_news=was_silent or said.healthy != before.healthy),
        health_reason=None if said.healthy else said.reason,
        skewed=skewed,
        skewed_since=_since(before.skewed_since, now, is_news=was_silent or skewed != before.skewed),
        clock_offset_ms=offset,
        sent_skew_ms=sent_skew,
        strained=strained,
        strained_since=_since(before.strained_since, now, is_news=was_silent or strained != before.strained),
        saturation=said.saturation,
        lag_ms=said.lag,
        spooled=None if said.spooled is None else min(said.spooled, _INT32),
        gaps=None if said.gaps is None else min(said.gaps, 2**53),
        gaps_grown_at=grown_at,
        observed_at=now,
    )


def _since(before: datetime | None, now: datetime, *, is_news: bool) -> datetime:
    return now if is_news or before is None else before
