"""Choosing monitors in a form: from a list while there are few, by name or number where there are many."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.dashboard.fields import Field, Option, lines
from control_plane.dashboard.visit import Visit
from control_plane.errors import BadRequest
from control_plane.store import monitor_names
from control_plane.store.monitor_names import MonitorName
from control_plane.store.pool import Connection

FEW = 200
"""As many are listed to tick; beyond, names are typed."""

_NUMBERS_END = 1 << 63


class Offered(Struct, frozen=True):
    """The monitors that a form shows: all of few, or those that are chosen of many."""

    monitors: Sequence[MonitorName]
    many: bool


async def offered(conn: Connection, visit: Visit, *, chosen: Collection[UUID]) -> Offered:
    found = await monitor_names.names(conn, tenant_id=visit.tenant_id, limit=FEW + 1)
    if len(found) <= FEW:
        return Offered(found, many=False)
    ids = list(chosen)
    return Offered(
        await monitor_names.find(conn, tenant_id=visit.tenant_id, named=[], numbers=[], ids=ids) if ids else [],
        many=True,
    )


def monitors_field(visit: Visit, offer: Offered, *, chosen: Collection[UUID], at: str, hint: str = "") -> Field:
    """The field; what was typed stays as it was typed. One that is gone stays chosen until somebody drops it."""
    there = {each.id for each in offer.monitors}
    gone = [each for each in chosen if each not in there]
    if offer.many:
        words = [*(f"#{each.number}" for each in offer.monitors), *(str(each) for each in gone)]
        typed = visit.text("monitor_words") or "\n".join(words)
        return Field(
            name="monitor_words",
            label="Monitors",
            at=at,
            type="area",
            value=typed,
            hint=f"One on each line: its name, or # and its number. {hint}".strip(),
        )
    return Field(
        name="monitors",
        label="Monitors",
        at=at,
        type="checks",
        options=tuple(Option(str(each.id), each.name, each.id in chosen, f"#{each.number}") for each in offer.monitors),
        hint=hint if offer.monitors else "There is no monitor yet.",
    )


async def chosen_monitors(conn: Connection, visit: Visit, *, at: str) -> list[UUID]:
    """The ids that the form names. Raises BadRequest INVALID_MONITORS naming a word that is no monitor."""
    ticked = [one for each in visit.form.get("monitors", ()) if (one := _uuid(each)) is not None]
    typed = lines(visit.text("monitor_words"))
    ticked += [one for each in typed if (one := _uuid(each)) is not None]
    words = [each for each in typed if _uuid(each) is None]
    if not words:
        return ticked
    numbers = {word: int(word[1:]) for word in words if word[:1] == "#" and word[1:].isascii() and word[1:].isdecimal()}
    asked = [each for each in numbers.values() if each < _NUMBERS_END]
    found = await monitor_names.find(conn, tenant_id=visit.tenant_id, named=words, numbers=asked, ids=[])
    known = {each.name for each in found} | {f"#{each.number}" for each in found}
    for word in words:
        if word not in known:
            message = f"there is no monitor “{word[:100]}”: write its name, or # and its number"
            raise BadRequest(message, code="INVALID_MONITORS", field=at)
    return list(dict.fromkeys([*ticked, *(each.id for each in found)]))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
