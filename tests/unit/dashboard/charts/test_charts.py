from __future__ import annotations

from control_plane.dashboard.charts import charts
from control_plane.store.overview_read import RecentResult
from shared.results import OUTCOMES, Outcome


def results(*outcomes: str, total_us: int | None = 80_000) -> list[RecentResult]:
    return [RecentResult(slot, OUTCOMES.index(Outcome(name)), total_us) for slot, name in enumerate(outcomes)]


def test_a_strip_says_in_words_what_it_draws() -> None:
    strip = charts.strip(results("up", "up", "down", "error"))
    assert strip.text == "Last 4 results: 2 up, 1 down, 1 error"
    assert [name for name, _ in strip.paths] == ["down", "error", "none", "up"]


def test_a_strip_without_results_says_so() -> None:
    assert charts.strip([]).text == "No results yet"


def test_a_strip_holds_the_newest_and_puts_them_at_the_right() -> None:
    strip = charts.strip(results(*["down"] * 10, *["up"] * 30))
    assert dict(strip.paths).keys() == {"up"}
    short = dict(charts.strip(results("up")).paths)
    assert short["up"].startswith(f"M{29 * 5} ")


def test_outcomes_differ_in_height_as_well_as_in_colour() -> None:
    heights = {
        dict(charts.strip(results(name)).paths)[name].partition("v")[2] for name in ("up", "degraded", "down", "error")
    }
    assert len(heights) == 4


def test_the_median_is_of_answers_alone() -> None:
    slow, fast = results("up", total_us=300_000), results("down", total_us=1_000)
    assert charts.median_latency([*slow, *fast, *fast]) == "300 ms"
    assert charts.median_latency(fast) is None
    assert charts.median_latency(results("up", total_us=None)) is None


def test_the_legend_names_what_is_drawn_and_nothing_else() -> None:
    drawn = [
        charts.phases({"ttfb": 3000}, longest_us=3000),
        charts.phases({"dns": 1000, "connect": None, "ttfb": 500, "download": 0}, longest_us=3000),
    ]
    assert charts.legend(drawn, {"ttfb": "round trip"}) == (("dns", "dns"), ("ttfb", "round trip"))
    assert charts.legend([], {}) == ()


def test_phases_lie_one_after_another_on_one_scale() -> None:
    drawn = charts.phases({"dns": 1000, "connect": None, "tls": 0, "ttfb": 3000, "download": 1}, longest_us=8000)
    assert [(bar.name, bar.x, bar.width) for bar in drawn.bars] == [("dns", "0.0", "125.0"), ("ttfb", "125.0", "375.0")]
    assert drawn.text == "dns 1.0 ms, tls 0.00 ms, ttfb 3.0 ms, download 0.00 ms"
    assert charts.phases({}, longest_us=0).text == "no phase ended"
