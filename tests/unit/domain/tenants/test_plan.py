"""What a plan allows, and what an override makes of it."""

from __future__ import annotations

import pytest

from control_plane.domain.tenants.plan import (
    CATEGORIES,
    NO_LIMITS,
    QUOTAS,
    Features,
    PlanTerms,
    Rate,
    interval_floor_s,
    merged_overrides,
    require_api_access,
    require_channel_kind,
    require_check_kind,
    require_regions,
    require_room,
    room_left,
    terms_of,
)
from control_plane.errors import Forbidden, Refused

FREE = PlanTerms("free", {"keys": 10}, Features(min_interval=60), {"reads": Rate(200, 100)})


def document(**overrides: object) -> dict[str, object]:
    return {
        "name": "free",
        "quotas": {"keys": 10, "channels": 3},
        "features": {"min_interval": 60, "check_kinds": ["http"]},
        "rates": {"reads": {"tenant": 200, "caller": 100}},
        "overrides": overrides,
    }


def test_without_limits_any_number_fits() -> None:
    for quota in QUOTAS:
        require_room(NO_LIMITS, quota, current=10**9)
        assert room_left(NO_LIMITS, quota, current=10**9) is None


def test_the_last_place_may_be_taken_and_no_more() -> None:
    require_room(FREE, "keys", current=9)
    with pytest.raises(Refused) as refusal:
        require_room(FREE, "keys", current=9, more=2)
    assert refusal.value.code == "QUOTA_EXCEEDED"
    assert refusal.value.details == {"quota": "keys", "current": 9, "limit": 10, "plan": "free"}
    assert room_left(FREE, "keys", current=12) == 0


def test_a_quota_that_a_plan_does_not_name_is_none() -> None:
    require_room(FREE, "channels", current=10**6)


def test_an_override_replaces_the_value_of_its_name_and_no_other() -> None:
    terms = terms_of(document(quotas={"keys": 50}, features={"min_interval": 10}))
    assert terms.quotas == {"keys": 50, "channels": 3}
    assert terms.features == Features(min_interval=10, check_kinds=("http",))


def test_an_unlimited_override_takes_the_limit_away() -> None:
    terms = terms_of(document(quotas={"keys": "unlimited"}, features={"check_kinds": "unlimited"}))
    require_room(terms, "keys", current=10**6)
    require_check_kind(terms, "dns")


def test_the_halves_of_a_rate_are_overridden_one_by_one() -> None:
    terms = terms_of(document(rates={"reads": {"tenant": 900}, "bulk": {"caller": 1}}))
    assert terms.rates == {"reads": Rate(900, 100), "bulk": Rate(None, 1)}


def test_a_patch_of_overrides_adds_replaces_and_takes_away() -> None:
    stored = {"quotas": {"keys": 20, "channels": 5}, "features": {"min_interval": 10}}
    patch = {"quotas": {"keys": None, "members": 9}, "features": {"min_interval": None}}
    assert merged_overrides(stored, patch) == {"quotas": {"channels": 5, "members": 9}}
    assert merged_overrides(stored, {"quotas": None}) == {"features": {"min_interval": 10}}
    assert merged_overrides(stored, {}) == stored


def test_what_a_newer_version_wrote_is_left_out() -> None:
    assert terms_of(document(features={"teleports": 3})).features.min_interval == 60


@pytest.mark.parametrize(
    ("features", "feature"),
    [
        (Features(check_kinds=("http", "tcp")), "check_kinds"),
        (Features(channel_kinds=("webhook",)), "channel_kinds"),
        (Features(max_regions=2), "max_regions"),
        (Features(api_access=False), "api_access"),
    ],
)
def test_a_feature_that_the_plan_lacks_is_refused_by_name(features: Features, feature: str) -> None:
    terms = PlanTerms("small", features=features)
    with pytest.raises(Forbidden) as refusal:
        use_everything(terms)
    assert refusal.value.code == "PLAN_FEATURE"
    assert refusal.value.details is not None
    assert (refusal.value.details["feature"], refusal.value.details["plan"]) == (feature, "small")


def use_everything(terms: PlanTerms) -> None:
    require_check_kind(terms, "dns")
    require_channel_kind(terms, "ntfy")
    require_regions(terms, 50)
    require_api_access(terms)


def test_everything_is_there_without_limits() -> None:
    use_everything(NO_LIMITS)
    assert set(NO_LIMITS.rates) == set(CATEGORIES)


def test_the_greater_floor_counts() -> None:
    assert interval_floor_s(FREE, kind_floor_s=10) == 60
    assert interval_floor_s(FREE, kind_floor_s=3600) == 3600
    assert interval_floor_s(NO_LIMITS, kind_floor_s=10) == 10
