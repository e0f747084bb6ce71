"""The figures themselves, small: that they run and that no answer is wrong. Nothing here is timed."""

from __future__ import annotations

from tests.bench import ingest_cost
from tests.bench.figure import render
from tests.bench.options import Options


async def test_ingest_answers_every_item_right_and_a_replay_adds_nothing() -> None:
    figure = await ingest_cost.measure(Options(rounds=1, quick=True))
    assert figure.wrong == 0
    assert figure.checked == 7500
    assert "control plane, gzip" in render(figure)
