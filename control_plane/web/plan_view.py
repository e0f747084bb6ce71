"""A tenant's plan as it is shown: what may be used, how much of it is, and how fast."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from control_plane.domain.tenants.plan import QUOTAS, Features, PlanTerms, Rate


class QuotaUse(Struct, frozen=True):
    """How many there are, and how many there may be; a limit of null is none.

    `used` is null for what is counted for each monitor, page or region (`region_agents`), and not for the tenant.
    """

    used: int | None
    limit: int | None


class PlanJson(Struct, frozen=True):
    """What a plan, with the tenant's overrides, allows. `rates` are requests a minute."""

    name: str
    features: Features
    rates: Mapping[str, Rate]


def plan_json(terms: PlanTerms) -> PlanJson:
    return PlanJson(terms.name, terms.features, terms.rates)


def usage_json(terms: PlanTerms, used: Mapping[str, int]) -> dict[str, QuotaUse]:
    """Every quota, in the order of the registry."""
    return {quota: QuotaUse(used.get(quota), terms.quotas.get(quota)) for quota in QUOTAS}
