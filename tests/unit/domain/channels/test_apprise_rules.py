"""Apprise URLs before Apprise reads them."""

from __future__ import annotations

import pytest

from control_plane.domain.channels.apprise_rules import destination, read_schema
from control_plane.errors import BadRequest
from shared.netpolicy import SHARED, Policy


@pytest.mark.parametrize(
    ("url", "schema"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", "slack"),
        ("jsons://user:pass@example.com/path?+X-Token=a", "jsons"),
        ("TGRAM://123456789:abcdefg_hijklmnop/12315544/", "tgram"),
        ("mailtos://user:pass@example.com", "mailtos"),
        ("46elks://user:pass@+15551234567", "46elks"),
        ("json://93.184.216.34:8080/?verify=yes", "json"),
    ],
)
def test_what_apprise_documents_is_taken(url: str, schema: str) -> None:
    assert read_schema(url, SHARED) == schema


@pytest.mark.parametrize(
    "url",
    [
        "",
        "slack",
        "slack:/a/b",
        "slack://a b/c",
        "slack://é/b",
        "json://example.com/\n",
        "json://example.com/" + "x" * 2048,
        "syslog://",
        "syslog://x",
        "RSYSLOG://example.com",
        "dbus://x",
        "windows://x",
        "apprises://example.com/token",
        "file:///etc/passwd",
        "json://example.com/?attach=/etc/passwd",
        "slack://a/b/c?template=/etc/passwd",
        "jsons://example.com/?%74emplate=x",
        "jsons://example.com/?verify=no",
        "jsons://example.com/?verify=",
        "json://[::1/",
    ],
)
def test_what_no_release_may_let_through_is_refused_at_its_field(url: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_schema(url, SHARED)
    assert (refused.value.code, refused.value.field) == ("INVALID_CHANNEL_CONFIG", "/config/url")


@pytest.mark.parametrize(
    "url",
    [
        "json://169.254.169.254/latest",
        "jsons://user:pass@10.0.0.1:443/",
        "json://[::1]:8080/",
        "json://[::ffff:10.0.0.1]/",
        "json://localhost/",
        "json://LOCALHOST.:80/",
        "json://farwatch.localhost/",
    ],
)
def test_a_blocked_address_is_refused_when_it_is_saved(url: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_schema(url, SHARED)
    assert (refused.value.code, refused.value.field) == ("SSRF_BLOCKED", "/config/url")


def test_an_allowed_address_is_taken() -> None:
    assert read_schema("json://127.0.0.1:8080/", Policy.of(["127.0.0.0/8"])) == "json"


def test_rules_of_the_operator_find_the_host_and_tokens_are_not_told() -> None:
    assert destination("jsons://user:pass@Example.com:443/a") == "example.com"
    assert destination("slack://T1JJ3T3L2/A1BRTD4JD/TIia") == "slack.apprise.invalid"
    assert destination("tgram://123:abc.def/1") == "tgram.apprise.invalid"
