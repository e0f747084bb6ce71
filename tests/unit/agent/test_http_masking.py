"""Secrets are masked where a text was cut, short values leave evidence readable, and being up costs little."""

from __future__ import annotations

import random
import string
import zlib
from typing import Any

import pytest

from agent.checks.http_evidence import gather
from agent.checks.http_protocol import EXCERPT_KEPT, Response
from agent.checks.http_request import first_request
from agent.checks.http_secrets import carries_secret, hidden_texts, mask, mask_cut, mask_end
from shared.checks.http import HttpCheck
from shared.netpolicy import parse_http_url
from shared.results import Evidence

URL = "https://a.example/"
TOKEN = "".join(random.Random(7).choices(string.ascii_letters + string.digits, k=1000))
ACCENTED = "".join(random.Random(8).choices("éàüößñç", k=500))


def check(**options: Any) -> HttpCheck:
    return HttpCheck(url=URL, **options)


def evidence(
    of: HttpCheck, body: bytes, *, coding: bytes = b"identity", status: int = 502, phrase: bytes = b""
) -> Evidence:
    response = Response(status, phrase, "1.1", [(b"Content-Encoding", coding)], body, len(body) > EXCERPT_KEPT)
    return gather(response=response, resolved=(), hops=(), chain=(), asserted=frozenset(), hidden=hidden_texts(of))


def excerpt(of: HttpCheck, body: bytes, *, coding: bytes = b"identity") -> str:
    return evidence(of, body, coding=coding).body_excerpt or ""


def longest_told(text: str, secret: str) -> int:
    """Characters of the longest part of `secret` that starts as it does and stands in `text`."""
    return max(length for length in range(len(secret) + 1) if secret[:length] in text)


@pytest.mark.parametrize("coding", [b"identity", b"gzip"])
@pytest.mark.parametrize("secret", [TOKEN, ACCENTED])
@pytest.mark.parametrize("shift", range(4))
def test_a_secret_cut_off_with_the_body_is_not_told(coding: bytes, secret: str, shift: int) -> None:
    body = b"x" * shift + f"you sent {secret} ".encode() * 40
    sent = zlib.compress(body, wbits=31) if coding == b"gzip" else body
    told = excerpt(check(bearer_token=secret), sent, coding=coding)
    assert "you sent *** you sent ***" in told
    assert longest_told(told, secret) < 3


def test_a_cut_off_secret_is_not_told_when_a_part_of_it_is_a_secret_too() -> None:
    of = check(bearer_token=TOKEN, headers={"X-Api-Key": TOKEN[:100]})
    told = excerpt(of, f"<{TOKEN}>".encode() * 40)
    assert TOKEN[100:110] not in told
    assert "<***>" in told


def test_a_body_that_was_read_whole_is_told_to_its_end() -> None:
    told = excerpt(check(bearer_token="abcdefgh"), b"the letters abc")
    assert told == "the letters abc"


def test_the_longest_of_the_cut_off_secrets_is_masked() -> None:
    assert mask_end("tail zzzaaa", ("aaa-bbbbbb", "zzzaaab")) == "tail ***"


@pytest.mark.parametrize("value", ["2", "20", "502", "12345", "abc", "true", "False", "no", "null", "none"])
def test_a_header_too_short_to_tell_apart_is_masked_nowhere(value: str) -> None:
    hidden = hidden_texts(check(headers={"X-Auth-Version": value}))
    text = f"Expected status 200, got 502 {value} 12345"
    assert mask(text, hidden) == text
    assert mask_cut(text, hidden) == text


def test_a_bare_word_in_a_cookie_leaves_the_body_as_it_is() -> None:
    of = check(headers={"Cookie": "consent=true; v=2; n=12345"})
    assert excerpt(of, b'{"ok": true, "v": 2, "n": 12345}') == '{"ok": true, "v": 2, "n": 12345}'


def test_a_short_value_is_masked_as_a_word_only() -> None:
    hidden = hidden_texts(check(headers={"Authorization": "Token abcd"}))
    assert mask("abcd abcde xabcd <abcd> k_abcd x=%20abcd", hidden) == "*** abcde xabcd <***> k_*** x=%20***"


def test_a_value_of_six_characters_is_masked_wherever_it_stands() -> None:
    assert mask("xabcdefx", hidden_texts(check(headers={"X-Api-Key": "abcdef"}))) == "x***x"


@pytest.mark.parametrize("password", ["2", "502", "ab"])
def test_a_short_password_is_masked_as_a_word_and_spares_the_status(password: str) -> None:
    of = check(basic_auth=("user", password))
    told = evidence(of, f"you sent <{password}>, 15020 abc".encode(), phrase=b"Bad Gateway")
    assert told.body_excerpt == "you sent <***>, 15020 abc"
    assert told.status_line == "HTTP/1.1 502 Bad Gateway"
    assert mask_cut("HTTP 502, expected 200", hidden_texts(of)) == "HTTP 502, expected 200"


def test_the_words_of_a_message_stay_and_what_it_quotes_is_masked() -> None:
    hidden = hidden_texts(check(headers={"Cookie": "a=HTTP; b=abcd"}))
    assert mask_cut("HTTP 502, expected 200", hidden) == "HTTP 502, expected 200"
    assert mask_cut("Header Server is got abcd, expected nginx", hidden) == "Header Server is got ***, expected nginx"
    assert mask_cut("HTTP 429, Retry-After abcd", hidden) == "HTTP 429, Retry-After ***"


class Unencodable(str):
    """Tells on whoever builds its encoded forms."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        raise AssertionError("an encoded form was built")


def test_a_request_is_made_without_the_encoded_forms_of_its_secrets() -> None:
    of = check(headers={"Cookie": Unencodable("sid=s3cretZauber")})
    assert first_request(of, parse_http_url(URL)).has_credentials


@pytest.mark.parametrize(
    ("options", "carries"),
    [
        ({}, False),
        ({"headers": {"Accept": "x"}}, False),
        ({"headers": {"Cookie": ""}}, False),
        ({"headers": {"X-Api-Key": "2"}}, True),
        ({"basic_auth": ("user", "")}, True),
        ({"bearer_token": "t"}, True),
    ],
)
def test_a_check_with_any_secret_however_short_has_credentials(options: dict[str, Any], carries: bool) -> None:
    assert carries_secret(check(**options)) is carries
