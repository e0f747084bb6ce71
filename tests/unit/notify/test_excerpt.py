"""A receiver's answer is kept without what it repeats of our secrets."""

from __future__ import annotations

import base64
import json

import pytest

from control_plane.notify.excerpt import basic, excerpt

URL = "https://hooks.example.com/services/T0000AAAA/Zx9Yw8Vu7Ts6?sig=q7Rk2%2Bm"
SECRET = 'a "long" <secret> & more'


@pytest.mark.parametrize(
    "said",
    [
        SECRET,
        json.dumps({"got": SECRET}),
        "<p>a &quot;long&quot; &lt;secret&gt; &amp; more</p>",
        "a%20%22long%22%20%3Csecret%3E%20%26%20more",
    ],
)
def test_a_secret_is_masked_however_it_is_escaped(said: str) -> None:
    kept = excerpt(f"You sent {said}!".encode(), secrets=[SECRET])
    assert kept is not None
    assert kept.startswith("You sent ")
    assert "***" in kept
    assert "long" not in kept


@pytest.mark.parametrize(
    "said",
    [
        URL,
        "POST /services/T0000AAAA/Zx9Yw8Vu7Ts6?sig=q7Rk2%2Bm HTTP/1.1",
        "no hook Zx9Yw8Vu7Ts6 here",
        "unknown path /services/T0000AAAA/Zx9Yw8Vu7Ts6",
        "sig: q7Rk2+m",
    ],
)
def test_what_a_url_may_hold_is_masked_in_parts(said: str) -> None:
    kept = excerpt(said.encode(), secrets=[], url=URL)
    assert kept is not None
    assert "***" in kept
    assert "Zx9Yw8Vu7Ts6" not in kept
    assert "q7Rk2" not in kept


def test_a_secret_that_reading_was_cut_off_in_is_masked() -> None:
    secret = "s3cret-" + "x" * 6000
    assert excerpt(f"got {secret}".encode()[:4096], secrets=[secret]) == "got ***"


def test_ordinary_words_stay() -> None:
    url = "https://hooks.example.com/hook/v1?a=1"
    assert excerpt(b"hook v1 answered: invalid_token\n", secrets=["abc"], url=url) == "hook v1 answered: invalid_token"
    assert excerpt(b" \x00\n", secrets=[]) is None


def test_an_answer_is_cut_after_masking() -> None:
    secret = "0123456789" * 20
    assert excerpt((secret + "é" * 300).encode(), secrets=[secret]) == "***" + "é" * 126


def test_the_credential_of_basic_authorization() -> None:
    assert base64.b64decode(basic("ops", "pass:word")) == b"ops:pass:word"
