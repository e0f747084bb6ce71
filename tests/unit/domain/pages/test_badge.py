"""Badges: what they say, and that whoever reads, hears or parses one is served."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest

from control_plane.domain.pages.badge import (
    COLOURS,
    LABEL_COLOUR,
    TEXT_COLOUR,
    Badge,
    Style,
    clean,
    shield,
    svg,
    width_of,
)
from control_plane.domain.pages.badge_words import (
    PERIODS,
    Period,
    certificate_badge,
    end_in,
    latency_badge,
    percent,
    status_badge,
    uptime_badge,
)

SVG = "{http://www.w3.org/2000/svg}"
STYLES: tuple[Style, ...] = ("flat", "flat-square", "plastic")
HOSTILE = (
    "</text><script>alert(1)</script>",
    '"><image href="https://evil.example/x"/>',
    "]]>&lt;&amp;&#x0;",
    "\x00\x08\x1b[31m\ufffe\ud800\u202egnp.exe",
    "a" * 5000,
    "<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>&x;",
    "",
    "日本語のラベル",
    "e\u0301" * 40,
)


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", [LABEL_COLOUR, *COLOURS.values()])
def test_the_text_stands_out_from_every_field(colour: str) -> None:
    light, dark = luminance(TEXT_COLOUR), luminance(colour)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_hostile_label_is_text_and_nothing_else(style: Style, number: int) -> None:
    text = HOSTILE[number]
    drawn = svg(Badge(text, text, "good", text), style=style)
    root = ET.fromstring(drawn.encode())
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "clipPath", "rect", "g", "path", "text"}
    assert not any("href" in name or name.startswith("on") for element in root.iter() for name in element.attrib)
    assert len(drawn) < 4000
    assert float(root.attrib["width"]) < 1600


def test_a_badge_is_said_as_well_as_drawn() -> None:
    root = ET.fromstring(svg(status_badge("down", name="Checkout")))
    assert root.attrib["role"] == "img"
    assert root.findtext(f"{SVG}title") == "status: down"
    assert root.findtext(f"{SVG}desc") == "Checkout: down."


def test_fields_are_as_wide_as_their_words() -> None:
    short, long = svg(Badge("a", "up", "good", "")), svg(Badge("a", "up for many days now", "good", ""))
    wider = float(ET.fromstring(long).attrib["width"]) - float(ET.fromstring(short).attrib["width"])
    assert wider == pytest.approx(width_of("up for many days now") - width_of("up"), abs=1)


def test_without_a_label_its_field_is_left_out() -> None:
    root = ET.fromstring(svg(Badge("", "up", "good", "It is up")))
    assert [element.text for element in root.iter(f"{SVG}text")] == ["up"]


def test_text_is_one_line_of_bounded_length() -> None:
    assert clean("  two\n\tlines \u202e ") == "two lines"
    assert clean("x" * 61) == "x" * 59 + "…"


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("up", "up"),
        ("degraded", "degraded"),
        ("down", "down"),
        ("unknown", "no data"),
        ("paused", "paused"),
        ("maintenance", "maintenance"),
        ("of_a_later_version", "no data"),
    ],
)
def test_every_state_has_a_word(state: str, message: str) -> None:
    assert status_badge(state, name="API").message == message


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (100.0, "100%"),
        (99.999, "99.99%"),
        (99.995, "99.99%"),
        (99.5, "99.50%"),
        (99.0, "99%"),
        (0.0, "0%"),
        (0.009, "0%"),
    ],
)
def test_uptime_is_rounded_down(value: float, text: str) -> None:
    assert percent(value) == text
    assert uptime_badge(value, "30d", name="API").message == text


def test_no_known_time_is_no_data() -> None:
    assert uptime_badge(None, "7d", name="API").message == "no data"
    assert latency_badge(None, "24h", name="API").message == "no data"
    assert certificate_badge(None, now_s=0, name="API").message == "no data"


@pytest.mark.parametrize(
    ("ms", "text"), [(0.2, "< 1 ms"), (8.6, "9 ms"), (240.4, "240 ms"), (999.6, "1.00 s"), (12345.0, "12.35 s")]
)
def test_latency_is_a_round_number(ms: float, text: str) -> None:
    badge = latency_badge(ms, "24h", name="API")
    assert (badge.label, badge.message) == ("p50 latency 24h", text)


@pytest.mark.parametrize(
    ("left_s", "message", "tone"),
    [
        (-1, "expired", "bad"),
        (0, "expired", "bad"),
        (3600, "0 days", "bad"),
        (86_400, "1 day", "bad"),
        (8 * 86_400, "8 days", "warn"),
        (90 * 86_400, "90 days", "good"),
    ],
)
def test_a_certificate_is_counted_in_whole_days(left_s: int, message: str, tone: str) -> None:
    badge = certificate_badge(1_000_000 + left_s, now_s=1_000_000, name="API")
    assert (badge.message, badge.tone) == (message, tone)


@pytest.mark.parametrize(
    ("detail", "end"),
    [
        ('{"cert_expires_at": 20, "message": "x"}', 20),
        ('{"certificate": {"subject": "a", "not_after": 9}, "cert_expires_at": 20}', 9),
        ('{"domain": {"expires_at": 7}}', 7),
        ('{"message": "connection refused"}', None),
        ('{"cert_expires_at": "tomorrow"}', None),
    ],
)
def test_what_ends_first_counts(detail: str, end: int | None) -> None:
    assert end_in(detail) == end


def test_shields_draws_the_same() -> None:
    made = shield(uptime_badge(99.999, "30d", name="API"))
    assert (made.schemaVersion, made.label, made.message) == (1, "uptime 30d", "99.99%")
    assert made.color == COLOURS["good"]


def test_a_period_is_as_long_as_it_is_called() -> None:
    expected: dict[Period, timedelta] = {"24h": timedelta(days=1), "7d": timedelta(days=7)}
    assert {period: PERIODS[period] for period in expected} == expected
