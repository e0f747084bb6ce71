"""What DNS records say, in words: one canonical text for each value, as people write them in zone files.

Names are in lower case without the trailing dot. Everything raises WireError on data that is not of its type.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from agent.dns.wire import (
    AAAA,
    CAA,
    CNAME,
    MX,
    NS,
    PTR,
    SOA,
    SRV,
    TXT,
    TYPE_NAMES,
    A,
    Record,
    Reply,
    WireError,
    name_text,
    name_within,
    read_name,
)

_SHOWN = 450
"""Characters of one value in a line of evidence."""


@lru_cache(maxsize=16_384)
def address_of(packed: bytes) -> IPv4Address | IPv6Address:
    """The address in the data of an A or AAAA record. Raises WireError."""
    if len(packed) == 4:
        return IPv4Address(packed)
    if len(packed) == 16:
        return IPv6Address(packed)
    raise WireError("an address of the wrong length")


def value_text(data: bytes, record: Record) -> str:
    """The value of a record of one of TYPE_NAMES. Raises WireError."""
    return _READERS[record.kind](data, record.start, record.end)


def describe(reply: Reply, *, limit: int) -> tuple[str, ...]:
    """The answer section for evidence, a line each: owner, TTL, type, value; at most `limit` lines."""
    return tuple(_line(reply.data, record) for record in reply.records[:limit])


def _line(data: bytes, record: Record) -> str:
    try:
        value = value_text(data, record) if record.kind in _READERS else f"{record.end - record.start} bytes"
    except WireError as error:
        value = f"unreadable: {error}"
    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    return f"{name_text(record.owner)} {record.ttl} {TYPE_NAMES.get(record.kind, f'TYPE{record.kind}')} {shown}"[:500]


def _a(data: bytes, start: int, end: int) -> str:
    return _address_text(data[start:end], 4)


def _aaaa(data: bytes, start: int, end: int) -> str:
    return _address_text(data[start:end], 16)


def _address_text(packed: bytes, length: int) -> str:
    if len(packed) != length:
        raise WireError("an address of the wrong length")
    return str(address_of(packed))


def _name(data: bytes, start: int, end: int) -> str:
    return name_text(name_within(data, start, end))


def _mx(data: bytes, start: int, end: int) -> str:
    (preference,) = _numbers(data, start, end, ">H")
    return f"{preference} {_name(data, start + 2, end)}"


def _srv(data: bytes, start: int, end: int) -> str:
    priority, weight, port = _numbers(data, start, end, ">HHH")
    return f"{priority} {weight} {port} {_name(data, start + 6, end)}"


def _soa(data: bytes, start: int, end: int) -> str:
    primary, after = read_name(data, start)
    mailbox, after = read_name(data, after)
    if end - after != 20:
        raise WireError("an SOA record of the wrong length")
    numbers = " ".join(map(str, _numbers(data, after, end, ">IIIII")))
    return f"{name_text(primary)} {name_text(mailbox)} {numbers}"


def _txt(data: bytes, start: int, end: int) -> str:
    """The strings of the record, joined as SPF and DKIM want them (RFC 7208 section 3.3)."""
    joined = bytearray()
    while start < end:
        after = start + 1 + data[start]
        if after > end:
            raise WireError("a string is cut off")
        joined += data[start + 1 : after]
        start = after
    return _printable(bytes(joined))


def _caa(data: bytes, start: int, end: int) -> str:
    flags, length = _numbers(data, start, end, ">BB")
    tag = data[start + 2 : start + 2 + length]
    if not tag.isalnum() or start + 2 + length > end:
        raise WireError("a CAA record without a tag")
    return f'{flags} {tag.decode("ascii").lower()} "{_printable(data[start + 2 + length : end])}"'


def _numbers(data: bytes, start: int, end: int, form: str) -> tuple[int, ...]:
    if start + struct.calcsize(form) > end:
        raise WireError("a record is too short for its type")
    return struct.unpack_from(form, data, start)


def _printable(value: bytes) -> str:
    """UTF-8 where it is that; what nobody can read or store as \\DDD, byte by byte."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("ascii", "surrogateescape")
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(char: str) -> str:
    if char.isprintable():
        return char
    return "".join(f"\\{byte:03}" for byte in char.encode("utf-8", "surrogateescape"))


_READERS: dict[int, Callable[[bytes, int, int], str]] = {
    A: _a,
    AAAA: _aaaa,
    CNAME: _name,
    NS: _name,
    PTR: _name,
    MX: _mx,
    SRV: _srv,
    SOA: _soa,
    TXT: _txt,
    CAA: _caa,
}
