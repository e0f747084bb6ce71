"""What a tenant may have, use and ask for: its plan, with what the operator overrode for this tenant alone.

Quotas count objects (422 QUOTA_EXCEEDED), features are what may be used at all (403 PLAN_FEATURE), rates are requests a
minute (429 RATE_LIMITED). None is no limit, everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

from control_plane.errors import Forbidden, Refused

QUOTAS = (
    *("max_monitors", "members", "invitations", "keys", "channels"),
    *("status_pages", "public_components", "share_links_per_monitor", "shared_monitors", "maintenance"),
    *("private_regions", "region_agents", "routes", "silences"),
)
"""What is counted."""

Category = Literal["reads", "writes", "creates", "bulk", "test_now", "check_now"]
"""Kinds of requests; each has a budget of its own."""
CATEGORIES: tuple[Category, ...] = get_args(Category)


class Features(Struct, frozen=True, kw_only=True):
    """What may be used. None allows every kind, and any number.

    `min_interval`: the least seconds between checks, beside the kind's own floor. `retention_days`: history is kept
    for so many days at least (docs/plans.md). `api_access`: whether API keys are let in at all; GET /me always is.
    """

    check_kinds: tuple[str, ...] | None = None
    channel_kinds: tuple[str, ...] | None = None
    max_regions: int | None = None
    min_interval: int | None = None
    retention_days: int | None = None
    api_access: bool = True


class Rate(Struct, frozen=True):
    """Requests a minute: of the whole tenant, and of each of its callers."""

    tenant: int | None = None
    caller: int | None = None


class PlanTerms(Struct, frozen=True):
    """A plan as it holds for one tenant. A category without a rate has the installation's default."""

    name: str
    quotas: Mapping[str, int | None] = {}
    features: Features = Features()
    rates: Mapping[str, Rate] = {}


UNLIMITED = "unlimited"
"""In an override: no limit, since null there takes the override away."""

NO_LIMITS = PlanTerms("unlimited", dict.fromkeys(QUOTAS), Features(), {category: Rate() for category in CATEGORIES})
"""For whom no plan binds: the operator."""


def terms_of(document: Mapping[str, Any]) -> PlanTerms:
    """The terms in a stored document {name, quotas, features, rates, overrides} (store/plans.py).

    An override replaces the plan's value of the same name; a rate's two halves are overridden one by one. Names that
    this version does not know are left out.
    """
    overrides = _without_words(document["overrides"])
    features = {**document["features"], **overrides.get("features", {})}
    rates = {
        name: {**document["rates"].get(name, {}), **overrides.get("rates", {}).get(name, {})}
        for name in {**document["rates"], **overrides.get("rates", {})}
    }
    return PlanTerms(
        name=document["name"],
        quotas={**document["quotas"], **overrides.get("quotas", {})},
        features=msgspec.convert(features, Features),
        rates=msgspec.convert(rates, dict[str, Rate]),
    )


def merged_overrides(stored: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """JSON merge patch (RFC 7396): absent keeps, null takes an override away. What is left empty is left out."""
    merged = dict(stored)
    for name, value in patch.items():
        before = merged.pop(name, None)
        after = merged_overrides(before or {}, value) if isinstance(value, dict) else value
        if after is not None and after != {}:
            merged[name] = after
    return merged


def _without_words(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The overrides with None where they say UNLIMITED."""
    return {
        name: _without_words(value) if isinstance(value, dict) else None if value == UNLIMITED else value
        for name, value in overrides.items()
    }


def require_room(terms: PlanTerms, quota: str, *, current: int, more: int = 1) -> None:
    """Raise Refused QUOTA_EXCEEDED when `more` on top of `current` goes over the plan's limit."""
    limit = terms.quotas.get(quota)
    if limit is None or current + more <= limit:
        return
    raise Refused(
        f"The plan {terms.name} allows {limit} of {quota} and {current} exist: remove some, or ask for a larger plan",
        code="QUOTA_EXCEEDED",
        details={"quota": quota, "current": current, "limit": limit, "plan": terms.name},
    )


def room_left(terms: PlanTerms, quota: str, *, current: int) -> int | None:
    """How many more fit; None is any number."""
    limit = terms.quotas.get(quota)
    return None if limit is None else max(0, limit - current)


def require_check_kind(terms: PlanTerms, kind: str, *, field: str | None = "/check/type") -> None:
    """Raise Forbidden PLAN_FEATURE when the plan has no checks of this kind."""
    _require_kind(terms, "check_kinds", terms.features.check_kinds, kind, field=field)


def require_channel_kind(terms: PlanTerms, kind: str, *, field: str | None = "/config/type") -> None:
    """Raise Forbidden PLAN_FEATURE when the plan has no channels of this kind."""
    _require_kind(terms, "channel_kinds", terms.features.channel_kinds, kind, field=field)


def require_regions(terms: PlanTerms, count: int, *, field: str | None = "/regions") -> None:
    """Raise Forbidden PLAN_FEATURE when one monitor may not have so many regions."""
    limit = terms.features.max_regions
    if limit is not None and count > limit:
        message = f"The plan {terms.name} allows {limit} regions for a monitor, and these are {count}: choose fewer"
        raise _lacking(terms, "max_regions", message, field=field, limit=limit)


def require_api_access(terms: PlanTerms) -> None:
    """Raise Forbidden PLAN_FEATURE when programs of this tenant are not let in."""
    if not terms.features.api_access:
        message = f"The plan {terms.name} has no access by API key: use the dashboard, or ask for another plan"
        raise _lacking(terms, "api_access", message, field=None)


def interval_floor_s(terms: PlanTerms, *, kind_floor_s: int) -> int:
    """The least interval in seconds: the greater of the plan's and the kind's."""
    return max(kind_floor_s, terms.features.min_interval or 0)


def _require_kind(
    terms: PlanTerms, feature: str, allowed: tuple[str, ...] | None, kind: str, *, field: str | None
) -> None:
    if allowed is not None and kind not in allowed:
        message = f"The plan {terms.name} has no {kind} here; it has {', '.join(allowed) or 'none'}"
        raise _lacking(terms, feature, message, field=field, allowed=list(allowed))


def _lacking(terms: PlanTerms, feature: str, message: str, *, field: str | None, **more: object) -> Forbidden:
    return Forbidden(
        message, code="PLAN_FEATURE", field=field, details={"feature": feature, "plan": terms.name, **more}
    )
