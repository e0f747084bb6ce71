"""What may be dispatched at one registrable domain over all tenants: so that nobody makes us hammer a stranger's site.

Budgets are read, not locked: two that ask in the same instant may both be let through, which is a few requests more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from control_plane.domain.safety.registrable_domain import domain_of
from control_plane.errors import TooMany
from control_plane.store import domain_load
from control_plane.store.domain_load import ON_DEMAND_WINDOW_S
from control_plane.store.pool import Connection, Database

RECHECKS_PER_DOMAIN = 600
"""Waiting re-checks beyond which a domain gets no more: then the normal cadence decides. 50 monitors in 3 regions."""

ON_DEMAND_PER_DOMAIN = 120
"""Tests and check-nows of a domain within ON_DEMAND_WINDOW_S, each region counted."""


async def require_room(database: Database, domain: str | None, *, wanted: int) -> None:
    """Raise TooMany when these many more tests and check-nows are beyond the domain's budget."""
    if domain is None:
        return
    async with database.app() as conn:
        load = await domain_load.on_demand(conn, domain=domain)
    if load.count + wanted > ON_DEMAND_PER_DOMAIN:
        raise TooMany(
            f"{domain} is tested and checked on demand too often now. Try again shortly.",
            retry_after_s=max(1, ON_DEMAND_WINDOW_S - load.oldest_age_s),
        )


async def domains_of(conn: Connection, monitors: Mapping[UUID, UUID]) -> dict[UUID, str]:
    """The domains of these monitors (monitor → tenant); those that bother nobody in public are absent."""
    targets = await domain_load.targets(conn, monitors)
    found = {monitor_id: domain_of(target) for monitor_id, target in targets.items()}
    return {monitor_id: domain for monitor_id, domain in found.items() if domain is not None}


async def beyond_budget(conn: Connection, wanted: Mapping[UUID, int], domains: Mapping[UUID, str]) -> frozenset[UUID]:
    """The monitors whose re-checks, so many for each, are beyond their domain's budget. Taken in the order given."""
    load: Counter[str] = Counter(await domain_load.waiting_rechecks(conn, sorted(set(domains.values()))))
    beyond = set()
    for monitor_id, count in wanted.items():
        domain = domains.get(monitor_id)
        if domain is None:
            continue
        if load[domain] + count > RECHECKS_PER_DOMAIN:
            beyond.add(monitor_id)
        else:
            load[domain] += count
    return frozenset(beyond)
