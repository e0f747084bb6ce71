"""The guard against slow judges written another way, on generated addresses, hosts and text."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import idna
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from agent.checks.dns_question import split_server
from agent.icmp.echo import IcmpSockets
from agent.icmp.sockets import Opened
from shared.netpolicy import (
    SHARED,
    Address,
    Policy,
    UrlRefused,
    blocked_reason,
    judge_host,
    judge_host_text,
    judge_redirect,
    parse_host_text,
    parse_http_url,
)
from shared.netpolicy.registry import IPV4_BLOCKS, IPV6_BLOCKS

# What the standard library of Python 3.11 takes for global although it is not, written down once more by hand.
EXTRA = [
    ip_network(text)
    for text in (
        "192.0.0.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "224.0.0.0/4",
        "168.63.129.16/32",
        "100.64.0.0/10",
        "2001::/23",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
        "3ffe::/16",
    )
]
NAT64 = IPv6Network("64:ff9b::/96")


def reference(address: Address, *, literal: bool) -> bool:
    """Whether the address is blocked, asked of the standard library first."""
    if isinstance(address, IPv6Address):
        if address in NAT64 and not literal:
            return reference(IPv4Address(int(address) & 0xFFFFFFFF), literal=False)
        if address not in IPv6Network("2000::/3") or address.packed[8:12] in (b"\0\0\x5e\xfe", b"\2\0\x5e\xfe"):
            return True
    return not address.is_global or any(address in network for network in EXTRA)


EDGES = [
    ip_address(int(end) + step)
    for block in IPV4_BLOCKS + IPV6_BLOCKS
    for end, step in ((ip_network(block.network)[0], -1), (ip_network(block.network)[0], 0),
                      (ip_network(block.network)[-1], 0), (ip_network(block.network)[-1], 1))
    if 0 <= int(end) + step < 2 ** ip_network(block.network).max_prefixlen
    and (ip_network(block.network).version == 4 or int(end) + step >= 2**32)
]  # fmt: skip
ADDRESSES = st.one_of(
    st.ip_addresses(v=4),
    st.ip_addresses(v=6),
    st.integers(0x2000 << 112, (0x4000 << 112) - 1).map(IPv6Address),
    st.integers(0, 2**32 - 1).map(lambda inner: IPv6Address((0x64FF9B << 96) | inner)),
    st.builds(
        lambda prefix, half, inner: IPv6Address((prefix << 64) | (half << 32) | inner),
        st.integers(0x2000 << 48, (0x4000 << 48) - 1),
        st.sampled_from([0x5EFE, 0x02005EFE, 0x01005EFE, 0x5EFF]),
        st.integers(0, 2**32 - 1),
    ),
    st.sampled_from(EDGES),
)


@given(ADDRESSES, st.booleans())
def test_the_guard_agrees_with_the_reference_judge(address: Address, literal: bool) -> None:
    assert (blocked_reason(address, SHARED, literal=literal) is not None) == reference(address, literal=literal)


@pytest.mark.parametrize("address", EDGES, ids=str)
def test_the_guard_agrees_with_the_reference_judge_at_every_edge(address: Address) -> None:
    assert (blocked_reason(address, SHARED, literal=True) is not None) == reference(address, literal=True)


@given(ADDRESSES, st.booleans())
def test_a_policy_adds_its_own_networks_to_what_is_allowed_and_nothing_else(address: Address, literal: bool) -> None:
    policy = Policy.of(["10.0.0.0/8", "fd00::/8"])
    inside = IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 and not literal else address
    opened = inside in ip_network("10.0.0.0/8") or inside in ip_network("fd00::/8")
    blocked = blocked_reason(address, policy, literal=literal) is not None
    assert blocked == (reference(address, literal=literal) and not opened)


def is_refused(work: Callable[[], object]) -> bool:
    try:
        work()
    except UrlRefused:
        return True
    return False


@given(ADDRESSES)
def test_an_address_is_judged_alike_wherever_it_is_written(address: Address) -> None:
    """In a URL, as the host of a tcp, tls_cert or ping check, and as the resolver of a dns check."""
    shown = f"[{address}]" if address.version == 6 else str(address)
    expected = reference(address, literal=True)
    assert is_refused(lambda: judge_host(parse_http_url(f"http://{shown}/"), SHARED)) == expected
    assert is_refused(lambda: judge_host_text(parse_host_text(str(address)), SHARED)) == expected
    assert is_refused(lambda: judge_host_text(parse_host_text(shown), SHARED)) == expected
    for resolver in (str(address), shown, f"{shown}:853"):
        host, port = split_server(resolver)
        assert is_refused(lambda host=host: judge_host_text(parse_host_text(host), SHARED)) == expected  # type: ignore[misc]
        assert port in (53, 853)


class Mouth(socket.socket):
    """A socket that keeps what it is told to send."""

    def __init__(self, version: int, heard: list[str]) -> None:
        super().__init__(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
        self.setblocking(False)
        self._heard = heard

    def sendto(self, data: bytes, address: tuple[str, int]) -> int:  # type: ignore[override]
        self._heard.append(address[0])
        return len(data)


@given(st.lists(ADDRESSES, min_size=1, max_size=8), st.booleans())
def test_an_echo_request_goes_where_the_reference_judge_lets_it_and_nowhere_else(
    addresses: list[Address], literal: bool
) -> None:
    heard: list[str] = []

    async def ping() -> None:
        sockets = IcmpSockets(lambda version: Opened(Mouth(version, heard), is_raw=True))
        for address in addresses:
            is_refused(sockets.echoes(str(address), policy=SHARED, literal=literal).send)
        sockets.close()

    asyncio.run(ping())
    assert heard == [str(address) for address in addresses if not reference(address, literal=literal)]


URLISH = st.text(st.sampled_from("htps:/.@[]%#?\\ \t\n0123456789abcdefx-_xn。１Ⓛé\u200b\u202e\ud800"), max_size=60)


@given(st.one_of(st.text(max_size=80), URLISH, URLISH.map(lambda text: "http://" + text)))
@example("http://[" + "1" * 500 + "]/")
@example("http://xn--" + "9" * 59 + "/")
def test_any_text_is_a_url_or_is_refused_and_a_url_renders_to_itself(text: str) -> None:
    try:
        url = parse_http_url(text)
    except UrlRefused:
        return
    assert parse_http_url(str(url)) == url
    assert str(url).isascii()
    assert set(str(url)).isdisjoint(map(chr, [*range(33), 92, 127]))


@given(st.one_of(st.text(max_size=80), URLISH))
@example("[" + "1" * 500 + "]")
@example("xn--" + "9" * 59)
@example("::ffff:1.2.3.4%eth0")
def test_any_text_is_a_host_that_a_url_takes_too_or_is_refused(text: str) -> None:
    try:
        host = parse_host_text(text)
    except UrlRefused:
        return
    assert parse_host_text(host.name) == host
    url = parse_http_url(f"http://[{host.name}]/" if ":" in host.name else f"http://{host.name}/")
    assert (url.host, url.is_literal) == (host.name, host.is_literal)


@given(st.one_of(st.text(max_size=80), URLISH, st.builds("{}:{}".format, URLISH, st.integers(-1, 70_000))))
@example("1.2.3.4:" + "9" * 5000)
def test_any_text_is_a_resolver_with_a_port_or_is_refused(text: str) -> None:
    try:
        host, port = split_server(text)
    except UrlRefused:
        return
    assert 0 < port < 65_536
    assert host in text


@given(URLISH, st.booleans())
def test_a_redirect_is_a_url_that_shared_regions_may_ask_for_or_is_blocked(
    location: str, has_credentials: bool
) -> None:
    start = parse_http_url("https://example.com/a/b?c")
    code = "followed"
    try:
        target = judge_redirect(start, location, has_credentials=has_credentials, policy=SHARED)
        judge_host(target, SHARED)
    except UrlRefused as refused:
        code = refused.code
    assert code in {"followed", "REDIRECT_BLOCKED"}


def spellings(address: IPv4Address) -> st.SearchStrategy[str]:
    """The ways in which resolvers and libraries are known to take an IPv4 address."""
    value, octets = int(address), address.packed
    plain = [
        str(value), hex(value), oct(value).replace("0o", "0"), ".".join(hex(octet) for octet in octets),
        ".".join(f"0{octet:o}" for octet in octets), ".".join(f"{octet:03d}" for octet in octets),
        f"{octets[0]}.{value & 0xFFFFFF}", f"{octets[0]}.{octets[1]}.{value & 0xFFFF}", f"{address}.", str(address),
        f"[::ffff:{address}]", f"[::{address}]", f"[64:ff9b::{address}]", f"[2002:{octets[0]:x}{octets[1]:02x}::]",
        f"user@{address}", f"{address}%00.example.com", f"example.com@{address}", f"{address}\\@example.com",
    ]  # fmt: skip
    wide = [text.translate({48 + n: 0xFF10 + n for n in range(10)} | {46: dot}) for text in plain[:10] for dot in
            (0x2E, 0x3002, 0xFF0E, 0xFF61)]  # fmt: skip
    return st.sampled_from(plain + wide)


BLOCKED_V4 = st.sampled_from([ip_network(block.network) for block in IPV4_BLOCKS]).flatmap(
    lambda network: st.integers(int(network[0]), int(network[-1])).map(IPv4Address)
)


@given(BLOCKED_V4.flatmap(spellings))
def test_no_spelling_of_a_blocked_address_is_an_allowed_host(host: str) -> None:
    with pytest.raises(UrlRefused):
        judge_host(parse_http_url(f"http://{host}/"), SHARED)
    assert is_refused(lambda: judge_host_text(parse_host_text(host), SHARED))
    for resolver in (host, f"{host}:53"):
        assert is_refused(lambda text=resolver: judge_host_text(parse_host_text(split_server(text)[0]), SHARED))  # type: ignore[misc]


LABELS = st.one_of(
    st.text(st.characters(categories=["Ll", "Lo", "Lm", "Mn", "Mc", "Nd", "Lu", "So", "Cf"]), min_size=1, max_size=12),
    st.text(st.sampled_from("aeßςüé-0١۱אבمن·l・カ漢"), min_size=1, max_size=10),
)


@given(LABELS)
def test_an_internationalised_name_is_what_idna_2008_makes_of_it(label: str) -> None:
    assume(not label.isascii())
    try:
        ours = parse_http_url(f"https://{label}.de/").host
    except UrlRefused:
        return
    lower = "".join(character.lower() if character.isascii() else character for character in label)
    assert ours == idna.encode(f"{lower}.de", uts46=False, strict=True).decode("ascii")


@given(st.text(st.sampled_from("aeiouäöüßéèñçłøбвгдежαβγδ漢字かなカナ한국어"), min_size=1, max_size=12))
def test_lower_case_words_of_living_scripts_are_taken(label: str) -> None:
    assert parse_http_url(f"https://{label}.de/").host
