"""Into which slices a chart cuts its range, and from which rows each part of a range is read. Unix ms throughout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

MINUTE_MS = 60_000
FINE_MS = 300_000
HOUR_MS = 3_600_000
SLICES = 60

Source = Literal["hourly", "fine", "raw"]


class Part(NamedTuple):
    """A part of a range and where it is read from. Parts of rollups begin and end on edges of theirs."""

    source: Source
    start_ms: int
    end_ms: int


class Rolled(Struct, frozen=True, kw_only=True):
    """How far results are rolled up, and since when the finer sources are kept."""

    fine_until: int
    hourly_until: int
    raw_since: int = 0
    fine_since: int = 0


def slice_ms(start_ms: int, end_ms: int) -> int:
    """About a sixtieth of the range, floored to a minute; a minute at least."""
    return max((end_ms - start_ms) // SLICES // MINUTE_MS, 1) * MINUTE_MS


def starts(start_ms: int, end_ms: int) -> range:
    """Where the slices of the range start; the first is the range's start floored to a minute."""
    return range(start_ms - start_ms % MINUTE_MS, end_ms, slice_ms(start_ms, end_ms))


def parts(start_ms: int, end_ms: int, *, width_ms: int, rolled: Rolled) -> Sequence[Part]:
    """The range in order, without a break: slices this wide from rollups, what these do not have from finer rows."""
    levels: list[tuple[Source, int, int]] = [
        ("hourly", HOUR_MS, rolled.hourly_until),
        ("fine", FINE_MS, rolled.fine_until),
    ]
    if width_ms < HOUR_MS and start_ms >= rolled.fine_since:
        del levels[0]
        if width_ms < FINE_MS and start_ms >= rolled.raw_since:
            del levels[0]
    return _cover(levels, start_ms, end_ms)


def _cover(levels: Sequence[tuple[Source, int, int]], start_ms: int, end_ms: int) -> list[Part]:
    if start_ms >= end_ms:
        return []
    if not levels:
        return [Part("raw", start_ms, end_ms)]
    (source, grain, until), *finer = levels
    first = -(-start_ms // grain) * grain
    last = min(end_ms, until) // grain * grain
    if first >= last:
        return _cover(finer, start_ms, end_ms)
    return [*_cover(finer, start_ms, first), Part(source, first, last), *_cover(finer, last, end_ms)]
