"""Days as bars: every day in its place, trouble told in words."""

from __future__ import annotations

import re
from datetime import date, timedelta

from msgspec.structs import replace

from control_plane.domain.pages.public_page import ComponentState, PublicDay
from control_plane.public_site.language import LANGUAGES, language
from control_plane.public_site.status_page_bars import BAR, HEIGHT, MARKED_DAYS, STEP, TOLD_DAYS, bars

EN = language("en")
FIRST = date(2026, 3, 1)
QUIET: list[ComponentState] = ["operational"]
DOWN: list[ComponentState] = ["major_outage"]


def days(*states: ComponentState, down_s: int = 0) -> list[PublicDay]:
    return [
        PublicDay(
            day=FIRST + timedelta(days=at),
            state=state,
            uptime=None if state == "no_data" else 99.0,
            down_s=down_s if state == "major_outage" else 0,
            degraded_s=0,
            maintenance_s=0,
        )
        for at, state in enumerate(states)
    ]


def places(path: str) -> list[int]:
    """The days that the dashes of a path lie on."""
    found: list[int] = []
    for x, length in re.findall(r"M(\d+) \d+h(\d+)", path):
        found += range(int(x) // STEP, (int(x) + int(length) + STEP - BAR) // STEP)
    return found


def test_every_day_is_drawn_once_and_in_its_place() -> None:
    states: list[ComponentState] = ["no_data", "operational", "operational", "major_outage", "operational", "degraded"]
    drawn = bars(days(*states), EN)
    found = {place: run.status for run in drawn.runs for place in places(run.path)}
    assert [found[place] for place in range(len(states))] == states
    assert sum(len(places(run.path)) for run in drawn.runs) == len(states)
    assert drawn.width == len(states) * STEP - (STEP - BAR)


def test_bars_stand_on_the_ground_and_heights_tell_states_apart() -> None:
    drawn = bars(days("no_data", "maintenance", "operational", "degraded", "major_outage"), EN)
    heights = [run.tall for run in drawn.runs]
    assert heights == sorted(set(heights))
    for run in drawn.runs:
        middle = int(re.findall(r"M\d+ (\d+)", run.path)[0])
        assert middle + run.tall // 2 == HEIGHT


def test_ninety_quiet_days_cost_a_few_bytes() -> None:
    drawn = bars(days(*QUIET * 90), EN)
    assert len(drawn.runs) == 1
    assert len(drawn.runs[0].path) < 20
    assert drawn.text == "90 days, oldest first. No trouble on any day that is known."


def test_trouble_is_told_with_its_day_and_how_long() -> None:
    drawn = bars(days("operational", "major_outage", down_s=720), EN)
    assert drawn.marks == ((STEP, "2 March: down for 12 minutes"),)
    assert drawn.text == "2 days, oldest first. 2 March: down for 12 minutes."


def test_much_trouble_is_told_in_part_and_counted_whole() -> None:
    drawn = bars(days(*DOWN * 40, down_s=60), EN)
    assert len(drawn.marks) == MARKED_DAYS
    assert drawn.text.count("down for") == TOLD_DAYS
    assert f"and {40 - TOLD_DAYS} days more" in drawn.text


def test_no_day_at_all_and_days_of_which_nothing_is_known_have_words_in_every_language() -> None:
    for code in LANGUAGES:
        words = language(code)
        assert words.say("bar_unknown") in bars(days("no_data"), words).text
        assert bars([], words).runs == ()


def test_maintenance_besides_is_a_mark_at_the_top_and_a_word_and_changes_nothing_else() -> None:
    quiet = days(*QUIET * 9, *DOWN, down_s=60)
    noted = [replace(day, maintenance_s=7_200) if at in (2, 3, 9) else day for at, day in enumerate(quiet)]
    before, after = bars(quiet, EN), bars(noted, EN)
    assert after.runs[:-1] == before.runs
    mark = after.runs[-1]
    assert (mark.status, places(mark.path)) == ("maintenance", [2, 3, 9])
    assert "3 March: maintenance for 2 hours" in after.text
    assert "10 March: down for 1 minute, and maintenance for 2 hours" in after.text


def test_nightly_maintenance_does_not_crowd_out_what_failed() -> None:
    nightly = [replace(day, maintenance_s=3_600) for day in days(*DOWN, *QUIET * 80, down_s=60)]
    drawn = bars(nightly, EN)
    assert len(drawn.marks) == MARKED_DAYS
    assert drawn.marks[0][0] == 0
    assert "1 March: down" in drawn.text
