"""What the editor of a status page says of colours, and what its forms make of what is typed."""

from __future__ import annotations

import pytest

from control_plane.dashboard.status_pages.colours import swatches
from control_plane.dashboard.status_pages.page_form import body_of, raw_of, visibility_of
from control_plane.dashboard.status_pages.preview import as_far_as_it_goes
from control_plane.domain.pages.page_rules import PageConfig, read_page
from control_plane.domain.pages.page_slugs import read_slug, slug_from

STORED = PageConfig(
    slug="acme",
    title="Acme",
    description="What we run",
    state="published",
    listed=False,
    language="ar",
    branding={"accent": "#1d5fd1"},
    header_text="Above",
    custom_domain="status.example.com",
    show_uptime=False,
    show_latency=True,
    history_days=30,
    key="acme",
)


def test_a_form_that_is_sent_as_it_was_shown_changes_nothing() -> None:
    assert read_page(body_of(raw_of(STORED)), stored=STORED) == STORED
    assert "password" not in body_of(raw_of(STORED))


def test_a_draft_keeps_whether_it_is_to_be_listed() -> None:
    draft = read_page(body_of({**raw_of(STORED), "visibility": ["draft"]}), stored=STORED)
    assert (draft.state, draft.listed, visibility_of(draft)) == ("draft", False, "draft")


def test_a_password_is_given_kept_or_taken_away() -> None:
    raw = raw_of(STORED)
    assert body_of({**raw, "password": [" with blanks "]})["password"] == " with blanks "
    assert body_of({**raw, "no_password": ["yes"], "password": ["typed too"]})["password"] is None


def test_what_could_not_be_saved_is_left_out_of_the_preview() -> None:
    body = {"title": "", "slug": "admin", "header_text": "New", "no_such": 1, "password": "x"}
    colours = {"accent": "#ffee00", "background": "#ffffff"}
    typed = as_far_as_it_goes({**body, "branding": colours}, stored=STORED)
    assert (typed.title, typed.slug, typed.header_text) == ("Acme", "acme", "New")
    assert typed.branding == {"accent": "#1d5fd1", "background": "#ffffff"}


def test_colours_are_judged_against_what_is_typed_beside_them() -> None:
    said = {each.name: each for each in swatches({"accent": "#1d5fd1", "background": "#FFFFFF"})}
    assert said["accent"].good
    assert said["accent"].words.startswith("5.8 : 1 with its background")
    assert "made from the other accent" in said["accent_dark"].words
    assert said["background"].good
    assert "Farwatch\u2019s own" in said["background_dark"].words
    faint = {each.name: each for each in swatches({"accent": "#ffee00", "background": "#808080", "accent_dark": "#9"})}
    assert not faint["accent"].good
    assert not faint["background"].good
    assert (faint["accent_dark"].good, faint["accent_dark"].words) == (False, "Written #rrggbb.")


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Acme Status", "acme-status"),
        ("  Größe & Söhne!  ", "grosse-sohne"),
        ("Status", "status-status"),
        ("حالة", "our-status"),
        ("", "our-status"),
        ("Farwatch", "our-status"),
        ("ok", "ok-status"),
        ("x" * 100, "x" * 53),
        ("a - b -- c", "a-b-c"),
    ],
    ids=["plain", "german", "kept", "arabic", "empty", "ours", "short", "long", "dashes"],
)
def test_a_name_makes_a_slug_that_may_be_one(title: str, slug: str) -> None:
    assert slug_from(title) == slug
    assert read_slug(slug) == slug
