"""What of a claim is still to be sent: the rest is cancelled, with what forbids it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from control_plane.errors import Unavailable
from control_plane.services.alerting.restrain_deliveries import Withheld, silenced
from control_plane.store import delivery_records
from control_plane.store.deliveries import NOT_TOLD
from control_plane.store.outbox import Claimed
from control_plane.store.pool import Database

SLEPT_THROUGH = "Resolved before quiet hours ended"


async def keep_sendable(database: Database, members: Sequence[Claimed]) -> list[Claimed]:
    """Those to be sent, in their order. A recovery goes with the opening that is not told after all."""
    kept: list[Claimed] = []
    withheld: dict[str, list[Claimed]] = {}
    rules: dict[str, dict[str, Any] | None] = {}
    silences = await _silenced(database, members)
    for each in members:
        why = _withheld(each, silences)
        if why is None:
            kept.append(each)
        else:
            withheld.setdefault(why.reason, []).append(each)
            rules[why.reason] = why.rule or None
    untold: set[UUID] = set()
    for reason, those in withheld.items():
        async with database.app_transaction() as conn:
            untold |= await delivery_records.withhold(conn, those, reason=reason, rule=rules[reason])
    return [each for each in kept if each.id not in untold]


async def _silenced(database: Database, members: Sequence[Claimed]) -> Mapping[UUID, Withheld]:
    """While the database is away what was claimed already is sent: an alert is worth more than a new silence."""
    if not any(each.may_be_silenced for each in members):
        return {}
    try:
        async with database.app() as conn:
            return await silenced(conn, members)
    except Unavailable:
        return {}


def _withheld(claimed: Claimed, silences: Mapping[UUID, Withheld]) -> Withheld | None:
    """Why a claimed delivery is not to be sent, or None. The rule that had delayed it stays with it."""
    if claimed.enabled is None:
        return Withheld("The channel was deleted", {})
    if not claimed.enabled and claimed.notice != "test":
        return Withheld("The channel was disabled", {})
    if not claimed.verified:
        return Withheld("The e-mail address is not verified", {})
    if not claimed.told:
        return Withheld(NOT_TOLD, {})
    if claimed.slept_through:
        return Withheld(SLEPT_THROUGH, {})
    return silences.get(claimed.id)
