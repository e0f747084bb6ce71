"""Codes that connect a channel: their form, what each may make, and what is made is called."""

from __future__ import annotations

import re

import pytest

from control_plane.domain.channels.channel_link import (
    CODE,
    ENTROPY_BYTES,
    NAME_LIMIT,
    Purpose,
    code_digest,
    free_name,
    make_code,
    may_make,
    shown_name,
)


def test_a_code_fits_the_start_parameter_of_telegram_and_a_url() -> None:
    code = make_code(bytes([255] * ENTROPY_BYTES))
    assert CODE.fullmatch(code)
    assert re.fullmatch("[A-Za-z0-9_-]{1,64}", code)
    assert ENTROPY_BYTES * 8 >= 128


def test_a_digest_follows_the_pepper() -> None:
    assert code_digest("a", b"one") != code_digest("a", b"two")
    assert len(code_digest("\ud800", b"one")) == 32


@pytest.mark.parametrize(
    ("purpose", "only", "kind", "may"),
    [
        ("telegram", None, "telegram_app", True),
        ("telegram", None, "webhook", False),
        ("whatsapp", None, "whatsapp_app", True),
        ("whatsapp", None, "telegram_app", False),
        ("delegate", None, "webhook", True),
        ("delegate", "email", "email", True),
        ("delegate", "email", "webhook", False),
    ],
)
def test_a_link_may_make(purpose: Purpose, only: str | None, kind: str, may: bool) -> None:
    assert may_make(purpose, only, kind) is may


def test_a_name_is_the_first_that_says_something() -> None:
    assert shown_name(None, " \u202e\n ", "Ops\nroom") == "Ops room"
    assert shown_name(None) == "Linked channel"
    assert len(shown_name("x" * 300)) == NAME_LIMIT


def test_a_taken_name_gets_the_next_free_number_within_the_limit() -> None:
    assert free_name("Ops", {"Ops", "Ops (2)"}) == "Ops (3)"
    long = "x" * NAME_LIMIT
    assert free_name(long, {long}) == "x" * (NAME_LIMIT - 4) + " (2)"
