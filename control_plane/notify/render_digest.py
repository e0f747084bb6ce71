"""Many notices in one message. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from control_plane.domain.alerting.message_words import Fact, Tone, Words
from control_plane.domain.span_words import counted, short
from control_plane.notify.told import Told

MAX_GROUPS = 8
"""Causes that a digest tells apart; what is beyond is counted in its last line."""

MAX_NAMES = 5
"""Monitors that a group names."""

Labelled = tuple[Told, str, Tone]
"""A notice, what has happened in a few words, and how it is meant."""


def digest(told: Sequence[Labelled]) -> Words:
    """Grouped by what happened and why, the largest group first; an incident that came and went counts in one group."""
    groups: defaultdict[tuple[str, str], list[Told]] = defaultdict(list)
    latest = _latest(told)
    for each, label, _ in latest:
        groups[label, _cause(each)].append(each)
    ranked = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    lines = [_group(label, cause, members) for (label, cause), members in ranked[:MAX_GROUPS]]
    left = [members for _, members in ranked[MAX_GROUPS:]]
    if left:
        lines.append(f"and {counted(sum(map(len, left)))} more, of {len(left)} other causes")
    return Words(
        title=_title([each for each, _, _ in told]),
        text="\n".join(lines),
        summary="\n".join(lines),
        facts=tuple(Fact(label, _names(members)) for (label, _), members in ranked[:MAX_GROUPS]),
        tone=_tone([tone for _, _, tone in latest]),
        phase="digest",
    )


def _latest(told: Sequence[Labelled]) -> list[Labelled]:
    """The last notice of each incident, in their order, and its label."""
    latest: dict[object, Labelled] = {}
    begun: set[object] = set()
    for number, (each, label, tone) in enumerate(told):
        key = number if each.incident is None else each.incident.id
        latest[key] = (each, label, tone)
        if each.incident is not None and not each.resolved:
            begun.add(key)
    return [
        (each, "opened and resolved" if each.resolved and key in begun else label, tone)
        for key, (each, label, tone) in latest.items()
    ]


def _cause(told: Told) -> str:
    return short(told.incident.cause if told.incident is not None and told.resolved else told.reason)


def _tone(tones: Sequence[Tone]) -> Tone:
    if all(tone == "relief" for tone in tones):
        return "relief"
    return "alarm" if "alarm" in tones else "note"


def _group(label: str, cause: str, members: Sequence[Told]) -> str:
    return f"{counted(len(members))} {label}: {_names(members)}. {cause}"


def _names(members: Sequence[Told]) -> str:
    names = ", ".join(each.subject for each in members[:MAX_NAMES])
    beyond = len(members) - MAX_NAMES
    return names + (f" and {counted(beyond)} more" if beyond > 0 else "")


def _title(told: Sequence[Told]) -> str:
    of_incidents = [each for each in told if each.incident is not None]
    resolved = sum(each.resolved for each in of_incidents)
    opened, others = len(of_incidents) - resolved, len(told) - len(of_incidents)
    parts = [f"{counted(opened)} opened"] if opened else []
    parts += [f"{counted(resolved)} resolved"] if resolved else []
    parts += [f"{counted(others)} events"] if others else []
    return "Farwatch: " + ", ".join(parts)
