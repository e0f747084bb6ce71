"""How fast the demo's services answer: the same numbers for the invented past and for the sites that answer now."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

DISTANCE_MS: Mapping[str, float] = {"frankfurt": 14.0, "virginia": 92.0, "singapore": 168.0}
"""How far away each region is, there and back."""


class Pace(Struct, frozen=True):
    """`work_ms`: what an answer takes by itself; `travels`: whether the way to the region adds to it.

    `rhythm`: how much more of `work_ms` it takes at the busiest hour of the day than at the quietest.
    """

    work_ms: float
    travels: bool = True
    rhythm: float = 0.0


PACES: Mapping[str, Pace] = {
    "website": Pace(38, rhythm=0.5),
    "booking-api": Pace(64, rhythm=0.9),
    "checkout": Pace(120, rhythm=0.7),
    "search": Pace(150, rhythm=1.4),
    "payments": Pace(210, rhythm=0.3),
    "tickets": Pace(46, rhythm=0.6),
    "app": Pace(55, rhythm=0.6),
    "partner": Pace(240, rhythm=0.8),
    "gates": Pace(0.5, travels=False),
    "database": Pace(2.2, rhythm=1.0, travels=False),
    "cache": Pace(0.7, travels=False),
    "queue": Pace(0.6, travels=False),
    "names": Pace(6, rhythm=0.2),
    "mail": Pace(9, rhythm=0.2),
    "edge": Pace(0.12, travels=False),
    "certificate": Pace(9, travels=False),
    "legacy-certificate": Pace(9, travels=False),
    "domain": Pace(60, travels=False),
}


def busyness(at: datetime) -> float:
    """0 at four in the morning of a weekday, 1 at four in the afternoon of a Friday (UTC)."""
    hour = at.hour + at.minute / 60
    daily = (1 - math.cos((hour - 4) / 24 * 2 * math.pi)) / 2
    return daily * (1.0 if at.weekday() in (4, 5, 6) else 0.8)


def answer_ms(key: str, region: str, *, at: datetime, lot: random.Random) -> float:
    """How long an answer takes, drawn by lot around what is usual then and there."""
    pace = PACES[key]
    work = pace.work_ms * (1 + pace.rhythm * busyness(at))
    straggles = 2.6 if lot.random() < 0.012 else 1.0
    way = DISTANCE_MS.get(region, 0.0) if pace.travels else 0.0
    return straggles * work * lot.lognormvariate(0, 0.16) + way * lot.lognormvariate(0, 0.03)
