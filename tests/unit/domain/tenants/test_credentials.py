from __future__ import annotations

import pytest

from control_plane.domain.tenants.credentials import (
    SCOPES,
    KeyKind,
    beyond,
    key_digest,
    key_prefix,
    looks_like_key,
    make_key,
)

KEY = make_key(KeyKind.TENANT, bytes(range(32)))


def test_a_key_of_given_entropy_is_always_the_same() -> None:
    assert KEY == "fw_live_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf2mMG8t"


@pytest.mark.parametrize("kind", list(KeyKind))
@pytest.mark.parametrize("entropy", [bytes(32), b"\xff" * 32, bytes(range(32))])
def test_every_key_has_the_form_of_its_kind_and_of_no_other(kind: KeyKind, entropy: bytes) -> None:
    key = make_key(kind, entropy)
    assert len(key) == len(kind) + 49
    assert [other for other in KeyKind if looks_like_key(key, other)] == [kind]


def test_a_change_of_any_character_breaks_the_checksum() -> None:
    for place in range(len(KEY)):
        other = "a" if KEY[place] != "a" else "b"
        assert not looks_like_key(KEY[:place] + other + KEY[place + 1 :], KeyKind.TENANT)


@pytest.mark.parametrize("text", ["", " ", KEY + " ", " " + KEY, KEY[:-1], KEY.upper(), KEY[:-1] + "é", "\ud800" * 57])
def test_what_is_no_key_does_not_look_like_one(text: str) -> None:
    assert not looks_like_key(text, KeyKind.TENANT)


def test_the_digest_depends_on_the_pepper() -> None:
    assert key_digest(KEY, b"one") != key_digest(KEY, b"two")
    assert len(key_digest(KEY, b"one")) == 32


def test_the_prefix_shows_four_characters_of_the_secret() -> None:
    assert key_prefix(KEY) == KEY[:12]


def test_a_key_hands_on_only_what_it_has() -> None:
    assert beyond(["keys:read", "keys:write", "keys:write"], {"keys:read"}) == ["keys:write"]
    assert beyond(SCOPES, SCOPES) == []
