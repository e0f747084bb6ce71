"""The figures themselves, small: that they run and that no answer is wrong. Nothing here is timed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.bench import (
    agent_http,
    agent_https,
    agent_kinds,
    dashboard,
    growth,
    ingest_cost,
    light,
    overload,
    reads,
    restart,
    schedule_cost,
    streaming,
)
from tests.bench.figure import Figure, render
from tests.bench.options import Options

QUICK = Options(rounds=1, quick=True)


async def test_reads_beside_ingest_answer_what_is_there() -> None:
    figure = await reads.measure(QUICK)
    assert figure.wrong == 0
    assert figure.checked > 200
    assert "bare handler" in render(figure)


async def test_ten_times_the_monitors_are_answered_right_and_edits_reach_every_region() -> None:
    figure = await growth.measure(QUICK)
    assert figure.wrong == 0
    assert figure.checked > 100
    assert "ten times the monitors" in render(figure)


async def test_ingest_answers_every_item_right_and_a_replay_adds_nothing() -> None:
    figure = await ingest_cost.measure(QUICK)
    assert figure.wrong == 0
    assert figure.checked == 7500
    assert "control plane, gzip" in render(figure)


async def test_every_page_shows_what_it_is_asked_for() -> None:
    figure = await dashboard.measure(QUICK)
    assert figure.wrong == 0
    assert figure.checked > 20
    assert "layout shift" in render(figure)


async def test_every_event_is_heard_once_by_all_who_read_and_who_does_not_is_let_go() -> None:
    figure = await streaming.measure(QUICK)
    assert figure.wrong == 0
    assert figure.checked > 1000
    assert "is gone after" in render(figure)


@pytest.mark.parametrize(
    "measure",
    [
        agent_http.measure,
        agent_https.measure,
        agent_kinds.measure,
        schedule_cost.measure,
        restart.measure,
        overload.measure,
        light.measure,
    ],
)
async def test_no_answer_of_the_agent_is_wrong(measure: Callable[[Options], Awaitable[Figure]]) -> None:
    figure = await measure(QUICK)
    assert dict(figure.because) == {}
    assert figure.wrong == 0
    assert figure.checked > 0
