"""What the operator may say of plans and of one tenant's overrides. Every name of plan.py is here, once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.domain.checks.kinds import SPECS
from control_plane.errors import BadRequest
from control_plane.notify import TRANSPORTS

Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
PerMinute = Annotated[int, Meta(ge=1, le=10_000_000)]
Kind = Annotated[str, Meta(min_length=1, max_length=40)]
Kinds = Annotated[tuple[Kind, ...], Meta(max_length=100)]
Days = Annotated[int, Meta(ge=1, le=3650)]
Regions = Annotated[int, Meta(ge=1, le=50)]
Interval = Annotated[int, Meta(ge=1, le=604_800)]
NoLimit = Literal["unlimited"]

_Limit = Count | None | UnsetType
_Given = Count | NoLimit | None | UnsetType


class QuotasBody(Struct, frozen=True, forbid_unknown_fields=True):
    """How many of each; null is no limit."""

    max_monitors: _Limit = UNSET
    members: _Limit = UNSET
    invitations: _Limit = UNSET
    keys: _Limit = UNSET
    channels: _Limit = UNSET
    status_pages: _Limit = UNSET
    public_components: _Limit = UNSET
    share_links_per_monitor: _Limit = UNSET
    shared_monitors: _Limit = UNSET
    maintenance: _Limit = UNSET
    routes: _Limit = UNSET
    silences: _Limit = UNSET
    private_regions: _Limit = UNSET
    region_agents: _Limit = UNSET
    """In each of the private regions."""


class FeaturesBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be used; null is everything. `min_interval` in seconds."""

    check_kinds: Kinds | UnsetType | None = UNSET
    channel_kinds: Kinds | UnsetType | None = UNSET
    max_regions: Regions | UnsetType | None = UNSET
    min_interval: Interval | UnsetType | None = UNSET
    retention_days: Days | UnsetType | None = UNSET
    api_access: bool | UnsetType = UNSET


class RateBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Requests a minute, of the tenant and of each caller; null is no limit."""

    tenant: PerMinute | UnsetType | None = UNSET
    caller: PerMinute | UnsetType | None = UNSET


class RatesBody(Struct, frozen=True, forbid_unknown_fields=True):
    """By category. One that no plan names has the installation's default."""

    reads: RateBody | UnsetType = UNSET
    writes: RateBody | UnsetType = UNSET
    creates: RateBody | UnsetType = UNSET
    bulk: RateBody | UnsetType = UNSET
    test_now: RateBody | UnsetType = UNSET
    check_now: RateBody | UnsetType = UNSET


class QuotaOverrides(Struct, frozen=True, forbid_unknown_fields=True):
    """A number, `"unlimited"`, or null for what the plan says."""

    max_monitors: _Given = UNSET
    members: _Given = UNSET
    invitations: _Given = UNSET
    keys: _Given = UNSET
    channels: _Given = UNSET
    status_pages: _Given = UNSET
    public_components: _Given = UNSET
    share_links_per_monitor: _Given = UNSET
    shared_monitors: _Given = UNSET
    maintenance: _Given = UNSET
    routes: _Given = UNSET
    silences: _Given = UNSET
    private_regions: _Given = UNSET
    region_agents: _Given = UNSET


class FeatureOverrides(Struct, frozen=True, forbid_unknown_fields=True):
    """A value, `"unlimited"`, or null for what the plan says."""

    check_kinds: Kinds | NoLimit | UnsetType | None = UNSET
    channel_kinds: Kinds | NoLimit | UnsetType | None = UNSET
    max_regions: Regions | NoLimit | UnsetType | None = UNSET
    min_interval: Interval | NoLimit | UnsetType | None = UNSET
    retention_days: Days | NoLimit | UnsetType | None = UNSET
    api_access: bool | UnsetType | None = UNSET


class RateOverride(Struct, frozen=True, forbid_unknown_fields=True):
    """Requests a minute, `"unlimited"`, or null for what the plan says."""

    tenant: PerMinute | NoLimit | UnsetType | None = UNSET
    caller: PerMinute | NoLimit | UnsetType | None = UNSET


class RateOverrides(Struct, frozen=True, forbid_unknown_fields=True):
    """By category."""

    reads: RateOverride | UnsetType | None = UNSET
    writes: RateOverride | UnsetType | None = UNSET
    creates: RateOverride | UnsetType | None = UNSET
    bulk: RateOverride | UnsetType | None = UNSET
    test_now: RateOverride | UnsetType | None = UNSET
    check_now: RateOverride | UnsetType | None = UNSET


class Overrides(Struct, frozen=True, forbid_unknown_fields=True):
    """What is different for one tenant: a merge patch onto what was overridden before."""

    quotas: QuotaOverrides | UnsetType | None = UNSET
    features: FeatureOverrides | UnsetType | None = UNSET
    rates: RateOverrides | UnsetType | None = UNSET


def plain(body: Struct | UnsetType) -> dict[str, Any]:
    """What was given, as JSON; nothing for what was not. Raises BadRequest for a kind that is not."""
    given: dict[str, Any] = {} if body is UNSET else msgspec.to_builtins(body)
    _refuse_unknown_kinds(given.get("features", given) or {})
    return given


def _refuse_unknown_kinds(features: dict[str, Any]) -> None:
    for name, known in (("check_kinds", SPECS), ("channel_kinds", TRANSPORTS)):
        given = features.get(name)
        unknown = [kind for kind in given if kind not in known] if isinstance(given, list | tuple) else []
        if unknown:
            message = f"there is no kind {unknown[0][:40]!r}; there are {', '.join(sorted(known))}"
            raise BadRequest(message, code=f"INVALID_{name.upper()}", field=f"/features/{name}")


PLAN_ERRORS = (
    *("INVALID_TITLE", "INVALID_CHECK_KINDS", "INVALID_CHANNEL_KINDS", "INVALID_MAX_REGIONS", "INVALID_MIN_INTERVAL"),
    *("INVALID_RETENTION_DAYS", "INVALID_TENANT", "INVALID_CALLER"),
    *(f"INVALID_{quota.upper()}" for quota in QuotasBody.__struct_fields__),
)
"""Codes of what may be wrong in such a body."""
