from __future__ import annotations

import re

import msgspec
import pytest

from shared.checks import (
    CHECKS,
    Check,
    CheckTextRefused,
    DnsCheck,
    DomainExpiryCheck,
    HttpCheck,
    PingCheck,
    TcpCheck,
    TlsCertCheck,
    expand,
    kind_of,
)
from shared.netpolicy import UrlRefused, parse_host_text


@pytest.mark.parametrize("text", ["https://a.example.com/health", "HTTP://A.example.com", "http:oops"])
def test_a_web_address_stands_for_an_http_check_with_every_default(text: str) -> None:
    assert expand(text) == HttpCheck(url=text)


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("tcp://db.example.com:5432", TcpCheck(host="db.example.com", port=5432)),
        ("tcp://[2001:db8::1]:22/", TcpCheck(host="[2001:db8::1]", port=22)),
        ("dns://example.com", DnsCheck(name="example.com")),
        ("dns://example.com?type=mx", DnsCheck(name="example.com", record_type="MX")),
        (
            "dns://a.example?type=TXT&resolver=9.9.9.9",
            DnsCheck(name="a.example", record_type="TXT", resolver="9.9.9.9"),
        ),
        ("PING://example.com", PingCheck(host="example.com")),
        ("tls://example.com", TlsCertCheck(host="example.com")),
        ("tls://example.com:8443", TlsCertCheck(host="example.com", port=8443)),
        ("domain://example.com", DomainExpiryCheck(domain="example.com")),
    ],
)
def test_a_text_stands_for_the_check_of_its_scheme(text: str, check: Check) -> None:
    assert expand(text) == check


@pytest.mark.parametrize("text", ["ssh://a", "icmp://a", "file:///etc/passwd"])
def test_a_scheme_of_no_kind_is_refused_as_a_scheme(text: str) -> None:
    with pytest.raises(CheckTextRefused) as caught:
        expand(text)
    assert caught.value.code == "INVALID_URL_SCHEME"


@pytest.mark.parametrize(
    "text",
    [
        *("", "a.example.com", "https", "//a.example.com", ":x", "a b://c"),
        *("tcp://a", "tcp:a:1", "tcp://u@a:1", "tcp://a:1/path", "ping://a:7", "ping://a?count=2", "dns://a?type=ANY"),
        *("dns://a?x=1", "tls://a:x", "domain://a:43", "domain://", "tcp://::1:80", "tls://a#b"),
    ],
)
def test_text_of_another_form_is_refused_as_a_url(text: str) -> None:
    with pytest.raises(CheckTextRefused) as caught:
        expand(text)
    assert caught.value.code == "INVALID_URL_FORMAT"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tcp://a", "the port is missing; a check of this kind is written like tcp://db.example.com:5432"),
        ("ping://a:7", "a port has no meaning here"),
        ("ping://a?count=2", "the parameter 'count' is not known in a text"),
        ("dns://a?type=ANY", "the record type must be one of A, AAAA, CNAME"),
        ("tcp://a:1/path", "a check of this kind is written like tcp://db.example.com:5432"),
    ],
)
def test_what_is_wrong_with_a_text_is_told(text: str, words: str) -> None:
    with pytest.raises(CheckTextRefused, match=re.escape(words)):
        expand(text)


@pytest.mark.parametrize(("host", "is_told"), [("user@db.example", True), ("two words", False)])
def test_a_host_is_told_of_credentials_only_where_it_may_hold_some(host: str, is_told: bool) -> None:
    with pytest.raises(UrlRefused) as caught:
        parse_host_text(host)
    assert ("basic_auth" in str(caught.value)) is is_told


def test_the_table_names_each_kind_by_its_tag() -> None:
    assert {kind: spec.__struct_config__.tag for kind, spec in CHECKS.items()} == {kind: kind for kind in CHECKS}
    assert msgspec.json.decode(b'{"type":"http","url":"x"}', type=HttpCheck) == HttpCheck(url="x")
    assert kind_of(DomainExpiryCheck(domain="x")) == "domain_expiry"
