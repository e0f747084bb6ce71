"""How figures are judged and written."""

from __future__ import annotations

import pytest

from tests.bench.figure import NOT_MEASURED, Figure, Row, render, write_sections


def a_figure(*rows: Row) -> Figure:
    return Figure("S0", "Nothing", ["on paper"], list(rows), checked=7)


@pytest.mark.parametrize(
    ("values", "target", "verdict"),
    [
        ((1.0, 2.0, 9.0), 2.0, "reached"),
        ((1.0, 2.1, 2.2), 2.0, "**missed**"),
        ((), 2.0, NOT_MEASURED),
        ((1.0,), None, ""),
    ],
)
def test_a_target_is_judged_by_the_median(values: tuple[float, ...], target: float | None, verdict: str) -> None:
    assert Row("cost", "µs", values, target).verdict() == verdict


def test_a_row_shows_least_median_and_most() -> None:
    assert "| cost | µs | 1.00 | 2.00 | 30.0 | ≤ 20.0 | reached |" in render(
        a_figure(Row("cost", "µs", [30, 1, 2], 20))
    )


def test_what_was_not_measured_says_so_and_why() -> None:
    assert "| cost | µs | not measured | | | ≤ 20.0 | no nginx |" in render(
        a_figure(Row("cost", "µs", (), 20, "no nginx"))
    )


def test_a_figure_with_a_wrong_answer_reaches_nothing() -> None:
    figure = a_figure(Row("cost", "µs", [1.0], 20))
    figure.wrong = 1
    text = render(figure)
    assert "1 of 7 answers were wrong" in text
    assert "| does not count |" in text
    assert "reached" not in text


def test_a_void_run_reaches_nothing() -> None:
    figure = a_figure(Row("cost", "µs", [1.0], 20))
    figure.void = "the floor moved"
    assert not figure.counts
    assert "| does not count |" in render(figure)


def test_a_section_is_replaced_and_the_rest_stays() -> None:
    document = "before\n<!-- S0 -->\nold\n<!-- /S0 -->\nafter\n"
    assert write_sections(document, {"S0": r"new \1" + "\n"}) == "before\n<!-- S0 -->\nnew \\1\n<!-- /S0 -->\nafter\n"


def test_a_section_that_the_document_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="S9"):
        write_sections("<!-- S0 -->\n<!-- /S0 -->\n", {"S9": "text"})
