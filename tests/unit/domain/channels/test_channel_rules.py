"""What a channel may be."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.domain.channels import channel_rules
from control_plane.errors import BadRequest, Refused

KINDS = channel_rules.Kinds(
    available=frozenset({"webhook"}),
    known=frozenset({"webhook", "email", "telegram_app", "whatsapp_app"}),
    managed=frozenset({"telegram_app", "whatsapp_app"}),
)


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({"headers": {"Authorization": "Bearer ***"}}, "/config/headers/Authorization"),
        ({"url": "https://***/x"}, "/config/url"),
        ({"list": ["a", "***"]}, "/config/list/1"),
        ({"a/b": "***"}, "/config/a~1b"),
    ],
)
def test_a_mask_is_refused_wherever_it_hides(value: dict[str, Any], pointer: str) -> None:
    with pytest.raises(BadRequest) as refused:
        channel_rules.refuse_mask(value, pointer="/config")
    assert (refused.value.code, refused.value.field) == ("REDACTION_SENTINEL", pointer)


def test_two_asterisks_are_no_mask() -> None:
    channel_rules.refuse_mask({"url": "https://a.example/**"}, pointer="/config")


def test_a_kind_that_is_there_is_taken() -> None:
    assert channel_rules.kind_of({"type": "webhook"}, KINDS) == "webhook"


@pytest.mark.parametrize("kind", [None, 5, "", "slack", "WEBHOOK", "x" * 500])
def test_a_kind_that_is_not_there_is_an_invalid_configuration(kind: object) -> None:
    with pytest.raises(BadRequest) as refused:
        channel_rules.kind_of({"type": kind}, KINDS)
    assert (refused.value.code, refused.value.field) == ("INVALID_CHANNEL_CONFIG", "/config/type")
    assert len(refused.value.message) < 200


@pytest.mark.parametrize("kind", ["telegram_app", "whatsapp_app"])
def test_a_managed_kind_is_never_made_by_a_request(kind: str) -> None:
    with pytest.raises(Refused) as refused:
        channel_rules.kind_of({"type": kind, "chat_id": "1"}, KINDS)
    assert refused.value.code == "CHANNEL_KIND_MANAGED"


def test_a_kind_that_is_not_set_up_here_says_so() -> None:
    with pytest.raises(Refused) as refused:
        channel_rules.kind_of({"type": "email"}, KINDS)
    assert refused.value.code == "CHANNEL_KIND_UNAVAILABLE"


def test_a_merge_patch_keeps_clears_and_merges() -> None:
    stored = {"url": "a", "headers": {"X": "1", "Y": "2"}, "secret": "s"}
    patch = {"headers": {"X": None, "Z": "3"}, "secret": None}
    assert channel_rules.merged(stored, patch) == {"url": "a", "headers": {"Y": "2", "Z": "3"}}
    assert stored["secret"] == "s"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "169.254.169.254"},
        {"X": "a\r\nHost: b"},
        {"X": "a\nb"},
        {"X": "a\x00"},
        {"X": "☃"},
        {"X": " padded"},
        {"X A": "1"},
        {"": "1"},
        {"X:": "1"},
        {"Content-Length": "0"},
        {"transfer-encoding": "chunked"},
        {"Connection": "Upgrade"},
        {"Content-Type": "text/plain"},
        {"Metadata": "true"},
        {"X-aws-ec2-metadata-token-ttl-seconds": "1"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Proxy-Authorization": "x"},
        {"webhook-id": "x"},
        {"X-Farwatch-Signature": "x"},
        {"X-A": "1", "x-a": "2"},
        {"X": "a" * 8192},
        {f"X-{n}": "1" for n in range(21)},
    ],
)
def test_headers_that_frame_route_or_forge_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(BadRequest) as refused:
        channel_rules.check_headers(headers)
    assert refused.value.code == "INVALID_HEADER"


def test_ordinary_headers_are_taken() -> None:
    channel_rules.check_headers({"Authorization": "Bearer t", "X-Team": "ops", "User-Agent": "mine", "X-Empty": ""})
