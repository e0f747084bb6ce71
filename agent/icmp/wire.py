"""ICMP echo on the wire (RFC 792, RFC 4443): requests built, replies and errors read. Pure.

Own packing, no library: a check on one shared socket costs some 20 microseconds, and a library's objects per packet
would cost as much again.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct

_HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence
_ECHO_REQUEST = {4: 8, 6: 128}
_ECHO_REPLY = {4: 0, 6: 129}
_PROTOCOL = {4: 1, 6: 58}
_V6_HEADER = 40

_UNREACHABLE_V4 = {
    0: "the network is unreachable",
    1: "the host is unreachable",
    2: "the protocol is unreachable",
    3: "the port is unreachable",
    6: "the network is unknown",
    7: "the host is unknown",
    9: "the network is prohibited",
    10: "the host is prohibited",
    13: "traffic to it is prohibited",
}
"""Codes of type 3 (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1)."""

_UNREACHABLE_V6 = {
    0: "there is no route to it",
    1: "traffic to it is prohibited",
    2: "it is beyond the scope of the source address",
    3: "the address is unreachable",
    4: "the port is unreachable",
    5: "the source address fails its policy",
    6: "the route to it is rejected",
}
"""Codes of type 1 (RFC 4443 section 3.1)."""

PASSED = {4: (0, 3, 11, 12), 6: (1, 2, 3, 4, 129)}
"""The types that a socket for echo requests wants to see: replies, and errors that end a request."""


class Reply(Struct, frozen=True, gc=False):
    """An echo reply."""

    identifier: int
    sequence: int
    payload: bytes


class Complaint(Struct, frozen=True, gc=False):
    """An error about an echo request, in words, with as much of that as it quotes; `target`: whom that went to."""

    identifier: int
    sequence: int
    payload: bytes
    target: str
    words: str


def echo_request(version: int, *, identifier: int, sequence: int, payload: bytes) -> bytes:
    """The ICMP message. Of IPv6 the kernel fills in the checksum, which covers addresses (RFC 3542 section 3.1)."""
    kind = _ECHO_REQUEST[version]
    if version == 6:
        return _HEADER.pack(kind, 0, 0, identifier, sequence) + payload
    unchecked = _HEADER.pack(kind, 0, 0, identifier, sequence) + payload
    return _HEADER.pack(kind, 0, checksum(unchecked), identifier, sequence) + payload


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071): the ones' complement of the ones' complement sum of 16-bit words."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def parse(version: int, packet: bytes, *, has_ip_header: bool) -> Reply | Complaint | None:
    """What a packet says about an echo request; None if nothing, or if it is malformed. Never raises.

    Raw sockets of IPv4 see the IP header, all others do not. The kernel has verified the checksum of IPv6 alone; of
    IPv4 it matters little, because the payload is compared.
    """
    start = _header_length(packet) if has_ip_header else 0
    if start is None or len(packet) < start + _HEADER.size:
        return None
    kind, code, _, identifier, sequence = _HEADER.unpack_from(packet, start)
    if kind == _ECHO_REPLY[version]:
        return Reply(identifier, sequence, packet[start + _HEADER.size :]) if code == 0 else None
    words = _words(version, kind, code)
    return None if words is None else _quoted(version, packet[start + _HEADER.size :], words)


def _header_length(packet: bytes) -> int | None:
    """Of an IPv4 header."""
    if len(packet) < 20 or packet[0] >> 4 != 4:
        return None
    length = (packet[0] & 15) * 4
    return length if length >= 20 else None


def _words(version: int, kind: int, code: int) -> str | None:
    match version, kind:
        case 4, 3:
            return _UNREACHABLE_V4.get(code, f"it is unreachable (code {code})")
        case 6, 1:
            return _UNREACHABLE_V6.get(code, f"it is unreachable (code {code})")
        case (4, 11) | (6, 3):
            return "the packet's time to live ran out on the way"
        case 6, 2:
            return "the packet is too big for the way"
        case (4, 12) | (6, 4):
            return "a header of the packet is not understood"
    return None


def _quoted(version: int, quote: bytes, words: str) -> Complaint | None:
    """Of the echo request that the error is about: of any other packet None."""
    if version == 6:
        if len(quote) < _V6_HEADER or quote[0] >> 4 != 6:
            return None
        start = _V6_HEADER
        protocol, target = quote[6], str(IPv6Address(quote[24:40]))
    else:
        length = _header_length(quote)
        if length is None:
            return None
        start = length
        protocol, target = quote[9], str(IPv4Address(quote[16:20]))
    if protocol != _PROTOCOL[version] or len(quote) < start + _HEADER.size:
        return None
    kind, _, _, identifier, sequence = _HEADER.unpack_from(quote, start)
    if kind != _ECHO_REQUEST[version]:
        return None
    return Complaint(identifier, sequence, quote[start + _HEADER.size :], target, words)
