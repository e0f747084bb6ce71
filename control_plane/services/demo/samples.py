"""The demo's results: single ones of the last hours, and counted ones, slice by slice, of the days before."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from struct import iter_unpack

from msgspec import Struct

from control_plane.domain.uptime.latency_histogram import bucket_of
from control_plane.domain.uptime.time_slices import HOUR_MS
from control_plane.services.demo.pace import answer_ms
from control_plane.services.demo.story import SEED, Spell
from control_plane.services.demo.timeline import off
from control_plane.store.demo_history import ResultRow, SliceRow
from shared.clock import from_unix_ms, to_unix_ms
from shared.results import OUTCOMES, REASONS, Outcome, Reason

_CONNECT_US, _DOWNLOAD_US = 310, 140
_VARIANTS = 3
"""Of a quiet slice: how many different ones are drawn for each hour of the day."""


class Pair(Struct, frozen=True):
    """What one region sees of one monitor, every `period_ms`."""

    key: str
    region: str
    period_ms: int
    since: datetime
    spells: Sequence[Spell]


class Seen(Struct, frozen=True):
    """One result: its outcome, reason, and time in µs (none without an answer)."""

    outcome: Outcome
    reason: str
    total_us: int | None
    message: str | None = None


class Samples:
    """Of one pair, up to `now`. Quiet slices of the same hour of the day are drawn once and used again."""

    def __init__(self, pair: Pair, *, now: datetime) -> None:
        self._pair = pair
        self._lot = random.Random(f"{SEED} {pair.key} {pair.region}")  # noqa: S311 - a story, no secret
        self._spells = [(s, to_unix_ms(s.begins(now)), to_unix_ms(s.ends(now))) for s in pair.spells]
        begins, ends = off(now)
        self._off = to_unix_ms(begins), to_unix_ms(ends)
        self._since_ms = to_unix_ms(pair.since)
        self._known: dict[tuple[int, int, int], SliceRow] = {}

    def slices(self, start_ms: int, end_ms: int, *, width_ms: int) -> Iterator[SliceRow]:
        """Counted results of [start, end) in slices of this width; none of slices without any."""
        for starts in range(start_ms, end_ms, width_ms):
            row = (
                self._unsteady(starts, width_ms) if self._troubled(starts, width_ms) else self._quiet(starts, width_ms)
            )
            if row is not None:
                yield row

    def results(self, start_ms: int, end_ms: int) -> Iterator[ResultRow]:
        """Single results of [start, end)."""
        for slot in self._slots(start_ms, end_ms):
            seen = self._seen(slot)
            if seen is not None:
                yield _row(slot, seen)

    def _slots(self, start_ms: int, end_ms: int) -> range:
        phase = sum(self._pair.region.encode()) * 977 % self._pair.period_ms
        first = start_ms + (phase - start_ms) % self._pair.period_ms
        return range(first, end_ms, self._pair.period_ms)

    def _troubled(self, starts: int, width_ms: int) -> bool:
        ends = starts + width_ms
        touched = [(since, until) for _, since, until in self._spells] + [self._off, (0, self._since_ms)]
        return any(since < ends and starts < until for since, until in touched)

    def _quiet(self, starts: int, width_ms: int) -> SliceRow | None:
        at = from_unix_ms(starts)
        variant = self._lot.randrange(_VARIANTS)
        n = len(self._slots(starts, starts + width_ms))
        known = self._known.get((at.hour, variant, n))
        if known is None:
            known = _counted([self._well(starts) for _ in range(n)])
            self._known[at.hour, variant, n] = known
        return _from(known, starts) if n else None

    def _unsteady(self, starts: int, width_ms: int) -> SliceRow | None:
        found = [self._seen(slot) for slot in self._slots(starts, starts + width_ms)]
        seen = [one for one in found if one is not None]
        return _from(_counted(seen), starts) if seen else None

    def _well(self, slot: int) -> Seen:
        ms = answer_ms(self._pair.key, self._pair.region, at=from_unix_ms(slot), lot=self._lot)
        return Seen(Outcome.UP, "none", round(ms * 1000))

    def _seen(self, slot: int) -> Seen | None:
        if slot < self._since_ms or self._off[0] <= slot < self._off[1]:
            return None
        for spell, since, until in self._spells:
            if since <= slot < until and self._pair.region in spell.regions:
                return self._ill(spell, slot)
        return self._well(slot)

    def _ill(self, spell: Spell, slot: int) -> Seen:
        if spell.verdict == "down":
            return Seen(Outcome.DOWN, spell.reason, None, spell.message)
        slower = 8.5 if spell.reason == "slow" else 1.0
        total = round((self._well(slot).total_us or 0) * slower)
        return Seen(Outcome.DEGRADED, spell.reason, total, spell.message)


def _counted(seen: Sequence[Seen]) -> SliceRow:
    """The slice that these come to, as rolling them up would."""
    times = sorted(one.total_us for one in seen if one.total_us is not None)
    count: Callable[[Outcome], int] = [one.outcome for one in seen].count
    connect, download = (min(each * len(times), sum(times)) for each in (_CONNECT_US, _DOWNLOAD_US))
    return SliceRow(
        starts=0,
        up=count(Outcome.UP),
        degraded=count(Outcome.DEGRADED),
        down=count(Outcome.DOWN),
        samples=len(times),
        total_us=sum(times),
        connect_us=connect,
        ttfb_us=max(sum(times) - connect - download, 0),
        download_us=download,
        histogram=b"".join(bucket_of(each).to_bytes(2, "big") for each in times),
    )


def hours_of(fine: Iterable[SliceRow]) -> Iterator[SliceRow]:
    """The hours that these slices, which ascend, come to: of the same results, so that both say the same of a day."""
    for starts, group in groupby(fine, key=lambda row: row.starts // HOUR_MS * HOUR_MS):
        rows = list(group)
        *_, histograms = zip(*rows, strict=True)
        sums = [sum(each) for each in list(zip(*rows, strict=True))[1:-1]]
        numbers = iter_unpack("2s", b"".join(histograms))
        yield SliceRow._make((starts, *sums, b"".join(sorted(number for (number,) in numbers))))


def _from(row: SliceRow, starts: int) -> SliceRow:
    return row._replace(starts=starts)


def _row(slot: int, seen: Seen) -> ResultRow:
    total = seen.total_us
    return ResultRow(
        slot=slot,
        outcome=OUTCOMES.index(seen.outcome),
        reason=REASONS.index(Reason(seen.reason)),
        total_us=total,
        connect_us=None if total is None else min(_CONNECT_US, total),
        ttfb_us=None if total is None else max(total - _CONNECT_US - _DOWNLOAD_US, 0),
        download_us=None if total is None else min(_DOWNLOAD_US, total),
        message=seen.message,
    )


def hour_before(now: datetime, *, hours: int) -> int:
    """Unix ms of the full hour so many hours before this instant."""
    at = now - timedelta(hours=hours)
    return to_unix_ms(at.replace(minute=0, second=0, microsecond=0))
