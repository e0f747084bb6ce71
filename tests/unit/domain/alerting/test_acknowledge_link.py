"""Links by which an incident is acknowledged."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest

from control_plane.domain.alerting.acknowledge_link import Acknowledgeable, acknowledge_token, read_acknowledge_token

PEPPER = b"p" * 32
WHAT = Acknowledgeable(UUID(int=1), UUID(int=2), UUID(int=3))
TOKEN = acknowledge_token(WHAT, pepper=PEPPER)


def test_a_token_names_what_it_is_for_and_nothing_else() -> None:
    assert read_acknowledge_token(TOKEN, pepper=PEPPER) == WHAT
    assert set(TOKEN) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_another_pepper_ends_all_links() -> None:
    assert read_acknowledge_token(TOKEN, pepper=b"q" * 32) is None


@pytest.mark.parametrize("byte", range(64))
def test_no_byte_of_it_can_be_changed(byte: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(TOKEN + "=="))
    raw[byte] ^= 1
    assert read_acknowledge_token(base64.urlsafe_b64encode(bytes(raw)).decode(), pepper=PEPPER) is None


@pytest.mark.parametrize(
    "token", ["", "a", "é", TOKEN[:-4], TOKEN + "AAAA", "A" * 10_000, "../../etc", "=" * 5], ids=str
)
def test_rubbish_is_nobodys_link(token: str) -> None:
    assert read_acknowledge_token(token, pepper=PEPPER) is None
