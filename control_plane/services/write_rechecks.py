"""Re-checks as rows: what fast confirmation, the end of a hold, and an opening that waits for its upstreams ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import cast
from uuid import UUID

from control_plane.services.domain_budget import beyond_budget, domains_of
from control_plane.services.identity import new_id
from control_plane.services.judged_case import Judged
from control_plane.store import decisions, holds
from control_plane.store.decisions import Row
from control_plane.store.pool import Connection

RECHECK_LIFE_MS = 30_000
"""A re-check that nobody claimed this long after it was due is left undone."""

RECHECKS_PER_REGION = 2_000
"""Waiting re-checks beyond which a region gets no more: then the normal cadence decides."""


async def write_rechecks(conn: Connection, judged: Sequence[Judged]) -> None:
    """Drop those that are no longer needed, and write what the decisions ask for, as far as regions have budget."""
    settled = [one.case.monitor_id for one in judged if one.decision.drop_rechecks]
    if settled:
        await decisions.drop_rechecks(conn, settled)
    wanted = [row for one in judged if one.decision.recheck_slots for row in _own_rows(one)]
    wanted += await _upstream_rows(conn, judged)
    wanted, domains = await _within_domains(conn, wanted)
    if not wanted:
        return
    load = await decisions.recheck_load(conn, sorted({region for region, _ in wanted}))
    rows = [(*row, domains.get(cast("UUID", row[3]))) for row in _within_budget(wanted, load)]
    if rows:
        await decisions.write_rechecks(conn, rows)


def _own_rows(one: Judged) -> Iterator[tuple[int, list[Row]]]:
    """Each assigned region with all of its rows."""
    case = one.case
    for vote in (v.vote for v in case.votes if v.vote.region_id):
        yield (
            vote.region_id,
            [
                (
                    new_id(),
                    vote.region_id,
                    case.tenant_id,
                    case.monitor_id,
                    vote.check_version,
                    slot,
                    slot + RECHECK_LIFE_MS,
                )
                for slot in one.decision.recheck_slots
            ],
        )


async def _upstream_rows(conn: Connection, judged: Sequence[Judged]) -> list[tuple[int, list[Row]]]:
    """One re-check in each region of every upstream that is asked, unless some wait there already."""
    slots = {id_: one.decision.upstream_slot for one in judged for id_ in one.decision.asked_upstreams}
    if not slots:
        return []
    return [
        (region_id, [(new_id(), region_id, tenant_id, id_, version, slots[id_], slots[id_] + RECHECK_LIFE_MS)])
        for tenant_id, id_, region_id, version in await holds.regions_to_ask(conn, sorted(slots))
    ]


async def _within_domains(
    conn: Connection, wanted: list[tuple[int, list[Row]]]
) -> tuple[list[tuple[int, list[Row]]], dict[UUID, str]]:
    """What the budgets of domains over all tenants allow, and the domains by monitor."""
    if not wanted:
        return [], {}
    targets = [(cast("UUID", row[3]), cast("UUID", row[2])) for _, rows in wanted for row in rows]
    domains = await domains_of(conn, dict(targets))
    beyond = await beyond_budget(conn, Counter(monitor_id for monitor_id, _ in targets), domains)
    return [(region_id, [row for row in rows if row[3] not in beyond]) for region_id, rows in wanted], domains


def _within_budget(wanted: Sequence[tuple[int, list[Row]]], load: dict[int, int]) -> Iterator[Row]:
    for region_id, rows in wanted:
        waiting = load.get(region_id, 0) + len(rows)
        if waiting > RECHECKS_PER_REGION:
            continue
        load[region_id] = waiting
        yield from rows
