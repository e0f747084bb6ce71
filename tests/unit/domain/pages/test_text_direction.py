"""Names of one direction in sentences of the other."""

from __future__ import annotations

import pytest

from control_plane.domain.pages.badge import Badge, svg
from control_plane.domain.pages.public_page import Language
from control_plane.domain.pages.public_words import incident_title
from control_plane.domain.pages.text_direction import isolated


@pytest.mark.parametrize(
    ("language", "name", "shown"),
    [
        ("en", "Shop", "Shop"),
        ("de", "متجر", "\u2068متجر\u2069"),
        ("ar", "K 7e05", "\u2068K 7e05\u2069"),
        ("ar", "", ""),
        ("ar", "a\u2069b\u202ec", "\u2068abc\u2069"),
    ],
)
def test_a_name_is_set_apart_where_it_could_turn_the_sentence(language: Language, name: str, shown: str) -> None:
    assert isolated(name, language) == shown


def test_a_title_of_ours_sets_the_name_apart_and_one_of_people_is_left_alone() -> None:
    assert incident_title(None, kind="down", names=["K"], language="ar").startswith("\u2068K\u2069: ")
    assert incident_title("K ok", kind="down", names=["K"], language="ar") == "K ok"


def test_a_badges_description_keeps_a_name_apart_and_its_picture_has_no_such_character() -> None:
    drawn = svg(Badge("\u2068up\u2069", "ok", "good", "حالة \u2068K\u2069\u202e."))
    assert "حالة \u2068K\u2069 ." in drawn
    assert drawn.count("\u2068") == 1
