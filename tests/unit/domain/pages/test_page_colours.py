"""Only colours that can be read, and one is enough for both themes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.pages.page_colours import (
    GROUND,
    GROUND_DARK,
    LEAST,
    branding_of,
    contrast,
    legible,
    read_branding,
)
from control_plane.errors import BadRequest

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.478),
        ("#ff0000", "#ffffff", 3.998),
    ],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.001)
    assert contrast(other, one) == contrast(one, other)


@given(COLOURS, COLOURS)
def test_a_colour_that_is_made_legible_can_be_read(colour: str, ground: str) -> None:
    assert contrast(legible(colour, ground), ground) >= LEAST


@given(COLOURS)
def test_every_accent_that_is_taken_can_be_read_in_both_themes(accent: str) -> None:
    if contrast(accent, GROUND) < LEAST:
        with pytest.raises(BadRequest) as refused:
            read_branding({"accent": accent}, "/branding", stored={})
        assert (refused.value.code, refused.value.field) == ("CONTRAST_TOO_LOW", "/branding/accent")
        return
    found = branding_of(read_branding({"accent": accent.upper()}, "/branding", stored={}))
    assert found.accent == accent
    assert found.accent_dark is not None
    assert contrast(found.accent_dark, GROUND_DARK) >= LEAST


def test_grounds_have_to_carry_the_text() -> None:
    for name, colour in (("background", "#777777"), ("background_dark", "#777777")):
        with pytest.raises(BadRequest, match="contrast"):
            read_branding({name: colour}, "/branding", stored={})
    assert read_branding({"background": "#FFFFFF"}, "/branding", stored={}) == {"background": "#ffffff"}


def test_a_patch_merges_and_is_judged_as_a_whole() -> None:
    stored = {"accent": "#8f5b00", "background": "#ffffff"}
    assert read_branding({"background": None}, "/branding", stored=stored) == {"accent": "#8f5b00"}
    assert read_branding(None, "/branding", stored=stored) == {}
    with pytest.raises(BadRequest, match="contrast"):
        read_branding({"accent": "#ffd54a"}, "/branding", stored=stored)


@pytest.mark.parametrize("value", ["red", "#fff", "#12345g", "rgb(0,0,0)", 5, "#123456;}", ["#123456"]])
def test_other_forms_are_refused(value: object) -> None:
    with pytest.raises(BadRequest) as refused:
        read_branding({"accent": value}, "/branding", stored={})
    assert refused.value.code == "INVALID_COLOUR"


def test_unknown_colours_are_named() -> None:
    with pytest.raises(BadRequest) as refused:
        read_branding({"shadow": "#000000"}, "/branding", stored={})
    assert (refused.value.code, refused.value.field) == ("UNKNOWN_FIELD", "/branding/shadow")
