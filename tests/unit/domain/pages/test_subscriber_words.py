"""Messages to subscribers say the same in every language."""

from __future__ import annotations

import string
from typing import get_args

import pytest
from msgspec import structs

from control_plane.domain.pages.page_news import Event
from control_plane.domain.pages.public_page import Language
from control_plane.domain.pages.subscriber_words import DIRECTIONS, TEXTS, Texts


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", get_args(Language))
def test_every_language_has_every_event_and_the_same_placeholders(language: Language) -> None:
    texts, first = TEXTS[language], TEXTS["en"]
    assert set(texts.events) == set(get_args(Event))
    assert set(texts.phases) == set(first.phases)
    assert language in DIRECTIONS
    for field in structs.fields(Texts):
        value, other = getattr(texts, field.name), getattr(first, field.name)
        if isinstance(value, str):
            assert value.strip(), field.name
            assert placeholders(value) == placeholders(other), field.name
