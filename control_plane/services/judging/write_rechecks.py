"""Re-checks as rows: what fast confirmation, the end of a hold, and an opening that waits for its upstreams ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from uuid import UUID

from msgspec import Struct

from control_plane.services.installation.identity import new_id
from control_plane.services.judging.judged_case import Judged
from control_plane.services.safety.domain_budget import beyond_budget, domains_of
from control_plane.store import decisions, holds
from control_plane.store.decisions import Row
from control_plane.store.pool import Connection

RECHECK_LIFE_MS = 30_000
"""A re-check that nobody claimed this long after it was due is left undone."""

RECHECKS_PER_REGION = 2_000
"""Waiting re-checks beyond which a region gets no more: then the normal cadence decides."""


class _Wanted(Struct, frozen=True):
    """The re-checks of one monitor in one region."""

    region_id: int
    tenant_id: UUID
    monitor_id: UUID
    check_version: int
    slots: tuple[int, ...]
    for_dependent: bool = False

    def rows(self, domain: str | None) -> Iterator[Row]:
        for slot in self.slots:
            row = (new_id(), self.region_id, self.tenant_id, self.monitor_id, self.check_version, slot)
            yield (*row, slot + RECHECK_LIFE_MS, domain, self.for_dependent)


async def write_rechecks(conn: Connection, judged: Sequence[Judged]) -> None:
    """Drop those that are no longer needed, and write what the decisions ask for, as far as regions have budget."""
    settled = [one.case.monitor_id for one in judged if one.decision.drop_rechecks]
    if settled:
        await decisions.drop_rechecks(conn, settled)
    wanted = [*chain.from_iterable(map(_own, judged)), *await _of_upstreams(conn, judged)]
    if not wanted:
        return
    domains = await domains_of(conn, {one.monitor_id: one.tenant_id for one in wanted})
    asked: Counter[UUID] = Counter()
    for one in wanted:
        asked[one.monitor_id] += len(one.slots)
    beyond = await beyond_budget(conn, asked, domains)
    load = await decisions.recheck_load(conn, sorted({one.region_id for one in wanted}))
    allowed = _within_budget([one for one in wanted if one.monitor_id not in beyond], load)
    rows = [row for one in allowed for row in one.rows(domains.get(one.monitor_id))]
    if rows:
        await decisions.write_rechecks(conn, rows)


def _own(one: Judged) -> Iterator[_Wanted]:
    """One for each assigned region."""
    case, slots = one.case, one.decision.recheck_slots
    for vote in (v.vote for v in case.votes if slots and v.vote.region_id):
        yield _Wanted(vote.region_id, case.tenant_id, case.monitor_id, vote.check_version, slots)


async def _of_upstreams(conn: Connection, judged: Sequence[Judged]) -> list[_Wanted]:
    """One for each region of every upstream that is asked, unless some wait there already."""
    slots = {asked.monitor_id: asked.slots for one in judged for asked in one.decision.asked_upstreams}
    if not slots:
        return []
    regions = await holds.regions_to_ask(conn, sorted(slots))
    return [
        _Wanted(region, tenant_id, id_, version, slots[id_], for_dependent=True)
        for tenant_id, id_, region, version in regions
    ]


def _within_budget(wanted: Sequence[_Wanted], load: dict[int, int]) -> Iterator[_Wanted]:
    for one in wanted:
        waiting = load.get(one.region_id, 0) + len(one.slots)
        if waiting > RECHECKS_PER_REGION:
            continue
        load[one.region_id] = waiting
        yield one
