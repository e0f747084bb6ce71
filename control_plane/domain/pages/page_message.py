"""Which of what a subscriber is owed goes into the next message. Pure.

To people, all that is due goes as one message, so that a storm does not become a storm of mails. To programs, one
delivery at a time. What was once put into a message stays in it, whatever has come meanwhile, and is sent again as it
was.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.domain.pages.subscriber_rules import Kind

MOST_TOLD = 20
"""Deliveries in one message."""


class Pending(Struct, frozen=True):
    """A delivery that a subscriber is owed. `news`: not a question about the subscription itself.

    `told`: they know, or soon will, of what it is the end of.
    """

    id: UUID
    number: int
    subject: UUID | None
    event: str
    message_id: UUID | None
    due: bool
    leased: bool
    news: bool
    told: bool


class Chosen(Struct, frozen=True):
    """What goes now under one message id, in order, and what need not be told at all."""

    message_id: UUID | None
    ids: Sequence[UUID]
    needless: Sequence[UUID]


def choose_message(pending: Sequence[Pending], *, kind: Kind, free: bool) -> Chosen:
    """The next message to a subscriber who is owed `pending`, in the order of their numbers.

    `free`: they were not told too often of late. Nothing goes while a message is under way, and nothing of a subject
    before what was owed of it earlier.
    """
    needless = [one.id for one in pending if not one.told and not one.leased]
    left = [one for one in pending if one.id not in needless]
    if any(one.leased for one in left):
        return Chosen(None, [], needless)
    lead = next((one for one in left if _may_go(one, left, free=free)), None)
    if lead is None:
        return Chosen(None, [], needless)
    if lead.message_id is not None:
        return Chosen(lead.message_id, [one.id for one in left if one.message_id == lead.message_id], needless)
    if kind == "webhook" or not lead.news:
        return Chosen(lead.id, [lead.id], needless)
    together = [one.id for one in left if one.news and one.message_id is None and _may_go(one, left, free=free)]
    return Chosen(lead.id, together[:MOST_TOLD], needless)


def _may_go(one: Pending, pending: Sequence[Pending], *, free: bool) -> bool:
    if not one.due or not (free or one.message_id is not None or not one.news):
        return False
    return not any(
        other.subject == one.subject and other.number < one.number and not other.due
        for other in pending
        if one.subject is not None
    )
