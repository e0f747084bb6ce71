"""Notices in words, for channels that people read: one notice, or many in one message. Pure.

Everything here comes from the stored bodies, which name no part of a check, so no secret can be in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from control_plane.domain.alerting import IncidentFacts, MonitorFacts
from control_plane.domain.message_words import Phase, Tone, Words

MAX_GROUPS = 8
"""Causes that a digest tells apart; what is beyond is counted in its last line."""

MAX_NAMES = 5
"""Monitors that a group names."""

MAX_TEXT = 300
"""Characters of a cause or a reason: what a check saw may be longer than a message."""

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


_READ = msgspec.json.Decoder(Told)


def read(body: bytes) -> Told:
    """A stored body. Raises msgspec.MsgspecError for one of another shape."""
    return _READ.decode(body)


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a message says beyond the stored bodies. `notice` is the first one's kind (store/deliveries.py).

    `templates`: the tenant's own texts of this channel, by what they replace. `acknowledge_url`: where a person who
    reads this may acknowledge the incident.
    """

    notice: str = "opened"
    now: datetime | None = None
    acknowledge_url: str | None = None
    templates: Mapping[str, str] | None = None


_PLAIN = Surroundings()


def words(told: Sequence[Told], around: Surroundings = _PLAIN) -> Words:  # noqa: ARG001
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
        phase=_phase(told),
        severity=told.incident.severity,
        url=told.incident.url,
    )


def _phase(told: Told) -> Phase:
    if told.is_test:
        return "test"
    if told.resolved:
        return "resolve"
    return "open" if told.event.endswith(".opened") else "update"


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
        phase="digest",
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
