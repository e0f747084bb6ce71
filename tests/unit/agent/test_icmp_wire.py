"""Echo requests and what comes back of them, byte by byte."""

from __future__ import annotations

import os
import struct
from ipaddress import ip_address

import pytest

from agent.icmp.wire import Complaint, Reply, checksum, echo_request, parse

PAYLOAD = bytes(range(32))


def ip4(
    payload: bytes, *, protocol: int = 1, source: str = "192.0.2.9", target: str = "192.0.2.1", words: int = 5
) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, 0, 0, 0, 64, protocol, 0)
    options = b"\1" * (4 * words - 20)
    return head + ip_address(source).packed + ip_address(target).packed + options + payload


def ip6(payload: bytes, *, protocol: int = 58, target: str = "2001:db8::1") -> bytes:
    addresses = ip_address("2001:db8::9").packed + ip_address(target).packed
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + addresses + payload


def icmp(kind: int, code: int = 0, identifier: int = 0, sequence: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack("!BBHHH", kind, code, 0, identifier, sequence) + payload


def request(version: int, payload: bytes = PAYLOAD) -> bytes:
    return echo_request(version, identifier=0xABCD, sequence=7, payload=payload)


def test_the_checksum_is_that_of_the_example_in_rfc_1071() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2


@pytest.mark.parametrize("payload", [b"", b"x", PAYLOAD, b"\xff" * 1400])
def test_a_request_of_ipv4_sums_up_to_nothing(payload: bytes) -> None:
    assert checksum(request(4, payload)) == 0


def test_a_request_carries_type_identifier_sequence_and_payload() -> None:
    assert request(4)[:2] + request(4)[4:] == b"\x08\x00\xab\xcd\x00\x07" + PAYLOAD
    assert request(6) == b"\x80\x00\x00\x00\xab\xcd\x00\x07" + PAYLOAD


@pytest.mark.parametrize("words", [5, 15])
def test_a_reply_of_ipv4_is_read_behind_its_header_whatever_options_that_has(words: int) -> None:
    packet = ip4(icmp(0, 0, 5, 6, PAYLOAD), words=words)
    assert parse(4, packet, has_ip_header=True) == Reply(5, 6, PAYLOAD)


@pytest.mark.parametrize(("version", "kind"), [(4, 0), (6, 129)])
def test_a_reply_without_a_header_is_read_as_well(version: int, kind: int) -> None:
    assert parse(version, icmp(kind, 0, 5, 6, PAYLOAD), has_ip_header=False) == Reply(5, 6, PAYLOAD)


@pytest.mark.parametrize("kind", [5, 8, 9, 13, 40, 255])
def test_other_messages_are_none_of_ours(kind: int) -> None:
    assert parse(4, ip4(icmp(kind, 0, 5, 6, PAYLOAD)), has_ip_header=True) is None
    assert parse(6, icmp(128, 0, 5, 6, PAYLOAD), has_ip_header=False) is None


COMPLAINTS_V4 = [
    (3, 0, "the network is unreachable"),
    (3, 1, "the host is unreachable"),
    (3, 13, "traffic to it is prohibited"),
    (3, 99, "it is unreachable (code 99)"),
    (11, 0, "the packet's time to live ran out on the way"),
    (12, 0, "a header of the packet is not understood"),
]
COMPLAINTS_V6 = [
    (1, 0, "there is no route to it"),
    (1, 3, "the address is unreachable"),
    (1, 99, "it is unreachable (code 99)"),
    (2, 0, "the packet is too big for the way"),
    (3, 0, "the packet's time to live ran out on the way"),
    (4, 1, "a header of the packet is not understood"),
]


@pytest.mark.parametrize(("kind", "code", "words"), COMPLAINTS_V4)
def test_an_error_of_ipv4_tells_which_request_it_is_about(kind: int, code: int, words: str) -> None:
    packet = ip4(icmp(kind, code, payload=ip4(request(4))))
    assert parse(4, packet, has_ip_header=True) == Complaint(0xABCD, 7, PAYLOAD, "192.0.2.1", words)


@pytest.mark.parametrize(("kind", "code", "words"), COMPLAINTS_V6)
def test_an_error_of_ipv6_tells_which_request_it_is_about(kind: int, code: int, words: str) -> None:
    packet = icmp(kind, code, payload=ip6(request(6)))
    assert parse(6, packet, has_ip_header=False) == Complaint(0xABCD, 7, PAYLOAD, "2001:db8::1", words)


def test_an_error_may_quote_no_more_than_the_headers() -> None:
    packet = ip4(icmp(3, 1, payload=ip4(request(4))[:28]))
    assert parse(4, packet, has_ip_header=True) == Complaint(0xABCD, 7, b"", "192.0.2.1", "the host is unreachable")


@pytest.mark.parametrize(
    "quoted",
    [
        ip4(request(4), protocol=17),
        ip4(icmp(0, 0, 0xABCD, 7, PAYLOAD)),
        ip4(request(4))[:27],
        ip4(request(4))[:19],
        b"",
        b"\x41" + ip4(request(4))[1:],
        ip6(request(6)),
    ],
    ids=["udp", "a reply", "a cut header", "a cut IP header", "nothing", "a header too short", "the other family"],
)
def test_an_error_about_anything_else_is_none_of_ours(quoted: bytes) -> None:
    assert parse(4, ip4(icmp(3, 1, payload=quoted)), has_ip_header=True) is None


@pytest.mark.parametrize("quoted", [ip6(request(6), protocol=17), ip6(request(6))[:47], ip4(request(4)), b""])
def test_the_same_holds_for_ipv6(quoted: bytes) -> None:
    assert parse(6, icmp(1, 3, payload=quoted), has_ip_header=False) is None


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("has_ip_header", [True, False])
def test_whatever_arrives_is_read_without_failing(version: int, has_ip_header: bool) -> None:
    whole = ip4(icmp(3, 1, payload=ip4(request(4)))) if version == 4 else icmp(1, 3, payload=ip6(request(6)))
    for length in range(len(whole)):
        parse(version, whole[:length], has_ip_header=has_ip_header)
    for _ in range(2000):
        noise = bytearray(whole)
        for byte in os.urandom(8):
            noise[byte % len(noise)] = byte
        parse(version, bytes(noise), has_ip_header=has_ip_header)
