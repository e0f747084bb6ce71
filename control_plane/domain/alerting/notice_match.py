"""What a route or a silence is about: any of each field, all of the fields. What is empty does not restrict."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from control_plane.domain import field_rules
from control_plane.domain.checks.kinds import SPECS
from control_plane.domain.field_rules import Findings, refuse

SEVERITIES = ("minor", "major", "critical")
MAX_GROUPS = 50
MAX_MONITORS = 1_000
MAX_CHANNELS = 50

T = TypeVar("T")


class Traits(Struct, frozen=True, kw_only=True):
    """What a monitor is matched by."""

    id: UUID
    kind: str
    tags: tuple[str, ...] = ()
    group: str | None = None


class Match(Struct, frozen=True, kw_only=True):
    """`monitor_ids` may name monitors that are gone: without them it would match more than before."""

    severities: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    monitor_ids: tuple[UUID, ...] = ()

    @property
    def names_monitors(self) -> bool:
        """Whether it is about monitors at all: then nothing without one matches."""
        return bool(self.tags or self.groups or self.kinds or self.monitor_ids)


FIELDS = Match.__struct_fields__


def matches(match: Match, *, severity: str | None, monitor: Traits | None) -> bool:
    """Whether a notice of this severity about this monitor is meant. None: it has no severity, or no monitor."""
    if match.severities and severity not in match.severities:
        return False
    if monitor is None:
        return not match.names_monitors
    return (
        (not match.tags or not set(match.tags).isdisjoint(monitor.tags))
        and (not match.groups or monitor.group in match.groups)
        and (not match.kinds or monitor.kind in match.kinds)
        and (not match.monitor_ids or monitor.id in match.monitor_ids)
    )


def covers(match: Match, *, severity: str | None, monitors: Sequence[Traits]) -> bool:
    """Whether an incident as a whole is meant: all of its monitors. One that is not meant keeps it loud."""
    if not monitors:
        return matches(match, severity=severity, monitor=None)
    return all(matches(match, severity=severity, monitor=each) for each in monitors)


def read_match(value: object, pointer: str, *, stored: Match | None = None, monitors: Collection[UUID] = ()) -> Match:
    """The match that a JSON value describes, merged (RFC 7396) onto `stored`. `monitors`: those that there are.

    Raises BadRequest INVALID_MATCH, INVALID_TAGS, INVALID_GROUP, INVALID_TYPE, UNKNOWN_FIELD.
    """
    if not isinstance(value, dict):
        refuse("INVALID_TYPE", f"match is an object of {', '.join(FIELDS)}: empty matches everything", pointer)
    findings = Findings()
    field_rules.refuse_unknown(value, known=FIELDS, pointer=pointer, findings=findings)
    known = {*monitors, *(stored.monitor_ids if stored else ())}
    readers: Mapping[str, Callable[[object, str], tuple[Any, ...]]] = {
        "severities": lambda one, at: _words(one, at, allowed=SEVERITIES),
        "tags": field_rules.tags,
        "groups": _groups,
        "kinds": lambda one, at: _words(one, at, allowed=tuple(SPECS)),
        "monitor_ids": lambda one, at: read_ids(one, at, known=known, limit=MAX_MONITORS, word="monitor"),
    }
    fields: dict[str, Any] = {name: getattr(stored, name) for name in FIELDS} if stored else {}
    for name, reader in readers.items():
        if name in value:
            fields[name] = () if value[name] is None else findings.take(reader, value[name], f"{pointer}/{name}")
    findings.raise_any()
    return Match(**fields)


def named_ids(value: object, limit: int = MAX_MONITORS) -> list[UUID]:
    """The ids in a list of a body, as far as they are ids: what to look up before reading it."""
    return [found for one in (value if isinstance(value, list) else [])[:limit] if (found := _uuid(one)) is not None]


def read_ids(value: object, pointer: str, *, known: Collection[UUID], limit: int, word: str) -> tuple[UUID, ...]:
    """Ids of things that there are, each once. Raises BadRequest INVALID_MATCH."""
    if not isinstance(value, list):
        refuse("INVALID_TYPE", "this must be a list of ids", pointer)
    if len(value) > limit:
        refuse("INVALID_MATCH", f"there may be at most {limit}", pointer)
    found: dict[UUID, None] = {}
    for place, one in enumerate(value):
        identity = _uuid(one)
        if identity is None or identity not in known:
            refuse("INVALID_MATCH", f"there is no {word} of this id", f"{pointer}/{place}")
        found[identity] = None
    return tuple(found)


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None


def _groups(value: object, pointer: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        refuse("INVALID_TYPE", "groups must be a list of names", pointer)
    if len(value) > MAX_GROUPS:
        refuse("INVALID_MATCH", f"there may be at most {MAX_GROUPS} groups", pointer)
    names = (field_rules.name(one, f"{pointer}/{place}", code="INVALID_GROUP") for place, one in enumerate(value))
    return tuple(dict.fromkeys(names))


def _words(value: object, pointer: str, *, allowed: Sequence[str]) -> tuple[str, ...]:
    """Words of a list in the order of the allowed ones, each once."""
    if not isinstance(value, list):
        refuse("INVALID_TYPE", "this must be a list of strings", pointer)
    for place, word in enumerate(value[:100]):
        field_rules.choice(word, f"{pointer}/{place}", allowed=allowed, code="INVALID_MATCH")
    return tuple(word for word in allowed if word in value)
