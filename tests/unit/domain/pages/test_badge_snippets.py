"""The lines that put a badge into a text: what is usual is left out, and no name breaks out of its markup."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from control_plane.domain.pages.badge_snippets import BadgeLook, badge_path, snippets

MONITOR = UUID("01900000-0000-7000-8000-000000000001")
HERE = f"/api/v1/monitors/{MONITOR}/badge"
ORIGIN = "https://watch.example.com"
PAGE = f"{ORIGIN}/status/acme"


def lines(look: BadgeLook, *, name: str = "Shop") -> dict[str, str]:
    return {each.key: each.text for each in snippets(MONITOR, look, origin=ORIGIN, name=name, leads_to=PAGE)}


@pytest.mark.parametrize(
    ("look", "path"),
    [
        (BadgeLook(kind="status"), f"{HERE}/status"),
        (BadgeLook(kind="status", period="7d"), f"{HERE}/status"),
        (BadgeLook(kind="uptime", period="30d"), f"{HERE}/uptime"),
        (BadgeLook(kind="uptime", period="90d", style="plastic"), f"{HERE}/uptime?period=90d&style=plastic"),
        (BadgeLook(kind="latency", period="24h", token="t" * 32), f"{HERE}/latency?token={'t' * 32}"),
        (BadgeLook(kind="certificate", label="a&b c"), f"{HERE}/certificate?label=a%26b+c"),
    ],
    ids=["usual", "no period", "usual period", "all", "token", "label"],
)
def test_an_address_says_what_is_not_usual(look: BadgeLook, path: str) -> None:
    assert badge_path(MONITOR, look) == path


def test_every_markup_leads_to_the_page() -> None:
    made = lines(BadgeLook(kind="uptime"))
    url = f"{ORIGIN}{HERE}/uptime"
    assert made["markdown"] == f"[![Shop: uptime]({url})]({PAGE})"
    assert made["html"] == f'<a href="{PAGE}"><img src="{url}" alt="Shop: uptime" height="20"></a>'
    assert made["asciidoc"] == f'image:{url}["Shop: uptime",link="{PAGE}"]'
    assert made["rst"] == f".. image:: {url}\n   :alt: Shop: uptime\n   :target: {PAGE}"
    assert made["url"] == url


def test_shields_is_given_the_json_and_draws_the_style_itself() -> None:
    made = urlsplit(lines(BadgeLook(kind="status", style="flat-square", token="a_b"))["shields"])
    asked = parse_qs(made.query)
    assert asked["style"] == ["flat-square"]
    assert asked["url"] == [f"{ORIGIN}{HERE}/status.json?token=a_b"]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.alt = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.alt = dict(attrs).get("alt") or self.alt


@pytest.mark.parametrize(
    "name",
    ['"><script>alert(1)</script>', "](javascript:alert(1))", "a\n:target: https://evil.example", '"],link="x', "{x}"],
    ids=["html", "markdown", "rst", "asciidoc", "attribute"],
)
def test_no_name_breaks_out(name: str) -> None:
    made = lines(BadgeLook(kind="status"), name=name)
    page = Tags()
    page.feed(made["html"])
    assert page.seen == ["a", "img"]
    assert page.alt == f"{' '.join(name.split())}: status"
    assert made["markdown"].count("](") == 2
    assert "<" not in made["markdown"]
    assert len(made["rst"].splitlines()) == 3
    assert made["asciidoc"].count('"') == 4
    assert not set("{}") & set(made["asciidoc"])


def test_underscores_of_a_token_begin_no_italics() -> None:
    made = lines(BadgeLook(kind="status", token="__a__"))
    assert "token=%5F%5Fa%5F%5F" in made["asciidoc"]
    assert "token=__a__" in made["markdown"]
