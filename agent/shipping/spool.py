"""Results on disk until the control plane has acknowledged each of them.

Every batch is written before it is sent, so a killed agent sends it again at its next start. A result counts as safe
when it is written: it survives the death of the process, not a power cut (no fsync: that would cost more than the
checks themselves, and a lost result is a gap, never a wrong verdict). Beyond `limit` bytes the oldest segment is
dropped and its results are counted. Methods block on the disk; one thread calls them, one at a time.
"""

from __future__ import annotations

import contextlib
import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import structlog

from agent.shipping import segment
from agent.shipping.segment import Part

log = structlog.get_logger()

SEGMENT_BYTES = 1 << 20
"""A segment is closed at this size; closed ones are compressed when they still hold something."""

_TIDY_BYTES = 256 * 1024
"""An open segment in which all is acknowledged is begun anew beyond this."""


@dataclass(frozen=True, slots=True)
class Item:
    number: int
    data: bytes


class Spool:
    """Raises OSError where the disk refuses; nothing written before is lost by that."""

    def __init__(self, directory: Path, *, limit: int = 200_000_000) -> None:
        self.dropped = 0
        """Results lost on disk: beyond the limit, or in a segment that turned out unreadable."""
        self._directory = directory
        self._limit = limit
        self._segments: list[Part] = []
        self._left: list[Part] = []
        """What could not be read at the start: it takes space, and what it holds is known at the next start."""
        self._file = -1
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_shorter = self._recover()
        self._begin()
        if is_shorter:
            self._keep_settled(before=self._next)

    # -- writing

    def append(self, items: Sequence[bytes]) -> list[int]:
        """Write items in one go; returns their sequence numbers, which grow without end."""
        current = self._segments[-1]
        if current.size >= SEGMENT_BYTES:
            self._close_current()
            current = self._segments[-1]
        numbers = list(range(self._next, self._next + len(items)))
        self._write(current, segment.encode_items(items))
        self._next += len(items)
        current.count += len(items)
        self._enforce_limit()
        return numbers

    def acknowledge(self, numbers: Iterable[int]) -> None:
        """Forget items: they are settled, whatever became of them."""
        done = sorted(numbers)
        if not done:
            return
        touched = self._settle(done)
        for part in touched:
            if not part.left and part is not self._segments[-1]:
                self._remove(part)  # first, because a full disk takes no acknowledgement before something has gone
        current = self._segments[-1]
        if not current.left and current.size > _TIDY_BYTES:
            self._close_current()
            return
        try:
            self._write(current, segment.encode_acknowledgements(segment.ranges_of(done)))
        except OSError:
            if current.left:
                raise
            if current is self._segments[-1]:
                self._close_current()  # nothing in it is wanted any more: without it there is space again
            else:
                self._remove(current)

    def _settle(self, done: Sequence[int]) -> list[Part]:
        """Mark ascending numbers; returns the segments that hold any of them."""
        touched: list[Part] = []
        at = 0
        for part in self._segments[max(0, bisect_right(self._segments, done[0], key=_first) - 1) :]:
            end = bisect_left(done, part.first + part.count, at)
            begin = bisect_left(done, part.first, at)
            if begin < end:
                part.settled.update(done[begin:end])
                touched.append(part)
            at = end
            if at == len(done):
                break
        return touched

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    # -- reading

    def oldest(self, *, before: int, limit: int) -> list[Item]:
        """Unacknowledged items with numbers below `before`, oldest first, from one segment."""
        for part in list(self._segments):
            wanted = list(islice(part.pending(before=before), limit))
            found = self._read(part, wanted) if wanted else []
            if found:
                return found
        return []

    @property
    def pending(self) -> int:
        return sum(part.left for part in self._segments)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(part.size for part in (*self._left, *self._segments))

    @property
    def next_number(self) -> int:
        return self._next

    # -- inside

    def _read(self, part: Part, wanted: Sequence[int]) -> list[Item]:
        """These items, as far as they can be read: what is gone is forgotten, what cannot be read now waits."""
        try:
            items = segment.read(self._path(part)).items
        except OSError as error:
            if not part.is_warned_of:
                log.warning("a segment of the spool cannot be read now", first=part.first, error=str(error))
                part.is_warned_of = True
            return []
        whole = part.first + len(items)
        lost = [number for number in part.pending(before=self._next) if number >= whole]
        if lost:
            log.error("a segment of the spool is damaged; its results are lost", first=part.first, count=len(lost))
            self.dropped += len(lost)
            part.settled.update(lost)
            if not part.left and part is not self._segments[-1]:
                self._remove(part)
        return [Item(number, items[number - part.first]) for number in wanted if number < whole]

    def _recover(self) -> bool:
        """Read what an earlier process left; whether some of it could go. A torn tail, what it was writing when it
        died, is dropped."""
        for leftover in self._directory.glob("*.tmp"):
            leftover.unlink()
        settled: list[tuple[int, int]] = []
        self._next = 0
        for path in self._found():
            first = segment.first_of(path)
            try:
                summary = segment.summary(path)
            except OSError as error:
                log.warning("a segment of the spool is left for the next start", first=first, error=str(error))
                self._next = max(self._next, first + 2 * SEGMENT_BYTES)  # it cannot hold more items than this
                self._left.append(Part(first, _size_of(path), path.suffix == segment.PACKED))
                continue
            self._next = max(self._next, first + summary.count)
            settled += summary.acknowledged
            self._segments.append(Part(first, _size_of(path), path.suffix == segment.PACKED, summary.count))
        for start, end in settled:
            self._settle(range(start, end))
        empty = [part for part in self._segments if not part.left]
        for part in empty:
            self._unlink(part)
        return bool(empty)

    def _found(self) -> list[Path]:
        """The segments on disk, oldest first. One that was being packed when the process died is there twice."""
        packed = {path.stem: path for path in self._directory.glob(f"*{segment.PACKED}")}
        plain = {path.stem: path for path in self._directory.glob(f"*{segment.PLAIN}")}
        for stem in plain.keys() & packed.keys():
            with contextlib.suppress(OSError):
                plain[stem].unlink()
        return sorted((plain | packed).values(), key=segment.first_of)

    def _begin(self) -> None:
        """Go on in a new segment; its file is made with what is written first, or later when the disk refuses now."""
        while any(self._is_taken(first=self._next, packed=packed) for packed in (False, True)):
            self._next += 1  # a segment without items keeps its name to itself
        self._segments.append(Part(self._next))

    def _is_taken(self, *, first: int, packed: bool) -> bool:
        is_known = bool(self._segments) and self._segments[-1].first == first
        return is_known or segment.path_of(self._directory, first, packed=packed).exists()

    def _close_current(self) -> None:
        closed = self._segments[-1]
        self.close()
        self._begin()
        if not closed.left:
            self._remove(closed)
            return
        try:
            closed.size = segment.pack(self._directory, closed.first)
            closed.is_packed = True
        except OSError as error:
            log.warning("a segment of the spool stays as large as it is", first=closed.first, error=str(error))

    def _write(self, part: Part, data: bytes) -> None:
        """All or nothing: what a full disk took of it is cut off again."""
        if self._file < 0:
            self._file = os.open(self._path(part), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        view, written = memoryview(data), 0
        try:
            while written < len(view):
                written += os.write(self._file, view[written:])
        except OSError:
            self._cut(part)
            raise
        part.size += len(data)

    def _cut(self, part: Part) -> None:
        """Back to what was whole. Where not even that can be done, nothing more follows the torn record."""
        try:
            os.ftruncate(self._file, part.size)
        except OSError as error:
            log.warning("a segment of the spool cannot be cut", first=part.first, error=str(error))
            self.close()
            self._begin()

    def _enforce_limit(self) -> None:
        for part in sorted([*self._left, *self._segments[:-1]], key=lambda part: part.first):
            if self.size <= self._limit:
                return
            self._drop(part)

    def _drop(self, part: Part) -> None:
        """Lose a segment for its space. One that cannot be removed stays, and the next has to go instead."""
        try:
            self._path(part).unlink(missing_ok=True)
        except OSError as error:
            if not part.is_warned_of:
                log.warning("a segment of the spool cannot be dropped", first=part.first, error=str(error))
                part.is_warned_of = True
            return
        self.dropped += part.left
        if part in self._segments:
            self._segments.remove(part)
        else:
            log.warning("a segment of the spool is dropped unread", first=part.first, bytes=part.size)
            self._left.remove(part)

    def _remove(self, part: Part) -> None:
        self._unlink(part)
        self._keep_settled(before=part.first)

    def _unlink(self, part: Part) -> None:
        try:
            self._path(part).unlink(missing_ok=True)
        except OSError as error:
            log.warning(
                "a segment of the spool stays; its results may be sent again", first=part.first, error=str(error)
            )
        self._segments.remove(part)

    def _keep_settled(self, *, before: int) -> None:
        """Write down anew what is settled of segments older than `before`: a file that went may have held it."""
        settled = sorted(number for part in self._segments if part.first < before for number in part.settled)
        if not settled:
            return
        try:
            self._write(self._segments[-1], segment.encode_acknowledgements(segment.ranges_of(settled)))
        except OSError as error:
            log.warning("what is settled cannot be written; results may be sent again", error=str(error))

    def _path(self, part: Part) -> Path:
        return segment.path_of(self._directory, part.first, packed=part.is_packed)


def _first(part: Part) -> int:
    return part.first


def _size_of(path: Path) -> int:
    """In bytes; 0 where the disk does not even say that."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
