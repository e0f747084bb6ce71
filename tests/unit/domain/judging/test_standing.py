"""Why there is an incident or none, in sentences."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from control_plane.domain.judging.standing import OpenOne, Standing, sentences

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PLAIN = Standing(
    verdict="up",
    hushed=False,
    well_since=None,
    held_since=None,
    held_by=None,
    hold_ended_at=None,
    waits_until=None,
    backed_off_at=None,
)
HELD = {"held_since": AT, "held_by": "Maintenance “database”"}


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ({}, []),
        ({"verdict": "down", **HELD}, ["Held by Maintenance “database”: no incident opens"]),
        (
            {"verdict": "down", "held_by": "Maintenance “database”", "hold_ended_at": AT},
            [
                (
                    "It was held until 2026-03-01 12:00:00 UTC (Maintenance “database”): "
                    "only down slots after that open an incident"
                )
            ],
        ),
        (
            {"verdict": "down", "hushed": True},
            ["A person resolved its incident while it was down: none opens until up was proven"],
        ),
        (
            {"verdict": "down", "waits_until": AT},
            ["Its incident waits for what it depends on, until 2026-03-01 12:00:00 UTC at the latest"],
        ),
        (
            {"verdict": "down", "backed_off_at": AT, "incident": OpenOne(7, "down", False)},
            [
                "Incident 7 is open: it resolves once up is proven",
                "CIRCUIT_OPEN: checked every 5 minutes at most since 2026-03-01 12:00:00 UTC",
            ],
        ),
        (
            {"well_since": AT, "incident": OpenOne(7, "flapping", False)},
            [
                (
                    "Incident 7 is of type flapping: it resolves after 10 minutes of proven up, "
                    "at 2026-03-01 12:10:00 UTC if it stays so"
                )
            ],
        ),
        (
            {"incident": OpenOne(7, "flapping", False)},
            ["Incident 7 is of type flapping: it resolves after 10 minutes of proven up"],
        ),
        (
            {"incident": OpenOne(7, "down", True), **HELD},
            [
                "Incident 7 was reopened by hand: a person resolves it, or the end of an outage that is proven again",
                "Held by Maintenance “database”: reminders and escalation wait",
            ],
        ),
    ],
)
def test_what_is_said(over: dict[str, Any], expected: list[str]) -> None:
    assert list(sentences(replace(PLAIN, **over))) == expected
