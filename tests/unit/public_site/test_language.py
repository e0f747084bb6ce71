"""Translations of status pages say the same things, with the same placeholders, in every plural."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from control_plane.domain.pages.public_page import PublicPage
from control_plane.public_site import language as module
from control_plane.public_site.language import LANGUAGES, Language, language
from tests.support.public_types import literals_of

TEMPLATES = Path(module.__file__).parent / "templates"
CATEGORIES = {"en": {"one", "other"}, "de": {"one", "other"}, "ar": {"zero", "one", "two", "few", "many", "other"}}
OTHERS = LANGUAGES[1:]
NOON = datetime(2026, 3, 9, 12, 5, tzinfo=UTC)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("code", OTHERS)
def test_every_language_has_every_key_and_no_other(code: str) -> None:
    first, other = language(LANGUAGES[0]), language(code)
    assert set(other.texts) == set(first.texts)
    assert set(other.plurals) == set(first.plurals)
    assert len(other.months) == len(first.months) == 12
    assert all(text.strip() for text in other.texts.values())


@pytest.mark.parametrize("code", OTHERS)
def test_placeholders_of_every_text_agree(code: str) -> None:
    first, other = language(LANGUAGES[0]), language(code)
    for key, text in first.texts.items():
        assert placeholders(other.texts[key]) == placeholders(text), key
    for key in ("day_month_year", "day_month", "moment", "month_year", "percent"):
        assert placeholders(getattr(other, key)) == placeholders(getattr(first, key)), key


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_plural_has_the_categories_of_its_language(code: str) -> None:
    first, other = language(LANGUAGES[0]), language(code)
    for key, forms in other.plurals.items():
        assert set(forms) == CATEGORIES[code], key
        more = placeholders(first.plurals[key]["other"]) - {"n"}
        for form in forms.values():
            assert placeholders(form) - {"n"} == more, key
        assert "n" in placeholders(forms["other"]), key


def test_every_key_that_a_template_names_is_there_and_every_key_is_used() -> None:
    sources = [path.read_text() for path in TEMPLATES.glob("*.html")]
    sources += [path.read_text() for path in Path(module.__file__).parent.glob("*.py")]
    whole = "\n".join(sources).replace("'", '"')
    named = set(re.findall(r'say\(\s*"(\w+)"[,)]', whole))
    assert named <= set(language("en").texts)
    families = (
        "verdict_",
        "status_",
        "phase_",
        "window_",
        "day_",
        "gone",
        "away",
        "password_",
        "share_state_",
        "share_said_",
        "share_vote_",
    )
    unused = {key for key in language("en").texts if f'"{key}"' not in whole and not key.startswith(families)}
    assert unused == set()


def test_every_state_and_phase_that_the_public_may_see_has_a_word() -> None:
    states, phases = literals_of(PublicPage, "state"), literals_of(PublicPage, "phase")
    texts = set(language("en").texts)
    assert {f"{kind}_{state}" for kind in ("status", "verdict") for state in states} <= texts
    assert {f"phase_{phase}" for phase in phases} <= texts


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (0, "0 يوم"), (1, "يوم واحد"), (2, "يومان"), (3, "3 أيام"), (10, "10 أيام"), (11, "11 يومًا"),
        (99, "99 يومًا"), (100, "100 يوم"), (102, "102 يوم"), (103, "103 أيام"), (111, "111 يومًا"),
    ],
)  # fmt: skip
def test_arabic_counts_in_six_ways(n: int, words: str) -> None:
    assert language("ar").count("days", n) == words


@pytest.mark.parametrize("code", LANGUAGES)
def test_instants_name_utc(code: str) -> None:
    said = language(code).at(NOON)
    assert "UTC" in said
    assert "12:05" in said
    assert language(code).months[2] in said


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "1 second"),
        (timedelta(seconds=59), "59 seconds"),
        (timedelta(minutes=60), "1 hour"),
        (timedelta(hours=2, minutes=5, seconds=59), "2 hours 5 minutes"),
        (timedelta(days=3, minutes=59), "3 days"),
        (timedelta(days=3, hours=1), "3 days 1 hour"),
    ],
)
def test_durations_have_their_two_largest_units(span: timedelta, words: str) -> None:
    assert language("en").lasting(span) == words


@pytest.mark.parametrize(
    ("value", "words"), [(100.0, "100%"), (99.999, "99.99%"), (99.98, "99.98%"), (99.5, "99.50%"), (0.0, "0%")]
)
def test_shares_are_rounded_down(value: float, words: str) -> None:
    assert language("en").per_cent(value) == words


def test_a_figure_is_written_as_its_language_writes_it() -> None:
    assert language("de").per_cent(99.98) == "99,98 %"


def test_a_language_that_there_is_not_is_the_first() -> None:
    found: Language = language("xx")
    assert found.code == "en"
