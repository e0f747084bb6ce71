"""What the overview's address asks for, and what the list makes of it."""

from __future__ import annotations

import pytest

from control_plane.dashboard.monitors.bulk import bulk_words
from control_plane.dashboard.monitors.overview_views import Wanted, heading, percent, read_wanted, tally_of, verdict
from control_plane.store.overview_read import GroupCount


def test_the_address_keeps_every_filter_from_page_to_page() -> None:
    wanted = Wanted(q="shop & co", state="down", group="A/B", tag="eu west", kind="http", sort="name", page=3)
    address = wanted.href(page=4)
    assert address == "/app?q=shop+%26+co&state=down&group=A%2FB&tag=eu+west&kind=http&sort=name&page=4"


def test_another_filter_begins_at_the_first_page() -> None:
    assert Wanted(state="down", page=3).href(state="up") == "/app?state=up"
    assert Wanted(state="down", page=3).href(state="") == "/app"


def test_what_the_address_cannot_mean_is_ignored() -> None:
    asked = {"state": "sideways", "kind": "telepathy", "sort": "; DROP", "page": "-3", "q": "x"}
    assert read_wanted(lambda name: asked.get(name, "")) == Wanted(q="x")


@pytest.mark.parametrize(
    ("value", "words"), [(None, "–"), (100.0, "100 %"), (99.999, "99.99 %"), (0.0, "0.00 %"), (97.5, "97.50 %")]
)
def test_uptime_is_never_rounded_up(value: float | None, words: str) -> None:
    assert percent(value) == words


def test_the_counts_of_groups_add_up_to_those_of_all() -> None:
    counts = [GroupCount("a", "up", 2), GroupCount(None, "up", 3), GroupCount("a", "down", 1)]
    assert tally_of(counts) == {"up": 5, "down": 1}
    assert heading(tally_of(counts)) == "1 down of 6 monitors"


@pytest.mark.parametrize(
    ("down", "words"),
    [
        (["Shop"], "Shop is down"),
        (["Shop", "Blog", "Mail"], "Shop, Blog and Mail are down"),
        (["Shop", "Blog"], "3 down, 1 degraded of 6 monitors"),
        (["s" * 100], "1 down, 1 degraded of 4 monitors"),
        ([], "1 degraded of 3 monitors"),
    ],
    ids=["one", "three", "one that no incident names", "too long", "none"],
)
def test_what_is_down_is_named_where_a_line_holds_it(down: list[str], words: str) -> None:
    number = 3 if words.startswith("3") else len(down)
    assert verdict({"down": number, "degraded": 1, "up": 2}, down) == words


def test_only_what_the_form_of_ours_says_is_repeated() -> None:
    assert bulk_words("paused-3-0") == "3 monitors paused."
    assert bulk_words("tagged-1-2") == "1 monitor tagged. 2 monitors could not be: open one to see why."
    for said in ("paused", "paused-3", "exploded-3-0", "paused-3-0<b>"):
        assert bulk_words(said) == ""
