"""Secrets leave a check whole and come back whole."""

from __future__ import annotations

import msgspec
import pytest

from control_plane.domain.checks.secrets_of_check import MASK, CheckSecrets, join, split
from shared.checks import Check, DnsCheck, DomainExpiryCheck, HttpCheck, PingCheck, TcpCheck, TlsCertCheck
from shared.checks.secret_headers import is_secret_header

FULL = HttpCheck(
    url="https://a.example/",
    headers={"Authorization": "Bearer s3cret-1", "Accept": "text/html", "X-Api-Key": "s3cret-2"},
    basic_auth=("user", "s3cret-3"),
    bearer_token="s3cret-4",
)


@pytest.mark.parametrize(
    "check",
    [FULL, HttpCheck(url="https://a.example/"), HttpCheck(url="https://a.example/", bearer_token="t")],
)
def test_what_is_split_joins_to_what_it_was(check: HttpCheck) -> None:
    assert join(*split(check)) == check


def test_no_secret_is_left_in_the_masked_half() -> None:
    masked, _ = split(FULL)
    assert isinstance(masked, HttpCheck)
    assert b"s3cret" not in msgspec.json.encode(masked)
    assert masked.basic_auth == ("user", MASK)
    assert masked.bearer_token == MASK
    assert masked.headers == {"Authorization": MASK, "Accept": "text/html", "X-Api-Key": MASK}


def test_a_check_without_secrets_has_empty_secrets() -> None:
    assert split(HttpCheck(url="https://a.example/", headers={"Accept": "x"}))[1].empty
    assert not split(FULL)[1].empty


def test_a_missing_secret_stays_masked() -> None:
    masked, _ = split(FULL)
    joined = join(masked, CheckSecrets())
    assert isinstance(joined, HttpCheck)
    assert joined.bearer_token == MASK


@pytest.mark.parametrize(
    "check",
    [
        TcpCheck(host="db.example.com", port=6379, send="AUTH x"),
        DnsCheck(name="example.com"),
        PingCheck(host="example.com"),
        TlsCertCheck(host="example.com"),
        DomainExpiryCheck(domain="example.com"),
    ],
)
def test_other_kinds_have_no_secrets(check: Check) -> None:
    assert split(check) == (check, CheckSecrets())
    assert join(check, CheckSecrets()) is check


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "cookie",
        "Proxy-Authorization",
        "X-API-Key",
        "x-auth-token",
        "apikey",
        "X-Amz-Security-Token",
        "X-Session-Id",
    ],
)
def test_headers_that_carry_credentials_are_secret(name: str) -> None:
    assert is_secret_header(name)


@pytest.mark.parametrize("name", ["Accept", "User-Agent", "X-Request-Id", "Content-Type", "X-Farwatch"])
def test_other_headers_are_not_secret(name: str) -> None:
    assert not is_secret_header(name)
