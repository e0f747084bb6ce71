"""Calendars as iCalendar (RFC 5545). Pure: events in, text out.

Values are escaped (section 3.3.11), lines are folded at 75 octets without cutting a character apart (section 3.1), and
every instant is UTC, so that no time zone has to come along.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

MEDIA_TYPE = "text/calendar"
_LINE = 75
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class Event(Struct, frozen=True, kw_only=True):
    """Something from `starts_at` until before `ends_at`. `uid` never changes; `sequence` grows with every change."""

    uid: str
    title: str
    text: str
    starts_at: datetime
    ends_at: datetime
    changed_at: datetime
    sequence: int = 0
    status: Literal["CONFIRMED", "CANCELLED"] = "CONFIRMED"


def calendar(name: str, events: Sequence[Event]) -> str:
    """A calendar that readers subscribe to, and ask for again every hour (RFC 7986 section 5.7)."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Farwatch//Maintenance//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{_text(name)}",
        f"X-WR-CALNAME:{_text(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
        *(line for event in events for line in _lines(event)),
        "END:VCALENDAR",
    ]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _lines(event: Event) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{_text(event.uid)}"
    yield f"DTSTAMP:{_instant(event.changed_at)}"
    yield f"LAST-MODIFIED:{_instant(event.changed_at)}"
    yield f"SEQUENCE:{event.sequence}"
    yield f"DTSTART:{_instant(event.starts_at)}"
    yield f"DTEND:{_instant(event.ends_at)}"
    yield f"SUMMARY:{_text(event.title)}"
    if event.text:
        yield f"DESCRIPTION:{_text(event.text)}"
    yield f"STATUS:{event.status}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"


def _text(value: str) -> str:
    plain = _CONTROLS.sub(" ", value.replace("\r\n", "\n").replace("\r", "\n"))
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _folded(line: str) -> str:
    parts, width, current = [], _LINE, ""
    for letter in line:
        if len((current + letter).encode()) > width:
            parts.append(current)
            current, width = "", _LINE - 1  # the blank that begins a continued line counts
        current += letter
    return "\r\n ".join([*parts, current])
