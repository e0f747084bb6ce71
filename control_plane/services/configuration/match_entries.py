"""Find the stored object that each entry of a configuration file means: by key, or by the id that it adopts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct

from control_plane.domain.configuration.config_file import Entry, Refusals
from control_plane.errors import BadRequest, Conflict, FarwatchError


class Keyed(Protocol):
    """A row that a file may call by a key."""

    @property
    def id(self) -> UUID: ...
    @property
    def key(self) -> str | None: ...


R = TypeVar("R", bound=Keyed)


class Matched(Struct, Generic[R], frozen=True):
    """An entry, the row that it means (None: it is new), and the id that the object has or will have."""

    entry: Entry
    row: R | None
    id: UUID


def match_entries(
    entries: Sequence[Entry], rows: Iterable[R], *, new_id: Callable[[], UUID], refusals: Refusals
) -> list[Matched[R]]:
    """A row is meant by its key, or else by `adopt`. Of another installation's ids there are none: then it is new."""
    by_id = {row.id: row for row in rows}
    by_key = {row.key: row for row in by_id.values() if row.key is not None}
    meant: dict[UUID, str] = {}
    found: list[Matched[R]] = []
    for entry in entries:
        try:
            row = _meant(entry, by_key, by_id)
            if row is not None and row.id in meant:
                message = f"{meant[row.id]} means the same object: an object is adopted once"
                raise BadRequest(message, code="DUPLICATE_KEY", field="/adopt")
        except FarwatchError as error:
            refusals.add(error, entry.pointer)
            continue
        if row is not None:
            meant[row.id] = entry.pointer
        found.append(Matched(entry, row, new_id() if row is None else row.id))
    return found


def _meant(entry: Entry, by_key: Mapping[str, R], by_id: Mapping[UUID, R]) -> R | None:
    row = by_key.get(entry.key)
    given = entry.value.get("adopt")
    if given is None:
        return row
    adopted = by_id.get(_id(given))
    if row is not None and adopted is not None and adopted is not row:
        raise Conflict(
            f"another object has the key {entry.key!r} already: leave adopt out, or choose another key",
            code="KEY_TAKEN",
            field="/adopt",
        )
    return row or adopted


def _id(value: object) -> UUID:
    try:
        return UUID(value) if isinstance(value, str) else UUID("")
    except ValueError:
        raise BadRequest(
            "adopt is the id of an object that has no key yet", code="INVALID_ID", field="/adopt"
        ) from None
