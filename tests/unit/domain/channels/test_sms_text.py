"""Parts of a text message, and cutting to few of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.channels.sms_text import MARK, is_gsm, parts, trimmed


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 459, 3),
        ("a" * 460, 4),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 201, 3),
        ("ж" * 202, 4),
        ("🔥" * 35, 1),
        ("🔥" * 36, 2),
        ("🔥" * 67, 3),
        ("Zürich: é à ß Ø @ £\n", 1),
        ("a" * 160 + "…", 3),
    ],
    ids=range(20),
)
def test_parts_are_counted_as_the_standard_packs_them(text: str, count: int) -> None:
    assert parts(text) == count


def test_the_gsm_alphabet_has_some_accents_and_lacks_others() -> None:
    assert is_gsm("àäéèìñòöùüÅåÆæÇÉØøß ^{}[]~|\\€")
    assert not any(is_gsm(character) for character in "áâçêëíïóôúÀÈ`…–ж☃🔥\t")


def test_what_fits_is_left_alone_and_nothing_is_transliterated() -> None:
    assert trimmed("Zürich – öffnet…", ending="\nhttps://a.example") == "Zürich – öffnet…\nhttps://a.example"


def test_a_long_text_ends_at_a_word_and_keeps_its_link() -> None:
    cut = trimmed("word " * 200, ending="\nhttps://a.example/x")
    assert cut.endswith(f"word{MARK}\nhttps://a.example/x")
    assert parts(cut) == 3
    assert 459 - len(cut) < 5


def test_a_text_without_words_is_cut_in_the_middle() -> None:
    assert trimmed("漢" * 500) == "漢" * (201 - len(MARK)) + MARK
    assert trimmed("x" * 5000) == "x" * (459 - len(MARK)) + MARK


def test_an_ending_that_leaves_no_room_is_left_out() -> None:
    assert "https" not in trimmed("text " * 200, ending="https://a.example/" + "x" * 300)


def test_control_characters_and_lone_surrogates_become_harmless() -> None:
    assert trimmed("a\x00b\tc\x1b\x85\nd\ud800") == "a b c  \nd?"


@given(st.text(max_size=700), st.text(max_size=60))
def test_no_text_takes_more_than_three_parts(text: str, ending: str) -> None:
    cut = trimmed(text, ending=ending)
    assert parts(cut) <= 3
    cut.encode()
