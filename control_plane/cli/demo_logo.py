"""The ferry line's logo, drawn by arithmetic: a tern over two waves."""

from __future__ import annotations

import math
import struct
import zlib

_SIDE = 160
_SEA, _SKY = (11, 110, 117, 255), (0, 0, 0, 0)


def logo() -> bytes:
    """A PNG with a transparent ground (https://www.w3.org/TR/png-3/)."""
    rows = b"".join(b"\x00" + b"".join(bytes(_dot(x, y)) for x in range(_SIDE)) for y in range(_SIDE))
    head = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _dot(x: int, y: int) -> tuple[int, int, int, int]:
    waves = any(
        abs(y - level - 7 * math.sin((x + shift) / 160 * 4 * math.pi)) < 5 for level, shift in ((112, 0), (136, 26))
    )
    wing = abs(x - 80) / 64
    bird = wing < 1 and abs(y - (74 - 40 * math.sin(wing * math.pi * 0.62))) < 9 * (1 - wing) + 1.5
    return _SEA if (waves and 14 < x < 146) or bird else _SKY
