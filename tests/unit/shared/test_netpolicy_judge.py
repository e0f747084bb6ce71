from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from shared.netpolicy import (
    SHARED,
    Policy,
    UrlRefused,
    blocked_reason,
    judge_address,
    judge_answers,
    judge_host,
    judge_redirect,
    parse_http_url,
    special_name,
)
from shared.netpolicy.registry import BAD_PORTS, IPV4_BLOCKS, IPV6_BLOCKS, Block

LOOPBACK = Policy.of(["127.0.0.0/8", "::1/128"])


@pytest.mark.parametrize("block", IPV4_BLOCKS + IPV6_BLOCKS, ids=lambda block: block.network)
def test_both_ends_of_every_block_are_blocked(block: Block) -> None:
    network = ip_network(block.network)
    for address in (network.network_address, network.broadcast_address):
        assert blocked_reason(address, SHARED, literal=True), address


def test_the_narrowest_block_names_the_reason() -> None:
    assert blocked_reason(ip_address("169.254.169.254"), SHARED, literal=False) == (
        "169.254.169.254/32 is cloud instance metadata (AWS, Google, Azure, Oracle)"
    )


@pytest.mark.parametrize(
    "text",
    [
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "168.63.129.15", "168.63.129.17",
        "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
        "2000::", "2001:200::", "2001:db7:ffff:ffff::", "2001:db9::", "2003::", "2606:4700::1111", "3fff:1000::",
        "3ffd:ffff::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::",
    ],
)  # fmt: skip
def test_the_neighbours_of_blocks_are_public(text: str) -> None:
    assert blocked_reason(ip_address(text), SHARED, literal=True) is None


@pytest.mark.parametrize("half", ["0:5efe", "200:5efe"])
def test_an_isatap_interface_identifier_is_blocked_in_any_prefix(half: str) -> None:
    reason = blocked_reason(ip_address(f"2a00:1450:4001:81b:{half}:0a00:0001"), SHARED, literal=False)
    assert reason is not None
    assert "ISATAP" in reason


def test_nat64_is_blocked_when_written_and_judged_by_the_inside_when_answered() -> None:
    public, private = ip_address("64:ff9b::8.8.8.8"), ip_address("64:ff9b::10.0.0.1")
    assert blocked_reason(public, SHARED, literal=True)
    assert blocked_reason(public, SHARED, literal=False) is None
    assert blocked_reason(private, SHARED, literal=False)
    assert blocked_reason(private, Policy.of(["10.0.0.0/8"]), literal=False) is None


def test_a_private_region_reaches_its_own_ranges_and_the_public_ones_and_no_others() -> None:
    assert blocked_reason(ip_address("127.8.8.8"), LOOPBACK, literal=True) is None
    assert blocked_reason(ip_address("::1"), LOOPBACK, literal=True) is None
    assert blocked_reason(ip_address("8.8.8.8"), LOOPBACK, literal=True) is None
    assert blocked_reason(ip_address("10.0.0.1"), LOOPBACK, literal=True)
    assert blocked_reason(ip_address("::ffff:127.0.0.1"), LOOPBACK, literal=True)


@pytest.mark.parametrize("cidr", ["::/0", "::ffff:0:0/96", "64:ff9b::/96"])
def test_no_ipv6_range_of_a_private_region_opens_ipv4_through_an_address_that_means_one(cidr: str) -> None:
    """A socket takes a mapped address for IPv4, and a gateway what is inside a NAT64 answer."""
    for literal in (True, False):
        assert blocked_reason(ip_address("::ffff:10.0.0.1"), Policy.of([cidr]), literal=literal)
        assert blocked_reason(ip_address("64:ff9b::10.0.0.1"), Policy.of([cidr]), literal=literal)
    assert blocked_reason(ip_address("64:ff9b::10.0.0.1"), Policy.of([cidr, "10.0.0.0/8"]), literal=False) is None


@pytest.mark.parametrize("text", ["http://localhost:2375/", "http://box/", "http://printer.local/", "http://[::1]:22/"])
def test_special_names_and_every_port_are_for_private_regions(text: str) -> None:
    url = parse_http_url(text)
    judge_host(url, LOOPBACK)
    with pytest.raises(UrlRefused):
        judge_host(url, SHARED)


@pytest.mark.parametrize(
    "name",
    ["localhost", "LOCALHOST.", "a.b.localhost", "db.internal", "x.home.arpa", "nas.lan", "host", "a.test", "b.onion"],
)
def test_special_names_are_known_whatever_their_case_and_dot(name: str) -> None:
    assert special_name(name)


@pytest.mark.parametrize("name", ["example.com", "localhost.example.com", "internal.de", "notlocal.net", "test.de"])
def test_a_special_word_elsewhere_in_a_name_means_nothing(name: str) -> None:
    assert special_name(name) is None


def test_an_address_refusal_says_which_address_and_why() -> None:
    with pytest.raises(UrlRefused) as caught:
        judge_address(ip_address("10.1.2.3"), SHARED, literal=True)
    assert caught.value.code == "SSRF_BLOCKED"
    assert caught.value.details == {"address": "10.1.2.3", "reason": "10.0.0.0/8 is private use (RFC 1918)"}


@pytest.mark.parametrize("port", sorted(BAD_PORTS))
def test_a_bad_port_is_blocked_for_shared_regions(port: int) -> None:
    with pytest.raises(UrlRefused) as caught:
        judge_host(parse_http_url(f"http://example.com:{port}/"), SHARED)
    assert caught.value.code == "PORT_BLOCKED"


@pytest.mark.parametrize("port", [80, 443, 3000, 5000, 6443, 8000, 8080, 8443, 9000, 9090, 9200, 65535])
def test_the_ports_that_web_servers_use_are_open(port: int) -> None:
    judge_host(parse_http_url(f"http://example.com:{port}/"), SHARED)


@pytest.mark.parametrize("answers", [["10.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["8.8.8.8", "::1"], ["::ffff:8.8.8.8"]])
def test_one_blocked_answer_blocks_the_set(answers: list[str]) -> None:
    with pytest.raises(UrlRefused):
        judge_answers(map(ip_address, answers), SHARED)


def test_public_answers_and_an_empty_set_pass() -> None:
    judge_answers([], SHARED)
    judge_answers(map(ip_address, ["8.8.8.8", "2606:4700::1111"]), SHARED, aliases=["edge.example.net."])


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b", "https://example.com/b"),
        ("c", "https://example.com/a/c"),
        ("../c?x", "https://example.com/c?x"),
        ("?q=1", "https://example.com/a/b?q=1"),
        ("", "https://example.com/a/b?old"),
        ("#top", "https://example.com/a/b?old"),
        ("//other.example.org/x", "https://other.example.org/x"),
        ("HTTPS://Other.example.org", "https://other.example.org/"),
        (" /with blank ", "https://example.com/with%20blank"),
        ("/ü", "https://example.com/%C3%BC"),
        ("http://example.com/", "http://example.com/"),
        ("https://example.com/" + "a" * 4000, "https://example.com/" + "a" * 4000),
    ],
)
def test_a_redirect_resolves_against_its_page(location: str, target: str) -> None:
    start = parse_http_url("https://example.com/a/b?old")
    assert str(judge_redirect(start, location, has_credentials=False, policy=SHARED)) == target


@pytest.mark.parametrize(
    "location",
    [
        "//10.0.0.1/", "///10.0.0.1/", "/\\10.0.0.1/", "\\\\10.0.0.1\\", "http:10.0.0.1", "http://localhost/",
        "gopher://x/", "javascript:alert(1)", "//user@example.com/", "/a\r\nX: y", "https://example.com:6379/",
        "https://[::1]/", "http://0x7f.1/", "data:,x", "https://" + "a" * 9000, "http:// 10.0.0.1/",
    ],
)  # fmt: skip
def test_a_redirect_to_what_could_not_be_asked_for_is_blocked(location: str) -> None:
    start = parse_http_url("https://example.com/a/b")
    with pytest.raises(UrlRefused) as caught:
        judge_redirect(start, location, has_credentials=False, policy=SHARED)
    assert caught.value.code == "REDIRECT_BLOCKED"


def test_a_private_region_follows_a_redirect_within_its_ranges() -> None:
    start = parse_http_url("http://127.0.0.1:8000/")
    assert judge_redirect(start, "http://127.0.0.1:22/", has_credentials=False, policy=LOOPBACK).port == 22


def test_credentials_never_follow_a_redirect_down_to_http() -> None:
    start = parse_http_url("https://example.com/")
    with pytest.raises(UrlRefused):
        judge_redirect(start, "http://example.com/", has_credentials=True, policy=SHARED)
    assert judge_redirect(start, "https://www.example.com/", has_credentials=True, policy=SHARED).scheme == "https"


def test_the_policy_of_a_region_refuses_what_is_no_network() -> None:
    with pytest.raises(ValueError, match="host bits"):
        Policy.of(["10.0.0.1/8"])
