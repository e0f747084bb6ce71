from __future__ import annotations

import base64

import pytest

from control_plane.errors import StartupRefused
from control_plane.sealing import Sealer, UnsealError

OLD, NEW = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


def test_what_was_sealed_opens_in_its_context_only() -> None:
    sealer = Sealer.from_setting(f"k1:{OLD}")
    sealed = sealer.seal(b"a secret", context="channel:a:b")
    assert b"a secret" not in sealed
    assert sealer.open(sealed, context="channel:a:b") == b"a secret"
    with pytest.raises(UnsealError):
        sealer.open(sealed, context="channel:a:c")


def test_sealing_twice_gives_two_texts() -> None:
    sealer = Sealer.from_setting(f"k1:{OLD}")
    assert sealer.seal(b"x", context="c") != sealer.seal(b"x", context="c")


def test_the_first_key_seals_and_the_others_still_open() -> None:
    before = Sealer.from_setting(f"k1:{OLD}").seal(b"x", context="c")
    both = Sealer.from_setting(f"k2:{NEW}, k1:{OLD}")
    assert both.open(before, context="c") == b"x"
    after = both.seal(b"x", context="c")
    assert Sealer.from_setting(f"k2:{NEW}").open(after, context="c") == b"x"
    with pytest.raises(UnsealError, match="does not hold"):
        Sealer.from_setting(f"k1:{OLD}").open(after, context="c")


def test_a_change_of_any_byte_is_noticed() -> None:
    sealer = Sealer.from_setting(f"k1:{OLD}")
    sealed = sealer.seal(b"secret", context="c")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(UnsealError):
            sealer.open(bytes(changed), context="c")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01\x02k1", b"\x01\xffk1", b"\x00plain"])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(UnsealError):
        Sealer.from_setting(f"k1:{OLD}").open(sealed, context="c")


def test_without_a_key_only_development_goes_on() -> None:
    with pytest.raises(StartupRefused, match="sealing_keys is not set"):
        Sealer.from_setting("")
    plain = Sealer.from_setting("", allow_unsealed=True)
    assert plain.open(plain.seal(b"x", context="c"), context="c") == b"x"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        (f"k1:{base64.b64encode(b'x' * 31).decode()}", "key k1 is 31 bytes, it must be 32"),
        (f"k1:{base64.b64encode(b'x' * 33).decode()}", "key k1 is 33 bytes"),
        ("k1:not base64", "key k1 is not base64"),
        ("k1:é", "key k1 is not base64"),
        (OLD, "each entry is id:base64"),
        (f"a b:{OLD}", "each entry is id:base64"),
        (f"{'k' * 33}:{OLD}", "each entry is id:base64"),
    ],
)
def test_a_malformed_key_refuses_to_start_and_is_not_shown(setting: str, said: str) -> None:
    with pytest.raises(StartupRefused) as refusal:
        Sealer.from_setting(setting)
    assert said in str(refusal.value)
    assert OLD not in str(refusal.value)
