"""The file format of the spool: records in append-only segment files, so that a crash can only tear the last one.

A record is a header (payload length, CRC-32 of the payload, kind) and its payload. An item record holds one encoded
result; an acknowledgement record holds ranges of sequence numbers. A closed segment may be compressed as a whole.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_HEADER = struct.Struct("<IIB")
_RANGE = struct.Struct("<QQ")
_ITEM, _ACK = 1, 2
_MAX_PAYLOAD = 1 << 20

PLAIN = ".seg"
PACKED = ".segz"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a segment holds: items in order, the ranges it acknowledges (half-open), and whether its tail was torn."""

    items: tuple[bytes, ...]
    acknowledged: tuple[tuple[int, int], ...]
    is_torn: bool


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


def read(path: Path) -> Contents:
    """Everything up to the first record that is not whole. A file that cannot be unpacked counts as torn and empty.

    Raises OSError when the file is not to be had now.
    """
    try:
        data = path.read_bytes()
        if path.suffix == PACKED:
            data = zlib.decompress(data)
    except (FileNotFoundError, zlib.error):
        return Contents((), (), is_torn=True)
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
    """Compress a closed segment in place; returns its new size. A crash leaves one whole file or the other."""
    plain, packed = path_of(directory, first), path_of(directory, first, packed=True)
    temporary = packed.with_suffix(".tmp")
    temporary.write_bytes(zlib.compress(plain.read_bytes(), 6))
    os.replace(temporary, packed)
    plain.unlink()
    return packed.stat().st_size
