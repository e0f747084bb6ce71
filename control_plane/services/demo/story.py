"""What happened to the demo's ferry line in 90 days: every outage, slowness, gap and planned work, told once.

Everything else follows from it: changes of verdict, incidents, rollups, deliveries. The instants count back from the
day on which the demo is made, so that the story always ends today.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

DAYS = 90
SEED = 20_260_211
"""The same story each time."""

Verdict = Literal["up", "degraded", "down", "unknown"]

FRANKFURT, VIRGINIA, SINGAPORE = "frankfurt", "virginia", "singapore"
ALL = (FRANKFURT, VIRGINIA, SINGAPORE)


class Said(Struct, frozen=True):
    """Something that a person wrote, so many minutes after an incident's opening.

    `kind`: `acknowledged` or `note` for the team, else the phase of a public update.
    """

    after_min: int
    kind: Literal["acknowledged", "note", "investigating", "identified", "monitoring", "resolved", "postmortem"]
    who: str
    text: str | None = None


class Spell(Struct, frozen=True, kw_only=True):
    """A monitor that was not well: `minutes` from `at` (HH:MM UTC), `days` ago, as these regions saw it.

    `outvoted`: too few regions for a verdict. `held`: what it depends on was down, so that no incident opened.
    """

    key: str
    days: int
    at: str
    minutes: int
    message: str
    verdict: Verdict = "down"
    reason: str = "status"
    regions: tuple[str, ...] = ALL
    outvoted: bool = False
    held: bool = False
    title: str | None = None
    said: tuple[Said, ...] = ()

    def begins(self, now: datetime) -> datetime:
        """The instant, counted from this one."""
        hour, _, minute = self.at.partition(":")
        day = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=self.days)
        return day + timedelta(hours=int(hour), minutes=int(minute), seconds=(self.days * 17) % 60)

    def ends(self, now: datetime) -> datetime:
        """The first instant at which it was well again."""
        return self.begins(now) + timedelta(minutes=self.minutes)


class Work(Struct, frozen=True, kw_only=True):
    """Planned work of the past."""

    keys: tuple[str, ...]
    days: int
    at: str
    minutes: int
    title: str
    description: str

    def begins(self, now: datetime) -> datetime:
        """The instant, counted from this one."""
        hour, _, minute = self.at.partition(":")
        day = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=self.days)
        return day + timedelta(hours=int(hour), minutes=int(minute))

    def ends(self, now: datetime) -> datetime:
        """When it was over."""
        return self.begins(now) + timedelta(minutes=self.minutes)


ADA, JONAS, MEI = "Ada Lind", "Jonas Weber", "Mei Tanaka"
PEOPLE = (
    (ADA, "ada@tern.example", "owner"),
    (JONAS, "jonas@tern.example", "admin"),
    (MEI, "mei@tern.example", "member"),
)

_FULL_DISK = "Connection refused"
_GATEWAY = "Status 502, expected 200"

TOLD = (
    Spell(
        key="database",
        days=67,
        at="02:14",
        minutes=47,
        message=_FULL_DISK,
        reason="connect",
        title="Bookings are not possible",
        said=(
            Said(4, "acknowledged", JONAS, "On it. The disk of the primary is full."),
            Said(
                6,
                "investigating",
                JONAS,
                "Bookings and changes of bookings fail at the moment. We are looking into it.",
            ),
            Said(
                19,
                "identified",
                JONAS,
                "A disk ran full. We are moving to the standby; tickets that you hold stay valid.",
            ),
            Said(31, "note", ADA, "Replication slot of the old reporting replica kept 300 GB of log. Dropped it."),
            Said(44, "monitoring", JONAS, "Bookings work again. We keep watching."),
            Said(47, "resolved", JONAS, "Everything works as it should. We are sorry for the interruption."),
        ),
    ),
    Spell(key="booking-api", days=67, at="02:15", minutes=47, message="Status 503, expected 200", held=True),
    Spell(key="checkout", days=67, at="02:15", minutes=48, message="Status 503, expected 200", held=True),
    Spell(
        key="booking-api",
        days=41,
        at="14:31",
        minutes=18,
        message=_GATEWAY,
        said=(
            Said(3, "acknowledged", MEI),
            Said(9, "note", MEI, "Release 412 was rolled back. The new pool setting left no connections for the API."),
        ),
    ),
    Spell(key="checkout", days=41, at="14:32", minutes=18, message=_GATEWAY, held=True),
    Spell(
        key="app",
        days=15,
        at="07:30",
        minutes=54,
        message="Status 500, expected 2xx",
        title="The passenger app does not load",
        said=(
            Said(2, "acknowledged", ADA),
            Said(
                5,
                "investigating",
                ADA,
                "The passenger app shows an error when it is opened. Tickets at the gate work on paper.",
            ),
            Said(22, "identified", ADA, "A faulty setting reached all servers at once. We are taking it back."),
            Said(35, "note", MEI, "Feature flags are now read with a default when the flag service answers nonsense."),
            Said(41, "monitoring", ADA, "The app loads again for most passengers."),
            Said(54, "resolved", ADA, "The app works for everybody."),
            Said(
                1500,
                "postmortem",
                ADA,
                "A setting was published without the step that tries it on one server. It is required now.",
            ),
        ),
    ),
    Spell(key="website", days=74, at="05:03", minutes=4, message="Timed out after 10000 ms", reason="timeout"),
    Spell(
        key="website", days=52, at="10:11", minutes=35, verdict="degraded", message="Answered in 1.9 s", reason="slow"
    ),
    Spell(
        key="search", days=77, at="16:50", minutes=65, verdict="degraded", message="Answered in 1.4 s", reason="slow"
    ),
    Spell(
        key="search", days=36, at="17:00", minutes=180, verdict="degraded", message="Answered in 1.7 s", reason="slow"
    ),
    Spell(
        key="search", days=12, at="16:30", minutes=135, verdict="degraded", message="Answered in 1.3 s", reason="slow"
    ),
    Spell(
        key="search", days=5, at="17:10", minutes=100, verdict="degraded", message="Answered in 1.5 s", reason="slow"
    ),
    Spell(key="search", days=5, at="18:50", minutes=9, message="Timed out after 10000 ms", reason="timeout"),
    Spell(
        key="checkout",
        days=23,
        at="11:05",
        minutes=26,
        message="Status 500, expected 200",
        title="Paying fails for some cards",
        said=(
            Said(5, "acknowledged", JONAS),
            Said(8, "investigating", JONAS, "Some card payments fail. A second try often works."),
            Said(26, "resolved", JONAS, "Card payments work again."),
        ),
    ),
    Spell(key="checkout", days=9, at="20:40", minutes=8, message=_GATEWAY, said=(Said(2, "acknowledged", MEI),)),
    Spell(
        key="payments",
        days=58,
        at="08:20",
        minutes=95,
        verdict="degraded",
        message="Status 429, asked to come back in 30 s",
        reason="rate_limited",
    ),
    Spell(key="payments", days=30, at="19:12", minutes=12, message="The connection was reset", reason="connect"),
    Spell(
        key="tickets",
        days=63,
        at="03:20",
        minutes=140,
        message="Timed out after 10000 ms",
        reason="timeout",
        regions=(SINGAPORE,),
        outvoted=True,
    ),
    Spell(
        key="tickets",
        days=11,
        at="12:05",
        minutes=75,
        message="Timed out after 10000 ms",
        reason="timeout",
        regions=(SINGAPORE,),
        outvoted=True,
    ),
    Spell(
        key="gates",
        days=50,
        at="22:10",
        minutes=33,
        message="No answer within 10000 ms",
        reason="timeout",
        regions=(FRANKFURT, VIRGINIA),
        said=(Said(6, "acknowledged", JONAS, "The harbour's provider works on its line."),),
    ),
    Spell(key="gates", days=3, at="04:41", minutes=11, message="No answer within 10000 ms", reason="timeout"),
    Spell(key="queue", days=19, at="09:00", minutes=6, message="Connection refused", reason="connect"),
    Spell(
        key="edge",
        days=33,
        at="16:20",
        minutes=21,
        message="3 of 3 echo requests were lost",
        reason="loss",
        regions=(VIRGINIA, SINGAPORE),
    ),
    Spell(key="mail", days=28, at="06:45", minutes=40, verdict="degraded", message="Answered in 620 ms", reason="slow"),
    Spell(
        key="backup",
        days=26,
        at="04:00",
        minutes=250,
        message="No ping since yesterday, 03:06",
        said=(Said(171, "acknowledged", ADA, "The job's host was replaced without its timer."),),
    ),
    Spell(key="backup", days=8, at="03:07", minutes=118, message="The run ended with exit code 3"),
    Spell(key="invoices", days=17, at="13:12", minutes=48, message="The run ended with exit code 1"),
    Spell(
        key="certificate",
        days=33,
        at="09:30",
        minutes=2880,
        verdict="degraded",
        message="The certificate expires in 14 days",
        reason="expiring",
    ),
)

OFF = (45, "01:00", 50)
"""When Farwatch itself was off: nobody looked, so nothing is known of anybody. (days ago, at, minutes)."""

WORK = (
    Work(
        keys=("database", "booking-api", "checkout", "booking-path"),
        days=20,
        at="01:00",
        minutes=120,
        title="Database moves to new disks",
        description="Bookings are not possible during this time. Tickets can be used as always.",
    ),
    Work(
        keys=("gates", "tickets"),
        days=55,
        at="23:00",
        minutes=90,
        title="New software at the gates",
        description="Gates open by hand; boarding takes a little longer.",
    ),
)
WORK_DOWN = (
    Spell(key="database", days=20, at="01:08", minutes=74, message=_FULL_DISK, reason="connect", held=True),
    Spell(key="booking-api", days=20, at="01:09", minutes=74, message="Status 503, expected 200", held=True),
    Spell(key="checkout", days=20, at="01:09", minutes=75, message="Status 503, expected 200", held=True),
    Spell(key="gates", days=55, at="23:12", minutes=41, message="Connection refused", reason="connect", held=True),
)
"""What was down as planned: recorded as it was, neither told to anybody nor counted."""

UNSTEADY = "partner"
"""The monitor whose small outages are drawn by lot: its target is missed."""
YOUNG = {"legacy-certificate": 24, "seats": 38}
"""Monitors made later than the others, days ago."""
PAUSED = ("old-site", 12)
"""A monitor that was switched off, and how many days ago."""
EXPIRING = ("legacy-certificate", 5)
"""A certificate that nobody renews: degraded since so many days."""


def spells() -> list[Spell]:
    """All of them, those drawn by lot too."""
    return [*TOLD, *WORK_DOWN, *_unsteady(random.Random(SEED))]  # noqa: S311 - a story, no secret


def _unsteady(lot: random.Random) -> list[Spell]:
    days = sorted(lot.sample(range(2, DAYS), 19), reverse=True)
    return [
        Spell(
            key=UNSTEADY,
            days=day,
            at=f"{lot.randrange(24):02}:{lot.randrange(60):02}",
            minutes=lot.choice((3, 4, 6, 6, 9, 14, 22, 38)),
            message=lot.choice((_GATEWAY, "Timed out after 10000 ms", "The body lacks “departures”")),
        )
        for day in days
        if day != OFF[0]
    ]
