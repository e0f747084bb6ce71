"""A mass outage on a real control plane: incidents in time, five single messages and one digest, all webhooks."""

from __future__ import annotations

import os

import pytest

from tests.bench.mass_outage import COMMITTED_WITHIN_S, SINGLES, stage

MONITORS = int(os.environ.get("TEST_FARWATCH_MASS_OUTAGE", "100"))
WHOLE = MONITORS >= 1000


@pytest.mark.slow
async def test_a_mass_outage_is_told_once_in_time_and_harms_nobody_else() -> None:
    seen = await stage(monitors=MONITORS, others=2000 if WHOLE else 200, per_second=3000, whole=WHOLE)
    assert seen.wrong == 0, "every result of victims and others is acknowledged as stored"
    assert (seen.webhooks, seen.repeated) == (MONITORS, 0)
    assert (seen.singles, seen.put_off, seen.messages) == (SINGLES, MONITORS - SINGLES, SINGLES + 1)
    assert seen.titles[-1] == f"Farwatch: {MONITORS - SINGLES:,} opened".replace(",", " ")
    assert seen.committed_s <= COMMITTED_WITHIN_S
    assert seen.others > 0, "the others went on meanwhile"
