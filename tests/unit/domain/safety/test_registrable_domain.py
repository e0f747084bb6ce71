"""Whom a check bothers."""

from __future__ import annotations

import pytest

from control_plane.domain.safety.registrable_domain import domain_of, target_of
from shared.checks import Check
from shared.checks.dns import DnsCheck
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.checks.http import HttpCheck
from shared.checks.ping import PingCheck
from shared.checks.tcp import TcpCheck
from shared.checks.tls_cert import TlsCertCheck


@pytest.mark.parametrize(
    ("target", "domain"),
    [
        ("https://api.shop.example.co.uk:8443/health?x=1", "example.co.uk"),
        ("https://EXAMPLE.com", "example.com"),
        ("a.b.example.com.", "example.com"),
        ("alice.github.io", "alice.github.io"),
        ("xn--bcher-kva.de", "xn--bcher-kva.de"),
        ("https://8.8.8.8/", "8.8.8.8"),
        ("https://[2606:4700:4700::1111]/", "2606:4700:4700::1111"),
        ("2606:4700:4700:0:0:0:0:1111", "2606:4700:4700::1111"),
    ],
)
def test_a_public_target_has_a_domain_or_is_an_address(target: str, domain: str) -> None:
    assert domain_of(target) == domain


@pytest.mark.parametrize(
    "target", ["", "http://127.0.0.1:8080/", "10.1.2.3", "http://[::1]/", "localhost", "db", "co.uk", "https://[bad/"]
)
def test_what_is_private_or_nobodys_has_none(target: str) -> None:
    assert domain_of(target) is None


@pytest.mark.parametrize(
    "check",
    [
        HttpCheck(url="https://www.example.com/"),
        TcpCheck(host="www.example.com", port=22),
        PingCheck(host="www.example.com"),
        TlsCertCheck(host="www.example.com"),
        DnsCheck(name="www.example.com"),
        DomainExpiryCheck(domain="example.com"),
    ],
    ids=lambda check: type(check).__name__,
)
def test_every_kind_with_regions_has_a_target(check: Check) -> None:
    assert domain_of(target_of(check)) == "example.com"
