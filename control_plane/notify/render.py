"""Notices in words, for channels that people read: one notice, or many in one message. Pure.

Everything here comes from the stored bodies, which name no part of a check, so no secret can be in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from control_plane.domain.alerting import IncidentFacts, MonitorFacts

MAX_GROUPS = 8
"""Causes that a digest tells apart; what is beyond is counted in its last line."""

MAX_NAMES = 5
"""Monitors that a group names."""

MAX_TEXT = 300
"""Characters of a cause or a reason: what a check saw may be longer than a message."""

Tone = Literal["alarm", "note", "relief"]
"""How a message is meant: something is wrong and urgent, something is to be known, something is well again."""

_HIGH = frozenset({"major", "critical"})


class Place(Struct, frozen=True):
    """An agent or a region of an operator's notice."""

    name: str


class Told(Struct, frozen=True, kw_only=True):
    """What a stored body says that words need; a tenant's notice and an operator's alike."""

    event: str
    incident: IncidentFacts
    monitor: MonitorFacts | None = None
    agent: Place | None = None
    region: Place | None = None
    reason: str

    @property
    def subject(self) -> str:
        """What it is about, by name."""
        named = self.monitor or self.agent or self.region
        return named.name if named is not None else "The installation"

    @property
    def resolved(self) -> bool:
        return self.event.endswith(".resolved")

    @property
    def is_test(self) -> bool:
        return self.event.endswith(".test")


class Words(Struct, frozen=True, kw_only=True):
    """A message for people. `url` leads to the incident, where there is one and the installation knows its address."""

    title: str
    text: str
    tone: Tone
    url: str | None = None


_READ = msgspec.json.Decoder(Told)


def read(body: bytes) -> Told:
    """A stored body. Raises msgspec.MsgspecError for one of another shape."""
    return _READ.decode(body)


def words(told: Sequence[Told]) -> Words:
    """One notice as itself, several as a digest."""
    return _single(told[0]) if len(told) == 1 else _digest(told)


def _single(told: Told) -> Words:
    lines = [_short(told.reason)]
    if told.incident.regions_down and not told.resolved:
        lines.append(f"Down from: {', '.join(told.incident.regions_down)}")
    if told.monitor is not None and told.monitor.tags:
        lines.append(f"Tags: {', '.join(told.monitor.tags[:10])}")
    return Words(
        title=f"{told.subject}: {_label(told)}",
        text="\n".join(line for line in lines if line),
        tone=_tone([told]),
        url=told.incident.url,
    )


def _label(told: Told) -> str:
    if told.is_test:
        return "test"
    if told.resolved:
        return "resolved"
    if told.event.endswith(".updated"):
        return "now down"
    return told.incident.type.replace("_", " ")


def _tone(told: Sequence[Told]) -> Tone:
    if all(each.resolved for each in told):
        return "relief"
    urgent = any(each.incident.severity in _HIGH and not each.resolved and not each.is_test for each in told)
    return "alarm" if urgent else "note"


def _digest(told: Sequence[Told]) -> Words:
    """Grouped by what happened and why, the largest group first; an incident that came and went counts in one group."""
    groups: defaultdict[tuple[str, str], list[Told]] = defaultdict(list)
    for latest, label in _latest(told):
        cause = latest.incident.cause if latest.resolved else latest.reason
        groups[label, _short(cause)].append(latest)
    ranked = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    lines = [_group(label, cause, members) for (label, cause), members in ranked[:MAX_GROUPS]]
    left = [members for _, members in ranked[MAX_GROUPS:]]
    if left:
        lines.append(f"and {_counted(sum(map(len, left)))} more, of {len(left)} other causes")
    opened = sum(not each.resolved for each in told)
    return Words(
        title=_title(opened=opened, resolved=len(told) - opened),
        text="\n".join(lines),
        tone=_tone([latest for latest, _ in _latest(told)]),
        url=None,
    )


def _latest(told: Sequence[Told]) -> list[tuple[Told, str]]:
    """The last notice of each incident, in their order, and its label."""
    latest: dict[object, Told] = {}
    begun: set[object] = set()
    for each in told:
        latest[each.incident.id] = each
        if not each.resolved:
            begun.add(each.incident.id)
    return [
        (each, "opened and resolved" if each.resolved and key in begun else _label(each))
        for key, each in latest.items()
    ]


def _group(label: str, cause: str, members: Sequence[Told]) -> str:
    names = ", ".join(each.subject for each in members[:MAX_NAMES])
    beyond = len(members) - MAX_NAMES
    more = f" and {_counted(beyond)} more" if beyond > 0 else ""
    return f"{_counted(len(members))} {label}: {names}{more}. {cause}"


def _title(*, opened: int, resolved: int) -> str:
    parts = [f"{_counted(opened)} opened"] if opened else []
    parts += [f"{_counted(resolved)} resolved"] if resolved else []
    return "Farwatch: " + ", ".join(parts)


def _counted(number: int) -> str:
    """With thin gaps, as people write large numbers: 1 985."""
    return f"{number:,}".replace(",", " ")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"
