"""A reader of iCalendar (RFC 5545) that takes nothing that the RFC does not allow."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_LINE = re.compile(r"([A-Z0-9-]+)((?:;[A-Z-]+=[^;:]+)*):(.*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BARE = re.compile(r"(?<!\\)(?:\\\\)*[,;]")
_TEXTS = {"SUMMARY", "DESCRIPTION", "UID", "NAME", "X-WR-CALNAME"}


@dataclass
class Part:
    """A component with its properties, unescaped, and the events in it."""

    name: str
    properties: list[tuple[str, str]] = field(default_factory=list)
    events: list[Part] = field(default_factory=list)

    def once(self, name: str) -> str:
        """The value of a property that is there exactly once."""
        found = [value for each, value in self.properties if each == name]
        assert len(found) == 1, (name, found)
        return found[0]


def read_calendar(content: bytes) -> Part:
    """The VCALENDAR. Raises AssertionError on what breaks sections 3.1, 3.3.11, 3.4 or 3.6.1."""
    assert content.endswith(b"\r\n")
    for raw in content[:-2].split(b"\r\n"):
        assert len(raw) <= 75, raw
        assert b"\n" not in raw
        assert b"\r" not in raw
        raw.decode()  # no character is cut apart by folding
    root = Part("")
    stack = [root]
    for line in content.decode()[:-2].replace("\r\n ", "").replace("\r\n\t", "").split("\r\n"):
        _take(line, stack)
    assert stack == [root]
    (calendar,) = root.events
    assert calendar.name == "VCALENDAR"
    for event in calendar.events:
        event.once("UID")
        event.once("DTSTAMP")
    return calendar


def _take(line: str, stack: list[Part]) -> None:
    found = _LINE.fullmatch(line)
    assert found is not None, line
    name, _, value = found.groups()
    if name == "BEGIN":
        part = Part(value)
        stack[-1].events.append(part)
        stack.append(part)
    elif name == "END":
        assert stack.pop().name == value
    else:
        stack[-1].properties.append((name, _unescaped(name, value)))


def _unescaped(name: str, value: str) -> str:
    if name not in _TEXTS:
        return value
    assert _BARE.search(value) is None, value
    assert all(each in "\\;,nN" for each in _ESCAPE.findall(value)), value
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
