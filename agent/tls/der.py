"""The least of a certificate, straight from its bytes: for those that a strict parser refuses as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct

_SEQUENCE, _INTEGER, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x02, 0x17, 0x18, 0xA0


class Bones(Struct, frozen=True):
    """Instants in Unix seconds; the serial may be of any sign and size."""

    serial: int
    not_before: int
    not_after: int


def bones(der: bytes) -> Bones | None:
    """Serial and validity (RFC 5280 section 4.1), or None when not even these are there."""
    try:
        (_, certificate) = next(_elements(der))
        (_, tbs) = next(_elements(certificate))
        fields = [element for element in _elements(tbs) if element[0] != _VERSION]
        (serial_tag, serial), _algorithm, _issuer, (validity_tag, validity) = fields[:4]
        if (serial_tag, validity_tag) != (_INTEGER, _SEQUENCE):
            return None
        before, after = (_instant(tag, text) for tag, text in _elements(validity))
    except (ValueError, StopIteration, IndexError):
        return None
    return Bones(int.from_bytes(serial, "big", signed=True), before, after)


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements one after another: tag and content. Raises ValueError or IndexError where they break off."""
    at = 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size & 0x80:
            octets = size & 0x7F
            size, at = int.from_bytes(data[at : at + octets], "big"), at + octets
        if at + size > len(data):
            raise ValueError("an element is longer than what holds it")
        yield tag, data[at : at + size]
        at += size


def _instant(tag: int, text: bytes) -> int:
    """UTCTime means 1950 to 2049 (RFC 5280 section 4.1.2.5.1), whatever strptime thinks of two digits."""
    if tag == _UTC_TIME:
        text = (b"19" if text[:2] >= b"50" else b"20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("no time")
    return int(datetime.strptime(text.decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp())
