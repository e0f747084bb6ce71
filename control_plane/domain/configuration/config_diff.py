"""What a plan says: one change for each object, field by field, and the digest that an approval is bound to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.checks.secrets_of_check import MASK

Action = Literal["create", "update", "delete", "unchanged", "unmanaged"]
"""`unmanaged`: it is there and the file does not have it; with pruning it is deleted."""

_NESTED = ("check", "config", "branding")


class FieldChange(Struct, frozen=True):
    """One member that changes. `before` is null for what is new; secrets are `***` on both sides."""

    field: str
    before: Any
    after: Any


class Change(Struct, frozen=True, kw_only=True):
    """What becomes of one object. `pointer` is its place in the file, null where the file does not have it."""

    action: Action
    kind: str
    key: str
    name: str
    id: UUID | None
    pointer: str | None
    fields: Sequence[FieldChange] = ()
    revision: int | None = None
    write_source: str | None = None


class PlanWarning(Struct, frozen=True, kw_only=True):
    """Something that is allowed, or that apply would refuse, and is probably not meant."""

    code: str
    message: str
    kind: str
    key: str
    field: str | None


def field_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[FieldChange]:
    """The members that differ, in the order of `after`; checks, configurations and colours member by member."""
    old, new = dict(_flat(before or {})), dict(_flat(after))
    names = [*new, *(name for name in old if name not in new)]
    return [FieldChange(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)]


def secret_changes(pointers: Sequence[str]) -> list[FieldChange]:
    """Secrets that change: where, and nothing else."""
    return [FieldChange(pointer, MASK, MASK) for pointer in sorted(pointers)]


def digest(changes: Sequence[Change]) -> str:
    """Of all that would be written, and onto which revisions: the same plan again has the same."""
    hashed = hashlib.sha256()
    for change in changes:
        if change.action not in ("unchanged", "unmanaged"):
            known = (change.action, change.kind, change.key, change.revision, msgspec.to_builtins(change.fields))
            hashed.update(msgspec.json.encode(known, order="sorted"))
    return hashed.hexdigest()


def _flat(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, member in value.items():
        if name in _NESTED and isinstance(member, dict):
            yield from ((f"/{name}/{inner}", deeper) for inner, deeper in member.items())
        else:
            yield f"/{name}", member
