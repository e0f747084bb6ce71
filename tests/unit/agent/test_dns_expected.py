"""Expected DNS values are compared as people write them."""

from __future__ import annotations

import pytest

from agent.checks.dns_expected import Difference, compare
from agent.checks.dns_question import owner_name, split_server
from agent.dns.wire import PTR, A
from shared.checks.dns import RecordType
from shared.netpolicy import UrlRefused

SAME: list[tuple[RecordType, str, str]] = [
    ("A", "192.0.2.1", " 192.0.2.1 "),
    ("AAAA", "2001:db8::1", "2001:0DB8:0:0::0001"),
    ("CNAME", "edge.example.net", "Edge.Example.NET."),
    ("CNAME", "xn--mnchen-3ya.example", "münchen.example"),
    ("CNAME", "xn--mnchen-3ya.example", "München.example."),
    ("NS", "ns1.example.com", "ns1.example.com."),
    ("PTR", "localhost", "LOCALHOST"),
    ("MX", "10 mail.example.com", "10  Mail.example.com."),
    ("MX", "10 mail.example.com", "mail.example.com"),
    ("MX", "0 .", "0 ."),
    ("MX", "0 .", "."),
    ("SRV", "10 60 5060 sip.example.com", "10 60 5060 sip.example.com."),
    ("SRV", "10 60 5060 sip.example.com", "sip.example.com"),
    ("SRV", "10 60 5060 sip.example.com", "sip.example.com:5060"),
    ("SOA", "ns1.example.com host.example.com 7 1 2 3 4", "ns1.example.com. host.example.com. 7 1 2 3 4"),
    ("SOA", "ns1.example.com host.example.com 7 1 2 3 4", "ns1.example.com"),
    ("SOA", "ns1.example.com host.example.com 7 1 2 3 4", "7"),
    ("TXT", "v=spf1 -all", "V=SPF1 -all"),
    ("TXT", "v=spf1 -all", '"v=spf1 -all"'),
    ("TXT", "k=rsa; p=MIGf", '"k=rsa; p=" "MIGf"'),
    ("TXT", "", '""'),
    ("CAA", '0 issue "ca.example"', "0 issue ca.example"),
    ("CAA", '0 issue "ca.example"', 'issue "ca.example"'),
    ("CAA", '0 issue "ca.example"', "ca.example"),
]


@pytest.mark.parametrize(("record_type", "value", "expected"), SAME)
def test_a_value_is_known_by_any_of_its_spellings(record_type: RecordType, value: str, expected: str) -> None:
    assert compare([value], record_type=record_type, expected=[expected], exact=True) is None


OTHER: list[tuple[RecordType, str, str]] = [
    ("A", "192.0.2.1", "192.0.2.11"),
    ("MX", "10 mail.example.com", "20 mail.example.com"),
    ("MX", "10 mail.example.com", "example.com"),
    ("MX", "10 mail.example.com", "10"),
    ("SRV", "10 60 5060 sip.example.com", "sip.example.com:60"),
    ("TXT", "v=spf1 -all", "v=spf1"),
    ("CAA", '0 issue "ca.example"', "0 issuewild ca.example"),
]


@pytest.mark.parametrize(("record_type", "value", "expected"), OTHER)
def test_another_value_is_both_missing_and_surplus(record_type: RecordType, value: str, expected: str) -> None:
    found = compare([value], record_type=record_type, expected=[expected], exact=True)
    assert found == Difference((expected,), (value,))


def test_without_expectations_everything_is_as_expected() -> None:
    assert compare(["192.0.2.1"], record_type="A", expected=(), exact=True) is None


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("dns.example.com:853", ("dns.example.com", 853)),
        ("[2001:db8::53]:5353", ("[2001:db8::53]", 5353)),
        ("[2001:db8::53]", ("[2001:db8::53]", 53)),
        ("2001:db8::53", ("2001:db8::53", 53)),
    ],
)
def test_a_resolver_is_read_in_each_of_its_forms(text: str, server: tuple[str, int]) -> None:
    assert split_server(text) == server


@pytest.mark.parametrize("text", ["", ":53", "a:", "a:0", "a:65536", "a:+53", "[::1]53", "[::1", "[::1]:53:53"])
def test_a_resolver_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(UrlRefused):
        split_server(text)


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        (".", A, ""),
        ("Example.com.", A, "example.com"),
        ("_dmarc.*.example.com", A, "_dmarc.*.example.com"),
        ("0/25.2.0.192.in-addr.arpa", PTR, "0/25.2.0.192.in-addr.arpa"),
        ("192.0.2.1", PTR, "1.2.0.192.in-addr.arpa"),
        ("192.0.2.1", A, "192.0.2.1"),
        ("münchen.example", A, "xn--mnchen-3ya.example"),
    ],
)
def test_an_owner_name_may_be_wider_than_a_hosts(text: str, kind: int, name: str) -> None:
    assert owner_name(text, kind) == name
