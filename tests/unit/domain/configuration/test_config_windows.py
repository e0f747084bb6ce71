"""Maintenance windows as files say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from control_plane.domain.configuration.config_names import Names
from control_plane.domain.configuration.config_windows import short_window, whole_window
from control_plane.domain.maintenance.maintenance_rules import read_window

WRITTEN = datetime(2026, 5, 12, 10, 0, 30, tzinfo=UTC)
NOBODY = Names(regions=(), key_of={}, monitors={}, channel_name_of={}, channels={})


@pytest.mark.parametrize(
    ("microseconds", "later_s", "said"), [(0, 0, False), (345678, 0, False), (0, 1, True), (345678, 86400, True)]
)
def test_a_window_by_cron_says_its_beginning_only_where_that_was_still_to_come(
    microseconds: int, later_s: int, said: bool
) -> None:
    body = {"title": "Upkeep", "tags": ["db"], "cron": "0 2 * * SUN", "duration": 7200}
    starts_at = (WRITTEN + timedelta(seconds=later_s)).isoformat()
    config = read_window({**body, "starts_at": starts_at}, stored=None, now=WRITTEN)
    written_at = WRITTEN + timedelta(microseconds=microseconds)
    assert ("starts_at" in short_window(whole_window(config, NOBODY), written_at=written_at)) is said
