"""What may be submitted for each kind of check besides http, and what is refused with which code at which place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from control_plane.domain.checks.check_rules import RULES, read_check, target_of
from control_plane.domain.checks.kinds import SPECS, for_regions
from control_plane.errors import BadRequest
from shared.checks import (
    CHECKS,
    Check,
    DnsCheck,
    DomainExpiryCheck,
    PingCheck,
    TcpCheck,
    TlsCertCheck,
    kind_of,
)
from shared.netpolicy import PortProfile

LEAST: Mapping[str, Mapping[str, Any]] = {
    "http": {"url": "https://a.example.com/"},
    "tcp": {"host": "db.example.com", "port": 5432},
    "dns": {"name": "example.com"},
    "ping": {"host": "example.com"},
    "tls_cert": {"host": "example.com"},
    "domain_expiry": {"domain": "example.com"},
}
"""The least that each kind has to be told."""


def create(kind: str, *, private: bool = False, ports: PortProfile = "any", **fields: Any) -> Check:
    return for_regions(read_check({"type": kind, **LEAST[kind], **fields}, policy_is_private=private, ports=ports))


def refused(kind: str, **fields: Any) -> tuple[str, str | None]:
    with pytest.raises(BadRequest) as caught:
        create(kind, **fields)
    return caught.value.code, caught.value.field


def test_every_kind_has_rules_with_a_reader_for_each_of_its_fields() -> None:
    assert set(RULES) == set(SPECS)
    assert set(CHECKS) == set(LEAST)
    for kind, rules in RULES.items():
        names = set(SPECS[kind].__struct_fields__)
        assert set(rules.fields) == names, kind
        assert {*rules.required, *rules.target, *rules.nullable, *rules.secret_fields} <= names, kind
        assert kind not in LEAST or set(rules.required) == set(LEAST[kind]), kind


@pytest.mark.parametrize("kind", sorted(LEAST))
def test_the_least_is_a_whole_check(kind: str) -> None:
    assert create(kind) == CHECKS[kind](**LEAST[kind])


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, least in LEAST.items() for name in least])
def test_what_is_required_is_named_when_it_is_missing(kind: str, name: str) -> None:
    assert refused(kind, **{name: None}) == ("MISSING_FIELD", f"/check/{name}")


@pytest.mark.parametrize("kind", sorted(LEAST))
def test_every_kind_has_a_timeout_and_no_field_of_another(kind: str) -> None:
    assert create(kind, timeout=1000).timeout == 1000
    assert refused(kind, timeout=999) == ("INVALID_TIMEOUT", "/check/timeout")
    assert refused(kind, timeout=60_001) == ("INVALID_TIMEOUT", "/check/timeout")
    assert refused(kind, nope=1) == ("UNKNOWN_FIELD", "/check/nope")


TAKEN: list[tuple[str, dict[str, Any]]] = [
    ("tcp", {"host": "DB.Example.com."}),
    ("tcp", {"host": "bücher.example.com"}),
    ("tcp", {"host": "8.8.8.8", "port": 1}),
    ("tcp", {"host": "2606:4700:4700::1111", "port": 65_535}),
    ("tcp", {"host": "[2606:4700:4700::1111]"}),
    ("tcp", {"send": "é" * 8192, "expect": "x" * 1024, "degraded_above_ms": 1}),
    ("dns", {"name": "_dmarc.example.com", "record_type": "TXT"}),
    ("dns", {"name": "1.0.0.127.in-addr.arpa", "record_type": "PTR"}),
    ("dns", {"name": "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."}),
    ("dns", {"name": "bücher.example.com"}),
    ("dns", {"name": "com", "record_type": "NS"}),
    ("dns", {"name": ".", "record_type": "NS"}),
    ("dns", {"name": "*.example.com"}),
    ("dns", {"name": "5.0/25.2.0.192.in-addr.arpa", "record_type": "PTR"}),
    ("dns", {"name": "192.0.2.1", "record_type": "PTR"}),
    ("dns", {"name": "2001:db8::1", "record_type": "PTR"}),
    ("dns", {"expected": ["x" * 1024] + [str(i) for i in range(19)], "exact": True}),
    ("dns", {"resolver": "dns.google"}),
    ("dns", {"resolver": "9.9.9.9:53"}),
    ("dns", {"resolver": "dns.quad9.net:853"}),
    ("dns", {"resolver": "[2620:fe::fe]:853"}),
    ("dns", {"resolver": "2620:fe::fe"}),
    ("ping", {"count": 1, "max_loss_pct": 0}),
    ("ping", {"count": 10, "max_loss_pct": 99, "degraded_above_ms": 60_000}),
    ("tls_cert", {"port": 8443, "server_name": "www.example.com", "warn_days": 365, "critical_days": 364}),
    ("tls_cert", {"host": "8.8.8.8", "server_name": "dns.google", "warn_days": 1, "critical_days": 0}),
    ("domain_expiry", {"domain": "Example.CO.uk."}),
    ("domain_expiry", {"domain": "bücher.de", "warn_days": 60, "critical_days": 30}),
    ("domain_expiry", {"domain": "xn--bcher-kva.de"}),
    ("domain_expiry", {"domain": "github.io"}),
]


@pytest.mark.parametrize(("kind", "fields"), TAKEN)
def test_what_is_taken_is_kept_as_it_was_written(kind: str, fields: dict[str, Any]) -> None:
    check = create(kind, **fields)
    assert kind_of(check) == kind
    assert {name: getattr(check, name) for name in fields} == {
        name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()
    }


def test_a_record_type_is_read_whatever_its_case_and_a_value_counts_once() -> None:
    check = create("dns", record_type="mx", expected=["a", "b", "a"])
    assert check == DnsCheck(name="example.com", record_type="MX", expected=("a", "b"))


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("tcp", {"host": ""}, "INVALID_TCP_HOST", "host"),
    ("tcp", {"host": "db example"}, "INVALID_TCP_HOST", "host"),
    ("tcp", {"host": "db.example.com:5432"}, "INVALID_TCP_HOST", "host"),
    ("tcp", {"host": "https://db.example.com"}, "INVALID_TCP_HOST", "host"),
    ("tcp", {"host": "0x7f.1"}, "INVALID_TCP_HOST", "host"),
    ("tcp", {"host": "a" * 1025}, "INVALID_TCP_HOST", "host"),
    ("tcp", {"host": 7}, "INVALID_TYPE", "host"),
    ("tcp", {"host": "127.0.0.1"}, "SSRF_BLOCKED", "host"),
    ("tcp", {"host": "::1"}, "SSRF_BLOCKED", "host"),
    ("tcp", {"host": "db.internal"}, "SSRF_BLOCKED", "host"),
    ("tcp", {"host": "postgres"}, "SSRF_BLOCKED", "host"),
    ("tcp", {"port": 0}, "INVALID_TCP_PORT", "port"),
    ("tcp", {"port": 65_536}, "INVALID_TCP_PORT", "port"),
    ("tcp", {"port": "22"}, "INVALID_TYPE", "port"),
    ("tcp", {"port": True}, "INVALID_TYPE", "port"),
    ("tcp", {"send": ""}, "INVALID_TCP_PARAMS", "send"),
    ("tcp", {"send": "é" * 8193}, "INVALID_TCP_PARAMS", "send"),
    ("tcp", {"send": "a\0b"}, "INVALID_STRING", "send"),
    ("tcp", {"expect": ""}, "INVALID_TCP_PARAMS", "expect"),
    ("tcp", {"expect": "x" * 1025}, "INVALID_TCP_PARAMS", "expect"),
    ("tcp", {"degraded_above_ms": 0}, "INVALID_DEGRADED_ABOVE", "degraded_above_ms"),
    ("dns", {"name": "exa mple.com"}, "INVALID_DNS_PARAMS", "name"),
    ("dns", {"name": "192.0.2.1"}, "INVALID_DNS_PARAMS", "name"),
    ("dns", {"name": ".".join(["a" * 63] * 4)}, "INVALID_DNS_PARAMS", "name"),
    ("dns", {"name": "a." * 125 + "in-addr.arpa"}, "INVALID_DNS_PARAMS", "name"),
    ("dns", {"name": "-x.example.com"}, "INVALID_DNS_PARAMS", "name"),
    ("dns", {"name": "a.*.example.com"}, "INVALID_DNS_PARAMS", "name"),
    ("dns", {"name": "example.com/health"}, "INVALID_DNS_PARAMS", "name"),
    ("dns", {"name": "https://example.com"}, "INVALID_DNS_PARAMS", "name"),
    ("dns", {"name": "example..com"}, "INVALID_DNS_PARAMS", "name"),
    ("dns", {"name": "[2001:db8::1]", "record_type": "PTR"}, "INVALID_DNS_PARAMS", "name"),
    ("dns", {"name": "192.0.2.1.", "record_type": "PTR"}, "INVALID_DNS_PARAMS", "name"),
    ("dns", {"name": "192.0.2.010", "record_type": "PTR"}, "INVALID_DNS_PARAMS", "name"),
    ("dns", {"record_type": "ANY"}, "INVALID_DNS_PARAMS", "record_type"),
    ("dns", {"record_type": 1}, "INVALID_TYPE", "record_type"),
    ("dns", {"expected": "192.0.2.1"}, "INVALID_TYPE", "expected"),
    ("dns", {"expected": [str(i) for i in range(21)]}, "INVALID_DNS_PARAMS", "expected"),
    ("dns", {"expected": ["a", ""]}, "INVALID_DNS_PARAMS", "expected/1"),
    ("dns", {"expected": ["x" * 1025]}, "INVALID_DNS_PARAMS", "expected/0"),
    ("dns", {"expected": [1]}, "INVALID_TYPE", "expected/0"),
    ("dns", {"exact": True}, "INVALID_DNS_PARAMS", "exact"),
    ("dns", {"exact": "yes", "expected": ["a"]}, "INVALID_TYPE", "exact"),
    ("dns", {"resolver": "9.9.9.9:"}, "INVALID_DNS_PARAMS", "resolver"),
    ("dns", {"resolver": "9.9.9.9:0"}, "INVALID_DNS_PARAMS", "resolver"),
    ("dns", {"resolver": "9.9.9.9:65536"}, "INVALID_DNS_PARAMS", "resolver"),
    ("dns", {"resolver": "udp://9.9.9.9"}, "INVALID_DNS_PARAMS", "resolver"),
    ("dns", {"resolver": "9.9.9.9:22"}, "PORT_BLOCKED", "resolver"),
    ("dns", {"name": "db.internal"}, "SSRF_BLOCKED", "name"),
    ("dns", {"resolver": "10.0.0.53"}, "SSRF_BLOCKED", "resolver"),
    ("dns", {"resolver": "[::1]:53"}, "SSRF_BLOCKED", "resolver"),
    ("dns", {"resolver": "::1"}, "SSRF_BLOCKED", "resolver"),
    ("ping", {"host": "8.8.8.8; id"}, "INVALID_URL_FORMAT", "host"),
    ("ping", {"host": "-f 8.8.8.8"}, "INVALID_URL_FORMAT", "host"),
    ("ping", {"host": "10.1.2.3"}, "SSRF_BLOCKED", "host"),
    ("ping", {"count": 0}, "INVALID_PING_PARAMS", "count"),
    ("ping", {"count": 11}, "INVALID_PING_PARAMS", "count"),
    ("ping", {"max_loss_pct": 100}, "INVALID_PING_PARAMS", "max_loss_pct"),
    ("ping", {"max_loss_pct": -1}, "INVALID_PING_PARAMS", "max_loss_pct"),
    ("tls_cert", {"host": "exa mple.com"}, "INVALID_TLS_CERT_PARAMS", "host"),
    ("tls_cert", {"host": "192.168.0.1"}, "SSRF_BLOCKED", "host"),
    ("tls_cert", {"port": 0}, "INVALID_TLS_CERT_PARAMS", "port"),
    ("tls_cert", {"server_name": "127.0.0.1"}, "INVALID_TLS_CERT_PARAMS", "server_name"),
    ("tls_cert", {"server_name": "[2001:db8::1]"}, "INVALID_TLS_CERT_PARAMS", "server_name"),
    ("tls_cert", {"server_name": ""}, "INVALID_TLS_CERT_PARAMS", "server_name"),
    ("tls_cert", {"warn_days": 7, "critical_days": 7}, "INVALID_TLS_CERT_PARAMS", "warn_days"),
    ("tls_cert", {"warn_days": 366}, "INVALID_TLS_CERT_PARAMS", "warn_days"),
    ("tls_cert", {"critical_days": -1}, "INVALID_TLS_CERT_PARAMS", "critical_days"),
    ("tls_cert", {"verify_tls": False}, "UNKNOWN_FIELD", "verify_tls"),
    ("domain_expiry", {"domain": "localhost"}, "INVALID_DOMAIN_PARAMS", "domain"),
    ("domain_expiry", {"domain": "https://example.com"}, "INVALID_DOMAIN_PARAMS", "domain"),
    ("domain_expiry", {"domain": "com"}, "INVALID_DOMAIN_PARAMS", "domain"),
    ("domain_expiry", {"domain": "co.uk"}, "INVALID_DOMAIN_PARAMS", "domain"),
    ("domain_expiry", {"domain": "my_site.com"}, "INVALID_DOMAIN_PARAMS", "domain"),
    ("domain_expiry", {"domain": "example.com\n"}, "INVALID_DOMAIN_PARAMS", "domain"),
    ("domain_expiry", {"domain": "192.0.2.1"}, "INVALID_DOMAIN_PARAMS", "domain"),
    ("domain_expiry", {"domain": "example.internal"}, "INVALID_DOMAIN_PARAMS", "domain"),
    ("domain_expiry", {"domain": "2.0.192.in-addr.arpa"}, "INVALID_DOMAIN_PARAMS", "domain"),
    ("domain_expiry", {"warn_days": 7}, "INVALID_DOMAIN_PARAMS", "warn_days"),
    ("domain_expiry", {"port": 43}, "UNKNOWN_FIELD", "port"),
]


@pytest.mark.parametrize(("kind", "fields", "code", "place"), REFUSED)
def test_what_cannot_be_is_refused_where_it_stands(kind: str, fields: dict[str, Any], code: str, place: str) -> None:
    assert refused(kind, **fields) == (code, f"/check/{place}")


@pytest.mark.parametrize(
    ("domain", "remedy"),
    [
        ("www.example.com", "example.com"),
        ("shop.example.co.uk", "example.co.uk"),
        ("project.github.io", "github.io"),
        ("www.bücher.de", "xn--bcher-kva.de"),
    ],
)
def test_a_name_below_a_registered_domain_is_refused_with_that_domain(domain: str, remedy: str) -> None:
    with pytest.raises(BadRequest, match=f"use {remedy}$") as caught:
        create("domain_expiry", domain=domain)
    assert caught.value.code == "INVALID_DOMAIN_PARAMS"


def test_one_answer_names_every_bad_field_of_any_kind() -> None:
    with pytest.raises(BadRequest) as caught:
        create("tcp", host="", port=0, expect="")
    assert caught.value.details is not None
    assert [caught.value.code, *(other["code"] for other in caught.value.details["also"])] == [
        "INVALID_TCP_HOST",
        "INVALID_TCP_PORT",
        "INVALID_TCP_PARAMS",
    ]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("tcp", {"host": "127.0.0.1", "port": 22}),
        ("tcp", {"host": "postgres"}),
        ("dns", {"resolver": "10.0.0.53:5353"}),
        ("ping", {"host": "192.168.1.1"}),
        ("tls_cert", {"host": "nas.lan", "port": 8006}),
        ("domain_expiry", {"domain": "example.internal"}),
    ],
)
def test_agents_of_private_regions_judge_the_target_themselves(kind: str, fields: dict[str, Any]) -> None:
    assert kind_of(create(kind, private=True, ports="strict", **fields)) == kind
    assert refused(kind, **fields)[0] in {"SSRF_BLOCKED", "INVALID_DOMAIN_PARAMS"}


@pytest.mark.parametrize("kind", ["tcp", "tls_cert"])
def test_the_strict_profile_allows_the_ports_of_web_servers(kind: str) -> None:
    assert kind_of(create(kind, ports="strict", port=8443)) == kind
    assert refused(kind, ports="strict", port=5432) == ("PORT_BLOCKED", "/check/port")
    assert kind_of(create(kind, ports="any", port=5432)) == kind


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("tcp://db.example.com:5432", TcpCheck(host="db.example.com", port=5432)),
        ("dns://example.com?type=MX", DnsCheck(name="example.com", record_type="MX")),
        ("ping://example.com", PingCheck(host="example.com")),
        ("tls://example.com:443", TlsCertCheck(host="example.com")),
        ("domain://example.com", DomainExpiryCheck(domain="example.com")),
    ],
)
def test_a_text_is_judged_like_the_object_that_it_stands_for(text: str, check: Check) -> None:
    assert read_check(text, policy_is_private=False) == check
    assert read_check(text, stored=check, policy_is_private=False) == check


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("tcp://127.0.0.1:22", "SSRF_BLOCKED"),
        ("tcp://db.example.com:0", "INVALID_TCP_PORT"),
        ("tcp://db.example.com:99999", "INVALID_TCP_PORT"),
        ("tcp://db.example.com", "INVALID_URL_FORMAT"),
        ("dns://example.com?type=MX&resolver=8.8.8.8:22", "PORT_BLOCKED"),
        ("dns://-.example.com", "INVALID_DNS_PARAMS"),
        ("ping://127.0.0.1", "SSRF_BLOCKED"),
        ("tls://localhost", "SSRF_BLOCKED"),
        ("domain://www.example.com", "INVALID_DOMAIN_PARAMS"),
        ("domain://localhost", "INVALID_DOMAIN_PARAMS"),
    ],
)
def test_a_text_is_refused_as_a_whole(text: str, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_check(text, policy_is_private=False)
    assert (caught.value.code, caught.value.field) == (code, "/check")


def patch(stored: Check, value: object) -> Check:
    return for_regions(read_check(value, stored=stored, policy_is_private=False))


def test_a_patch_is_judged_on_the_merged_state() -> None:
    stored = TlsCertCheck(host="example.com", warn_days=30, critical_days=20)
    assert patch(stored, {"server_name": "www.example.com"}).timeout == 10_000
    assert patch(stored, {"warn_days": 21}) == TlsCertCheck(host="example.com", warn_days=21, critical_days=20)
    assert patch(stored, {"warn_days": None, "critical_days": None}) == TlsCertCheck(host="example.com")
    with pytest.raises(BadRequest, match="critical_days, 20"):
        patch(stored, {"warn_days": None})
    exact = DnsCheck(name="example.com", expected=("a",), exact=True)
    with pytest.raises(BadRequest, match="exact"):
        patch(exact, {"expected": []})
    assert patch(exact, {"expected": ["b", "c"]}) == DnsCheck(name="example.com", expected=("b", "c"), exact=True)
    assert patch(TcpCheck(host="example.com", port=1, send="x"), {"send": None}) == TcpCheck(host="example.com", port=1)


@pytest.mark.parametrize(
    "value",
    [{"type": "http", "url": "https://a.example.com/"}, {"type": "tcp"}, "https://a.example.com/", "ping://a.de"],
)
def test_a_kind_never_becomes_another(value: object) -> None:
    with pytest.raises(BadRequest) as caught:
        patch(DnsCheck(name="example.com"), value)
    assert caught.value.code == "CHECK_KIND_IMMUTABLE"


def test_a_bare_object_is_http_only_by_its_url() -> None:
    with pytest.raises(BadRequest) as caught:
        read_check({"host": "example.com", "port": 22}, policy_is_private=False)
    assert (caught.value.code, caught.value.field) == ("MISSING_FIELD", "/check/type")


def test_checks_watch_the_same_when_their_targets_agree() -> None:
    assert target_of(create("tcp", send="x")) == target_of(create("tcp", timeout=2000))
    assert target_of(create("tcp", port=1)) != target_of(create("tcp", port=2))
    assert target_of(create("dns")) != target_of(create("dns", record_type="MX"))
    assert target_of(create("ping")) != target_of(create("tls_cert"))
