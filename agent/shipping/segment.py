"""The file format of the spool: records in append-only segment files, so that a crash can only tear the last one.

A record is a header (payload length, CRC-32 of the payload, kind) and its payload. An item record holds one encoded
result; an acknowledgement record holds ranges of sequence numbers. A closed segment may be compressed as a whole; a
trailer then says what an agent has to know at its start, so that a day's backlog need not be unpacked for that.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_HEADER = struct.Struct("<IIB")
_RANGE = struct.Struct("<QQ")
_ITEM, _ACK = 1, 2
_MAX_PAYLOAD = 1 << 20
_TRAILER = struct.Struct("<III4s")
"""Items, acknowledged ranges, CRC-32 of the ranges (which precede it) and the two counts, and the mark."""

_MARK = b"FWsg"
_TAIL_BYTES = 64 * 1024
"""A trailer beyond this is not worth having: the segment is unpacked instead."""

PLAIN = ".seg"
PACKED = ".segz"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a segment holds: items in order, the ranges it acknowledges (half-open), and whether its tail was torn."""

    items: tuple[bytes, ...]
    acknowledged: tuple[tuple[int, int], ...]
    is_torn: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """How many items a segment holds, and the ranges it acknowledges."""

    count: int
    acknowledged: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Part:
    """What is kept in memory of a segment: nothing per item until it is settled, for a day's backlog is a million."""

    first: int
    size: int = 0
    is_packed: bool = False
    count: int = 0
    """Items in it, numbered from `first` on."""
    settled: set[int] = field(default_factory=set)
    is_warned_of: bool = False

    @property
    def left(self) -> int:
        """How many are not settled."""
        return self.count - len(self.settled)

    def pending(self, *, before: int) -> Iterator[int]:
        """The numbers not settled, ascending."""
        end = min(self.first + self.count, before)
        return (number for number in range(self.first, end) if number not in self.settled)


def encode_items(items: Iterable[bytes]) -> bytes:
    return b"".join(part for item in items for part in (_HEADER.pack(len(item), zlib.crc32(item), _ITEM), item))


def encode_acknowledgements(ranges: Iterable[tuple[int, int]]) -> bytes:
    payload = b"".join(_RANGE.pack(*span) for span in ranges)
    return _HEADER.pack(len(payload), zlib.crc32(payload), _ACK) + payload


def path_of(directory: Path, first: int, *, packed: bool = False) -> Path:
    """A segment is named by the sequence number of its first item."""
    return directory / f"{first:016d}{PACKED if packed else PLAIN}"


def first_of(path: Path) -> int:
    return int(path.stem)


def summary(path: Path) -> Summary:
    """What `read` would count, without unpacking where that can be avoided. Raises OSError as `read` does."""
    found = _trailer_of(path) if path.suffix == PACKED else None
    if found is None:
        contents = read(path)
        found = Summary(len(contents.items), contents.acknowledged)
    return found


def _trailer_of(path: Path) -> Summary | None:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            tail = file.read()
    except FileNotFoundError:
        return None
    if len(tail) < _TRAILER.size:
        return None
    end = len(tail) - _TRAILER.size
    count, ranges, checksum, mark = _TRAILER.unpack_from(tail, end)
    start = end - ranges * _RANGE.size
    if mark != _MARK or start < 0 or checksum != _checksum(tail[start:end], count, ranges):
        return None
    return Summary(count, tuple(_RANGE.iter_unpack(tail[start:end])))


def _checksum(payload: bytes, count: int, ranges: int) -> int:
    return zlib.crc32(b"%d.%d" % (count, ranges), zlib.crc32(payload))


def read(path: Path) -> Contents:
    """Everything up to the first record that is not whole. A file that cannot be unpacked counts as torn and empty.

    Raises OSError when the file is not to be had now.
    """
    try:
        data = path.read_bytes()
        if path.suffix == PACKED:
            data = zlib.decompress(data)  # ends where the compressed data does
    except (FileNotFoundError, zlib.error):
        return Contents((), (), is_torn=True)
    return _contents(data)


def _contents(data: bytes) -> Contents:
    items: list[bytes] = []
    ranges: list[tuple[int, int]] = []
    end = 0
    for kind, payload, end in _records(data):  # noqa: B007 (the last one's end is wanted)
        if kind == _ITEM:
            items.append(payload)
        else:
            ranges += _RANGE.iter_unpack(payload)
    return Contents(tuple(items), tuple(ranges), is_torn=end != len(data))


def _records(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    position = 0
    while position + _HEADER.size <= len(data):
        length, checksum, kind = _HEADER.unpack_from(data, position)
        start, end = position + _HEADER.size, position + _HEADER.size + length
        payload = data[start:end]
        is_whole = length <= _MAX_PAYLOAD and len(payload) == length and zlib.crc32(payload) == checksum
        if not is_whole or kind not in (_ITEM, _ACK) or (kind == _ACK and length % _RANGE.size):
            return
        yield kind, payload, end
        position = end


def pack(directory: Path, first: int) -> int:
    """Compress a closed segment in place; returns its new size. A crash leaves the plain file, the packed one, or both.

    Raises OSError; the plain file then is what it was, and nothing else takes space.
    """
    plain, packed = path_of(directory, first), path_of(directory, first, packed=True)
    temporary = packed.with_suffix(".tmp")
    data = plain.read_bytes()
    packed_data = zlib.compress(data, 6) + _trailer(_contents(data))
    try:
        temporary.write_bytes(packed_data)
        os.replace(temporary, packed)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    plain.unlink()
    return len(packed_data)


def _trailer(contents: Contents) -> bytes:
    payload = b"".join(_RANGE.pack(*span) for span in contents.acknowledged)
    count, ranges = len(contents.items), len(contents.acknowledged)
    return payload + _TRAILER.pack(count, ranges, _checksum(payload, count, ranges), _MARK)


def ranges_of(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Half-open ranges of ascending numbers."""
    spans: list[tuple[int, int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number:
            spans[-1] = (spans[-1][0], number + 1)
        else:
            spans.append((number, number + 1))
    return spans
