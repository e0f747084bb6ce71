"""Which of a channel's due notices go singly, and which wait to be told together: at most one digest a minute. Pure.

The plan is made from what the rows say, under the channel's lock, so that it holds over all processes. It never parts
what belongs together: the notices of one incident go in order, so one that follows another into a digest waits with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct, structs

NEVER_DIGESTED = frozenset({"webhook", "pagerduty", "alertmanager"})
"""Programs read these: one message per notice, however many."""

SINGLES = 5
"""Messages that a channel sends singly within MINUTE."""

MINUTE = timedelta(minutes=1)
"""What the singles are counted over, and the least time from one digest of a channel to its next."""


class Due(Struct, frozen=True):
    """A notice whose time has come. `put_off`: it has waited for this digest. `again`: its message is itself alone.

    That is so where it went before and did not arrive, and where somebody replays it.
    """

    id: UUID
    incident_id: UUID | None
    put_off: bool = False
    again: bool = False


class Spent(Struct, frozen=True):
    """What a channel has sent lately, without what failed and will be tried again.

    `singles`: when each went within the last MINUTE, oldest first. `digest`: when the last one went, and `repeated`
    whether not for the first time. `reserved`: singles that will be tried again within a MINUTE, or at any time while
    the channel does not deliver.
    """

    singles: tuple[datetime, ...] = ()
    digest: datetime | None = None
    repeated: bool = False
    reserved: int = 0


class Plan(Struct, frozen=True):
    """Each due notice is in one of four. `until` is when those that are put off fall due, `room` when `later` do.

    `later`: those whose message is itself alone, and the minute is full. `repeat`: the digest to try again now; other
    digests wait until `next_digest`.
    """

    singly: tuple[UUID, ...] = ()
    together: tuple[UUID, ...] = ()
    put_off: tuple[UUID, ...] = ()
    until: datetime | None = None
    later: tuple[UUID, ...] = ()
    room: datetime | None = None
    repeat: UUID | None = None
    next_digest: datetime | None = None


def plan(due: Sequence[Due], spent: Spent, *, now: datetime, failed: Sequence[UUID] = ()) -> Plan:
    """Sort the due notices of one channel, in the order of their numbers. `failed`: digests to retry, latest first.

    What is tried again takes a place of the minute like anything else, or a receiver that comes back would hear twice
    as much. A single that failed comes before what is new, because no digest can tell of it.
    """
    again = [each for each in due if each.again]
    free = max(0, SINGLES - len(spent.singles))
    later = again[free:]
    new = [each for each in due if not each.again]
    repeat = failed[0] if failed and _may_repeat(new, spent, now=now) else None
    made = _sorted(new, spent, now=now, may_digest=repeat is None and _is_free(spent, now))
    digests = repeat is not None or bool(made.together)
    return structs.replace(
        made,
        singly=_ids(again[:free]) + made.singly,
        until=max(made.until, now + MINUTE) if made.until is not None and repeat is not None else made.until,
        later=_ids(later),
        room=(spent.singles[0] if spent.singles else now) + MINUTE if later else None,
        repeat=repeat,
        next_digest=None if not failed else (now if digests or spent.digest is None else spent.digest) + MINUTE,
    )


def _is_free(spent: Spent, now: datetime) -> bool:
    return spent.digest is None or now - spent.digest >= MINUTE


def _may_repeat(new: Sequence[Due], spent: Spent, *, now: datetime) -> bool:
    """New and failed digests take turns where both wait, so that news is not behind a backlog, nor that behind news."""
    turn = spent.digest is not None and not spent.repeated
    return _is_free(spent, now) and (turn or not _held(new))


def _sorted(due: Sequence[Due], spent: Spent, *, now: datetime, may_digest: bool) -> Plan:
    """What has no message yet. A digest goes when something has waited for it and the one before was a minute ago.

    | the notice | a digest goes now | none does |
    |---|---|---|
    | has waited, or follows one of its incident that has | told together | put off |
    | is new, and the minute has room for a single | goes singly | goes singly |
    | is new, and the minute is full | told together | put off |
    | follows one of its incident that goes singly now, and the minute is full | put off | put off |
    """
    held = _held(due)
    fresh = [each for each in due if each.id not in held]
    singly = fresh[: max(0, SINGLES - len(spent.singles) - spent.reserved)]
    rest = [each for each in due if each not in singly]
    if held and may_digest:
        return _with_digest(singly, rest, now=now)
    until = _next_digest(spent, waited=bool(held), now=now)
    return Plan(singly=_ids(singly), put_off=_ids(rest), until=until if rest else None)


def _with_digest(singly: Sequence[Due], rest: Sequence[Due], *, now: datetime) -> Plan:
    """What follows a single of its incident is not told beside it: the digest might arrive first."""
    apart = {each.incident_id for each in singly if each.incident_id is not None}
    together = [each for each in rest if each.incident_id not in apart]
    put_off = [each for each in rest if each.incident_id in apart]
    return Plan(
        singly=_ids(singly),
        together=_ids(together),
        put_off=_ids(put_off),
        until=now + MINUTE if put_off else None,
    )


def _held(due: Iterable[Due]) -> frozenset[UUID]:
    """What has waited, and what comes after it in its incident."""
    incidents: set[UUID] = set()
    held: set[UUID] = set()
    for each in due:
        if each.put_off or each.incident_id in incidents:
            held.add(each.id)
            if each.incident_id is not None:
                incidents.add(each.incident_id)
    return frozenset(held)


def _next_digest(spent: Spent, *, waited: bool, now: datetime) -> datetime:
    """A minute after the last one; what has not waited yet waits until the minute that is full ends, too."""
    if waited and spent.digest is not None:
        return max(spent.digest + MINUTE, now)
    ends = (spent.singles[0] if spent.singles else now) + MINUTE
    return ends if spent.digest is None else max(ends, spent.digest + MINUTE)


def _ids(chosen: Iterable[Due]) -> tuple[UUID, ...]:
    return tuple(each.id for each in chosen)
