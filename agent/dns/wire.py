"""DNS messages, as far as a client needs them: one question out, one answer in (RFC 1035, EDNS of RFC 6891).

Our own reader instead of a library's: resolving is most of what a check costs, and whoever answers may be hostile.
Every bound is strict, and whatever does not fit raises WireError, nothing else.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import dns.rcode
from msgspec import Struct

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, CAA = 1, 2, 5, 6, 12, 15, 16, 28, 33, 257
"""Numbers of record types (IANA, "DNS parameters")."""

TYPE_NUMBERS = {
    "A": A, "AAAA": AAAA, "CNAME": CNAME, "MX": MX, "TXT": TXT, "NS": NS, "SOA": SOA, "PTR": PTR, "SRV": SRV,
    "CAA": CAA,
}  # fmt: skip
TYPE_NAMES = {number: name for name, number in TYPE_NUMBERS.items()}

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)

MAX_RECORDS = 256
"""Records of an answer that are looked at; a message of 64 KiB has room for thousands."""

MAX_CHAIN = 16
"""Aliases followed within one answer."""

_MAX_JUMPS = 32  # compression pointers within one name; real servers need one or two
_MAX_NAME = 255  # RFC 1035 section 3.1
_EDNS_PAYLOAD = 1232  # DNS flag day 2020
_OPT = 41
_IN = 1

_QR, _OPCODE, _TC = 0x8000, 0x7800, 0x0200
_FLAG_NAMES = ((_QR, "qr"), (0x0400, "aa"), (_TC, "tc"), (0x0100, "rd"), (0x0080, "ra"), (0x0020, "ad"), (0x0010, "cd"))

_HEADER = struct.Struct(">HHHHHH")
_RECORD = struct.Struct(">HHIH")
_FIRST_NAME = b"\xc0\x0c"
"""The usual owner of a record: a pointer to the question's name."""


class WireError(Exception):
    """Bytes that are no answer to the question asked."""


class Unanswered(Exception):
    """A server gave no answer that counts; the message says why."""


class Query(NamedTuple):
    """A question ready to be sent. `name` is in wire form and lower case, as every name that was read."""

    wire: bytes
    question: bytes
    name: bytes
    kind: int


class Record(NamedTuple):
    """A resource record of class IN; its data is at `start` to `end` of the message."""

    owner: bytes
    kind: int
    ttl: int
    start: int
    end: int


class Reply(Struct, frozen=True, gc=False):
    """An answer to the very question asked. `records` is its answer section, empty when the message is truncated."""

    data: bytes
    flags: int
    rcode: int
    records: tuple[Record, ...]

    @property
    def is_truncated(self) -> bool:
        return bool(self.flags & _TC)

    @property
    def flag_names(self) -> str:
        return " ".join(name for bit, name in _FLAG_NAMES if self.flags & bit)


def query(name: str, kind: int, *, edns: bool = True) -> Query:
    """A question with a random id, recursion desired, and an OPT record that allows larger answers.

    `name`: ASCII, its labels at most 63 bytes; a trailing dot does not matter.
    """
    question, lower = _question(name, kind)
    counts = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00" + (b"\x01" if edns else b"\x00")
    return Query(os.urandom(2) + counts + question + (_OPTION if edns else b""), question, lower, kind)


_OPTION = b"\x00\x00\x29" + _EDNS_PAYLOAD.to_bytes(2, "big") + b"\x00\x00\x00\x00\x00\x00"


@lru_cache(maxsize=16_384)
def _question(name: str, kind: int) -> tuple[bytes, bytes]:
    """The question section, and its name in lower case."""
    labels = name.encode("ascii").split(b".")
    wire = b"".join(len(label).to_bytes(1, "big") + label for label in labels if label) + b"\x00"
    return wire + kind.to_bytes(2, "big") + b"\x00\x01", wire.lower()


def read_reply(query: Query, data: bytes) -> Reply:
    """The answer to `query` in `data`. Raises WireError when it is malformed, or answers something else."""
    if len(data) < 12:
        raise WireError("shorter than a header")
    _ident, flags, questions, answers, others, extra = _HEADER.unpack_from(data)
    if data[:2] != query.wire[:2] or not flags & _QR or flags & _OPCODE:
        raise WireError("not an answer to this question")
    rcode = flags & 15
    if not questions and rcode not in (NOERROR, NXDOMAIN):
        return Reply(data, flags, rcode, ())  # servers that could not read the question leave it out
    if questions != 1 or not _repeats(query, data):
        raise WireError("another question was answered")
    if flags & _TC:
        return Reply(data, flags, rcode, ())
    records, offset = _read_records(data, 12 + len(query.question), answers, query.name)
    if not answers:
        rcode |= _rest_of_rcode(data, offset, others + extra) << 4
    return Reply(data, flags, rcode, tuple(records))


def _repeats(query: Query, data: bytes) -> bool:
    """Whether the question comes back as it was sent; the case of its letters does not count."""
    if data.startswith(query.question, 12):
        return True
    end = 12 + len(query.name)
    return data[12:end].lower() == query.name and data.startswith(query.question[-4:], end)


def _read_records(data: bytes, offset: int, count: int, first_name: bytes) -> tuple[list[Record], int]:
    """Records of class IN from `offset` on, and where they end."""
    records = []
    for _ in range(min(count, MAX_RECORDS)):
        if data.startswith(_FIRST_NAME, offset):
            owner, offset = first_name, offset + 2
        else:
            owner, offset = read_name(data, offset)
        start = offset + 10
        if start > len(data):
            raise WireError("a record is cut off")
        kind, rdclass, ttl, length = _RECORD.unpack_from(data, offset)
        offset = start + length
        if offset > len(data):
            raise WireError("a record is cut off")
        if rdclass == _IN:
            records.append(Record(owner, kind, ttl, start, offset))
    return records, offset


def _rest_of_rcode(data: bytes, offset: int, count: int) -> int:
    """The upper bits of the response code: they are in the OPT record (RFC 6891 section 6.1.3)."""
    for _ in range(min(count, MAX_RECORDS)):
        _owner, offset = read_name(data, offset)
        if offset + 10 > len(data):
            raise WireError("a record is cut off")
        kind, _rdclass, ttl, length = _RECORD.unpack_from(data, offset)
        if kind == _OPT:
            return int(ttl) >> 24
        offset += 10 + length
    return 0


def read_name(data: bytes, offset: int) -> tuple[bytes, int]:
    """The name at `offset`, uncompressed and in lower case, and where the next thing begins. Raises WireError."""
    labels: list[bytes] = []
    size, jumps, lowest, after = 1, 0, offset, 0
    end = len(data)
    while offset < end:
        length = data[offset]
        if length == 0:
            labels.append(b"\x00")
            return b"".join(labels).lower(), after or offset + 1
        if length < 64:
            size += length + 1
            if size > _MAX_NAME:
                raise WireError("a name is too long")
            labels.append(data[offset : offset + length + 1])
            offset += length + 1
            continue
        if length < 192 or offset + 1 >= end:
            raise WireError("a name is broken")
        after = after or offset + 2
        offset = (length & 63) << 8 | data[offset + 1]
        jumps += 1
        if offset >= lowest or jumps > _MAX_JUMPS:  # only ever backwards, so it ends
            raise WireError("a compression pointer leads nowhere")
        lowest = offset
    raise WireError("a name is cut off")


def follow(query: Query, reply: Reply) -> tuple[list[Record], list[bytes]]:
    """The records that were asked for, at the end of the aliases in this answer, and the aliases' targets.

    Raises WireError when an alias is malformed.
    """
    owner, aliases = query.name, list[bytes]()
    for _ in range(MAX_CHAIN):
        found = [record for record in reply.records if record.kind == query.kind and record.owner == owner]
        if found:
            return found, aliases
        alias = _alias(reply.records, owner)
        if alias is None:
            return [], aliases
        owner = name_within(reply.data, alias.start, alias.end)
        aliases.append(owner)
    return [], []


def _alias(records: Sequence[Record], owner: bytes) -> Record | None:
    return next((record for record in records if record.kind == CNAME and record.owner == owner), None)


def name_within(data: bytes, start: int, end: int) -> bytes:
    """The name that fills the whole record data. Raises WireError."""
    name, after = read_name(data, start)
    if after != end:
        raise WireError("a name does not fill its record")
    return name


@lru_cache(maxsize=16_384)
def name_text(name: bytes) -> str:
    """A name in presentation form without the trailing dot; the root is ".". Odd bytes as \\DDD (RFC 4343)."""
    labels, offset = [], 0
    while name[offset]:
        end = offset + 1 + name[offset]
        labels.append(_label_text(name[offset + 1 : end]))
        offset = end
    return ".".join(labels) or "."


def _label_text(label: bytes) -> str:
    text = label.decode("latin-1")
    if text.isascii() and text.replace("-", "").replace("_", "").isalnum():
        return text
    return "".join(_character(char) for char in text)


def _character(char: str) -> str:
    if char in '"().;\\@$':
        return "\\" + char
    return char if "!" <= char <= "~" else f"\\{ord(char):03}"


def rcode_text(rcode: int) -> str:
    """NXDOMAIN, SERVFAIL and so on."""
    return str(dns.rcode.to_text(dns.rcode.Rcode.make(rcode)))
